import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const bytesMost = 15 * 1024;

test("the client without socket.io-client is at most 15 KB gzipped, and needs nothing else", async () => {
  const result = await build({
    entryPoints: ["src/index.ts"],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    packages: "external",
    minify: true,
  });
  const gzipped = gzipSync(result.outputFiles[0]?.contents ?? "", { level: 9 }).length;
  console.log(`${gzipped} bytes gzipped`);
  assert.ok(gzipped > 1_000 && gzipped <= bytesMost, `${gzipped} bytes`);
  const imported = Object.values(result.metafile.outputs).flatMap((output) => output.imports.map((i) => i.path));
  assert.deepEqual([...new Set(imported)], ["socket.io-client"]);
});
