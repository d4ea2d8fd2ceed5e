// `./dev bench`: one quick row through the whole of it, without the rivals' packages, and what it writes.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binary, temporaryDirectory } from './harness.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

async function bench(...flags) {
  const child = spawn(process.execPath, [join(root, 'bench/side_by_side/main.mjs'), ...flags], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, CARILLON_BINARY: binary } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

test('a quick round of one row writes a document and every result, and a later one keeps what it does not measure', async () => {
  const folder = await temporaryDirectory();
  try {
    const measured = await bench('--quick', '--only', 'check', '--output', folder);
    assert.equal(measured.code, 0, measured.stderr);
    assert.match(measured.stderr, /1\/1 check: Carillon, one process, round 1/);
    const results = JSON.parse(await readFile(join(folder, 'benchmarks.json'), 'utf8'));
    assert.equal(results.schema, 'carillon-bench/1');
    assert.ok(results.machine.cores > 0 && results.versions.carillon !== 'unknown', JSON.stringify(results.versions));
    const [round] = results.rows.check.sides.embedded.rounds;
    assert.ok(round.figures.p50 > 0 && round.figures.p99 >= round.figures.p50, JSON.stringify(round.figures));
    assert.equal(round.raw.notifications.lost, 0);
    assert.ok(round.cpu.generator > 0 && round.cpu.gateway > 0, JSON.stringify(round.cpu));
    const document = await readFile(join(folder, 'benchmarks.md'), 'utf8');
    assert.match(document, /^## In short$/m);
    assert.match(document, /^## The bench itself$/m);
    assert.match(document, /^\| Carillon, one process \| \d/m);
    assert.doesNotMatch(document, /undefined|NaN|\[object/);

    const nothing = await bench('--only', 'rain', '--output', folder);
    assert.equal(nothing.code, 2);
    assert.match(nothing.stderr, /there is no row 'rain'/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
