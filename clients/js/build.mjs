// Bundles the client into one ES module; socket.io-client stays a dependency. The types are tsc's.
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
await rm(`${here}/dist`, { recursive: true, force: true });
await build({
  absWorkingDir: here,
  entryPoints: ["src/index.ts"],
  outfile: "dist/index.js",
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  packages: "external",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  minify: true,
  sourcemap: true,
});
