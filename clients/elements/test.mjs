// Bundles every src/**/*_test.ts into a folder of their own and hands them to node's test runner.
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
const tests = (await readdir(source, { recursive: true })).filter((name) => name.endsWith("_test.ts")).sort();
// Inside the package, so that the bundled tests find its dependencies.
const outdir = await mkdtemp(join(here, ".cache-"));
try {
  await build({
    entryPoints: tests.map((name) => join(source, name)),
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    target: "node18",
    logLevel: "warning",
  });
  const bundled = tests.map((name) => join(outdir, name.replace(/\.ts$/, ".mjs")));
  const run = spawnSync(process.execPath, ["--test", "--test-reporter=spec", ...bundled], { stdio: "inherit", cwd: here });
  process.exitCode = run.status ?? 1;
} finally {
  await rm(outdir, { recursive: true, force: true });
}
