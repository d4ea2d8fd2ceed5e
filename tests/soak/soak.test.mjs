// A short round of `./dev soak`, and the proof that it fails when it has to.
import { test, describe } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { flatness } from './memory.mjs';

const program = fileURLToPath(new URL('run.mjs', import.meta.url));

/** {code, stdout, figures} of a run of the command. */
async function run(...flags) {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-soak-'));
  const file = join(folder, 'soak.json');
  const child = spawn(process.execPath, [program, '--users', '20', '--json', file, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  const [code] = await once(child, 'close');
  try {
    return { code, stdout, figures: JSON.parse(await readFile(file, 'utf8')) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe('soak', { timeout: 300_000 }, () => {
  test('a round of 20 seconds is whole', async (t) => {
    const { code, stdout, figures } = await run('--minutes', '0.35', '--rate', '40');
    t.diagnostic(stdout);
    assert.equal(code, 0, stdout);
    assert.deepEqual([figures.lost, figures.duplicated, figures.inexact], [0, 0, 0]);
    assert.ok(figures.created > 100 && figures.heard > 200 && figures.read > 20, stdout);
    assert.match(stdout, /^10 s: \d+ created, \d+ heard.*MiB gateway-1 \d+/m);
    for (const name of ['gateway-1', 'gateway-2', 'notifications-1', 'auth-1']) {
      const { start, middle, end } = figures.memory[name];
      assert.ok(start > 1e6 && middle > 1e6 && end > 1e6, name);
    }
  });

  test('a delivery that one client never had makes it fail', async () => {
    const { code, stdout, figures } = await run('--minutes', '0.15', '--rate', '40', '--lose-one', '--settle-seconds', '5');
    assert.equal(code, 1, stdout);
    assert.equal(figures.lost, 1, stdout);
    assert.match(figures.faults.join('\n'), /does not have [0-9a-f-]{36}/);
  });
});

describe('flat memory', () => {
  const MiB = 1024 * 1024;
  const over = (bytes) => Array.from({ length: 200 }, (_, i) => ({ at: i / 199, bytes: bytes(i / 199) }));

  test('is memory that fills at first and then stays, with a spike now and then', () => {
    const { start, middle, end, flat } = flatness(over((at) => (at < 0.1 ? 20 : 60 + (Math.round(at * 199) % 17 === 0 ? 40 : 0)) * MiB));
    assert.deepEqual([start, middle, end, flat], [60 * MiB, 60 * MiB, 60 * MiB, true]);
  });

  test('is not memory that grows with time', () => {
    assert.equal(flatness(over((at) => (40 + 20 * at) * MiB)).flat, false);
    assert.equal(flatness(over((at) => (40 + 10 * at) * MiB)).flat, true, 'within what the allocator may do');
  });

  test('cannot be judged without readings', () => {
    assert.throws(() => flatness([{ at: 0.5, bytes: 1 }]), /no reading of the memory between 0.1 and 0.2/);
  });
});
