// Bundles the package into one ES module; react and the Carillon packages stay dependencies. The types are tsc's.
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
  platform: "neutral",
  target: "es2022",
  packages: "external",
  // For frameworks that render components on a server unless told otherwise.
  banner: { js: '"use client";' },
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  minify: true,
  sourcemap: true,
});
