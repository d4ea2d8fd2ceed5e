// Bundles the demo page. `node build.mjs [--outdir DIR]`; the same sources always give the same bytes.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({ options: { outdir: { type: "string", default: join(here, "dist") } } });
const outdir = resolve(values.outdir);

const shared = {
  absWorkingDir: here,
  bundle: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  minify: true,
  sourcemap: false,
};

await mkdir(outdir, { recursive: true });
await build({
  ...shared,
  entryPoints: ["src/main.ts"],
  outfile: join(outdir, "app.js"),
  format: "iife",
  platform: "browser",
  target: "es2022",
});
await build({
  ...shared,
  entryPoints: ["styles.css"],
  outdir,
  target: "chrome123",
  loader: { ".woff2": "copy" },
  assetNames: "fonts/[name]",
});
const font = dirname(createRequire(import.meta.url).resolve("@fontsource/be-vietnam-pro/package.json"));
await copyFile(join(font, "LICENSE"), join(outdir, "fonts", "LICENSE.txt"));
await copyFile(join(here, "bell.svg"), join(outdir, "bell.svg"));
const { version } = JSON.parse(await readFile(join(here, "../clients/elements/package.json"), "utf8"));
await writeFile(join(outdir, "index.html"), (await readFile(join(here, "index.html"), "utf8")).replace("VERSION", version));

/** Lets every file be kept for ever, by naming its content in the URLs that lead to it: "?v=", as the server knows it. */
async function nameContents(name, pattern) {
  const text = await readFile(join(outdir, name), "utf8");
  const versions = new Map();
  for (const [, , path] of text.matchAll(pattern)) {
    const bytes = await readFile(join(outdir, path));
    versions.set(path, createHash("sha256").update(bytes).digest("hex").slice(0, 12));
  }
  if (versions.size === 0) throw new Error(`${name} leads nowhere`);
  await writeFile(join(outdir, name), text.replaceAll(pattern, (whole, before, path) => `${before}${path}?v=${versions.get(path)}`));
}
// The styles before the page, which names them.
await nameContents("styles.css", /(url\(["']?(?:\.?\/)?)(fonts\/[^"')?]+)/g);
await nameContents("index.html", /((?:src|href)="\/)((?:app\.js|styles\.css|bell\.svg|fonts\/[^"?]+))/g);

for (const name of ["index.html", "app.js", "styles.css", "bell.svg", ...(await readdir(join(outdir, "fonts"))).map((each) => `fonts/${each}`)]) {
  const bytes = await readFile(join(outdir, name));
  const gzipped = gzipSync(bytes, { level: 9 }).length;
  console.log(`${name.padEnd(52)}${String(bytes.length).padStart(8)} B${String(gzipped).padStart(8)} B gzip`);
}
