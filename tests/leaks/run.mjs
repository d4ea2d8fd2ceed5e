// ./dev leaks: churn on `carillon serve` under valgrind. Fails when memory is lost, and when what is reachable grows with
// the number of clients that have come and gone: it is read after N of them and after 2 N.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Churn } from './churn.mjs';

/** One round: so many connections that come and go, abandoned polling sessions, and handshakes without a CONNECT. */
const round = { cycles: 1_000, abandoned: 150, silent: 150 };
/** Rounds before the first reading (caches and pools take their usual size), and between the two. */
const warmUp = 1;
const roundsBetween = 2;
/** What pools and caches may differ by between two readings; 13 bytes kept of each client are more. */
const growthAllowed = 32 * 1024;

const number = (text) => Number(text.replaceAll(',', ''));

/** Bytes and blocks of each kind in a summary of valgrind. */
function summary(text) {
  const found = {};
  for (const kind of ['definitely lost', 'indirectly lost', 'possibly lost', 'still reachable']) {
    const match = text.match(new RegExp(`${kind}: ([\\d,]+)[^b]*bytes in ([\\d,]+)`));
    found[kind] = match ? { bytes: number(match[1]), blocks: number(match[2]) } : undefined;
  }
  if (!found['still reachable'] && !/no leaks are possible/.test(text)) throw new Error(`no summary in: ${text.slice(-2_000)}`);
  for (const kind of Object.keys(found)) found[kind] ??= { bytes: 0, blocks: 0 };
  return found;
}

const told = (found) => Object.entries(found).map(([kind, { bytes, blocks }]) => `${kind} ${bytes} bytes in ${blocks} blocks`).join(', ');

const folder = await mkdtemp(join(tmpdir(), 'carillon-leaks-'));
const log = join(folder, 'valgrind.log');
const failures = [];
const fail = (text) => {
  failures.push(text);
  console.log(`FAILED: ${text}`);
};

const churn = await Churn.start({
  wrapper: ['valgrind', '--leak-check=full', '--show-leak-kinds=definite,possible', '--num-callers=30', '--fair-sched=yes',
            `--vgdb-prefix=${join(folder, 'vgdb')}`, `--log-file=${log}`],
  flags: ['--threads', '2'],
  timeout: '5s',
});

/** All that is allocated while nobody is connected, read from inside. */
async function reading(label) {
  await churn.empty(120_000);
  const { stdout, stderr } = await promisify(execFile)(
    'vgdb', [`--vgdb-prefix=${join(folder, 'vgdb')}`, `--pid=${churn.server.pid}`, 'leak_check', 'summary', 'any'],
    { timeout: 120_000, maxBuffer: 1 << 24 });
  const found = summary(stdout + stderr);
  console.log(`${label}: ${told(found)}`);
  return found;
}

async function rounds(count) {
  for (let i = 0; i < count; i += 1) {
    await Promise.all([
      churn.sayNothing(round.silent, { width: 20 }), churn.abandon(round.abandoned, 20), churn.comeAndGo(round.cycles, 50),
    ]);
  }
}

try {
  await reading('At the start');
  await rounds(warmUp);
  await reading('Warm');
  await rounds(roundsBetween);
  const once = await reading(`After ${churn.opened} clients`);
  const before = churn.opened;
  await rounds(roundsBetween);
  const twice = await reading(`After ${churn.opened} clients`);
  const clients = churn.opened - before;
  const kept = (found) => Object.values(found).reduce((sum, { bytes }) => sum + bytes, 0);
  const grown = kept(twice) - kept(once);
  console.log(`${clients} more clients left ${grown} bytes more behind: ${(grown / clients).toFixed(2)} bytes each`);
  if (grown > growthAllowed) fail(`what is allocated grows with the number of clients: ${grown} bytes with ${clients}`);
} finally {
  const code = await churn.server.stop();
  if (code !== 0) fail(`the server ended with ${code}`);
}

const text = await readFile(log, 'utf8');
const end = summary(text.slice(text.lastIndexOf('HEAP SUMMARY')));
console.log(`At the end: ${told(end)}`);
const errors = number(text.match(/ERROR SUMMARY: ([\d,]+) errors/)?.[1] ?? 'none');
if (end['definitely lost'].bytes || end['indirectly lost'].bytes) fail('memory is lost');
if (errors !== 0) {
  fail(`valgrind found ${errors} errors`);
  console.log(text.slice(0, 20_000));
}
await rm(folder, { recursive: true, force: true });
console.log(failures.length ? 'Leaks.' : 'No leak.');
process.exit(failures.length ? 1 : 0);
