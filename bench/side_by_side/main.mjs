// `./dev bench`: Carillon and its rivals side by side on this machine, measured by one tool, turn by turn. Writes
// docs/benchmarks.md and, with every single result, docs/benchmarks.json.
import { existsSync, mkdtempSync, readFileSync, rmSync, chmodSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { document } from './document.mjs';
import { LoadTest } from './loadtest.mjs';
import { cpuTimes, machine, versions } from './machine.mjs';
import { rows } from './rows.mjs';
import { Systems } from './systems.mjs';
import { postgresProgram } from '../../tests/cluster/servers.mjs';

const root = resolve(new URL('.', import.meta.url).pathname, '../..');
const binary = process.env.CARILLON_BINARY ?? join(root, 'build/release/carillon');

const usage = `usage: ./dev bench [--quick] [--rounds N] [--only NAME,...] [--output FOLDER] [--list]
  --quick            one short round of each row
  --rounds N         rounds of each row (3)
  --only NAME,...    these rows only; the others keep what the document had
  --output FOLDER    where benchmarks.md and benchmarks.json go (docs)
  --list             the rows
`;

function parse(settings) {
  try {
    return parseArgs(settings);
  } catch (error) {
    process.stderr.write(`bench: ${error.message}\n${usage}`);
    return process.exit(2);
  }
}

const { values: options } = parse({
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string' },
    output: { type: 'string', default: join(root, 'docs') },
    list: { type: 'boolean', default: false },
  },
});

function refuse(what) {
  process.stderr.write(`bench: ${what}\n`);
  process.exit(2);
}

if (options.help) {
  process.stdout.write(usage);
  process.exit(0);
}
if (options.list) {
  for (const { name, title } of rows.filter(({ hidden }) => !hidden)) process.stdout.write(`${name.padEnd(12)} ${title}\n`);
  process.exit(0);
}
const only = options.only?.split(',');
const unknown = only?.find((name) => !rows.some((row) => row.name === name));
if (unknown !== undefined) refuse(`--only: there is no row '${unknown}' (--list names them)`);
const rounds = Number(options.rounds ?? (options.quick ? 1 : 3));
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 20) refuse('--rounds: wants 1 to 20');
const wanted = rows.filter((row) => (only ? only.includes(row.name) : !row.hidden));

// Not /tmp, which may be in memory: PostgreSQL's fsync has to be one.
const folder = mkdtempSync('/var/tmp/carillon-bench-');
chmodSync(folder, 0o711);
const systems = new Systems({ folder, binary, root });
const context = { root, binary, folder, quick: options.quick, systems, loadtest: new LoadTest({ binary, folder }) };

const begin = Date.now();
const turnsOf = (row) => Object.keys(row.sides).length * rounds;
const turns = wanted.reduce((sum, row) => sum + turnsOf(row), 0);
let turn = 0;

function progress(what) {
  const seconds = Math.round((Date.now() - begin) / 1_000);
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  const line = `[${clock}] ${turn}/${turns} ${what}`;
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
}

/** Both sides in turns: A B, then B A, so that neither always comes first. */
async function measure(row) {
  const sides = Object.entries(row.sides);
  await systems.keep(sides.flatMap(([, side]) => side.systems ?? []));
  const found = { measuredAt: new Date().toISOString(), quick: options.quick, sides: {} };
  for (const [name, side] of sides) {
    found.sides[name] = { label: side.label, rounds: [] };
    progress(`${row.name}: ${side.label} warms up`);
    await side.warm?.(context);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, side] of round % 2 === 0 ? sides : [...sides].reverse()) {
      turn += 1;
      progress(`${row.name}: ${side.label}, round ${round + 1}`);
      const before = cpuTimes();
      const result = await side.turn(context);
      const after = cpuTimes();
      found.sides[name].rounds.push({ ...result, stolen: (after.steal - before.steal) / (after.total - before.total) });
    }
  }
  return found;
}

const file = join(options.output, 'benchmarks.json');
const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { schema: 'carillon-bench/1', rows: {} };
let failed = 0;

/** One line for each turn: what a reader can diff. */
function text(value, depth = 0) {
  const isTurn = value?.figures !== undefined;
  const flat = value === null || typeof value !== 'object' || isTurn || Object.values(value).every((one) => typeof one !== 'object');
  if (flat) return JSON.stringify(value);
  const indent = ' '.repeat(depth + 1);
  const [open, close, items] = Array.isArray(value)
    ? ['[', ']', value.map((one) => text(one, depth + 1))]
    : ['{', '}', Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${text(one, depth + 1)}`)];
  return `${open}\n${items.map((item) => indent + item).join(',\n')}\n${' '.repeat(depth)}${close}`;
}

function write() {
  results.machine = machine();
  results.versions = versions(root, binary, postgresProgram('postgres'));
  // In the order of the rows.
  results.rows = Object.fromEntries(rows.filter(({ name }) => results.rows[name]).map(({ name }) => [name, results.rows[name]]));
  writeFileSync(file, `${text(results)}\n`);
  writeFileSync(join(options.output, 'benchmarks.md'), document(results, rows.filter(({ name, hidden }) => !hidden || results.rows[name])));
}

async function stop() {
  await systems.stop();
  rmSync(folder, { recursive: true, force: true });
}
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stop().finally(() => process.exit(130)));

try {
  for (const row of wanted) {
    try {
      results.rows[row.name] = await measure(row);
      write();
    } catch (error) {
      failed += 1;
      process.stderr.write(`\nbench: ${row.name} could not be measured: ${error.message}\n`);
    }
  }
} finally {
  await stop();
}
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
if (failed === 0) process.stdout.write(`Written: ${join(options.output, 'benchmarks.md')}\n`);
process.exit(failed === 0 ? 0 : 1);
