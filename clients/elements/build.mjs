// Bundles the elements twice: as an ES module whose dependencies stay imports, and as carillon.js, one script with all that
// it needs, for a <script> tag. The types are tsc's. `--script FILE` writes the script alone.
import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({ options: { script: { type: "string" } } });
const { version } = JSON.parse(await readFile(`${here}/package.json`, "utf8"));

const shared = {
  absWorkingDir: here,
  entryPoints: ["src/index.ts"],
  bundle: true,
  platform: "browser",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  minify: true,
};

const script = values.script === undefined ? `${here}/dist/carillon.js` : resolve(values.script);
if (values.script === undefined) await rm(`${here}/dist`, { recursive: true, force: true });
await mkdir(dirname(script), { recursive: true });
await build({
  ...shared,
  // The client from its sources, so that no other package has to be built before.
  alias: { "@carillon/client": resolve(here, "../js/src/index.ts") },
  entryPoints: ["src/script.ts"],
  outfile: script,
  format: "iife",
  globalName: "Carillon",
  define: { __VERSION__: JSON.stringify(version) },
});
if (values.script === undefined) {
  await build({ ...shared, outfile: "dist/index.js", format: "esm", packages: "external", sourcemap: true });
}
