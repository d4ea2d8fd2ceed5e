// node cmake/gzip_files.mjs DIR OUT: writes OUT/<path>.gz for each file below DIR that is worth it, and nothing else there. The
// same files give the same bytes. What is compressed already (pictures, fonts), and what is small, stays as it is.
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

const [from, to] = process.argv.slice(2);
const smallest = 256;
const worthIt = 0.9;

await rm(to, { recursive: true, force: true });
await mkdir(to, { recursive: true });
for (const path of await readdir(from, { recursive: true })) {
  if (!(await stat(join(from, path))).isFile()) continue;
  const bytes = await readFile(join(from, path));
  const gzipped = gzipSync(bytes, { level: 9 });
  if (bytes.length < smallest || gzipped.length > bytes.length * worthIt) continue;
  const target = join(to, `${path}.gz`);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, gzipped);
}
