// `./dev soak`: exit code 1 when something was lost, doubled or inexact, or memory was not flat.
import { parseArgs } from 'node:util';
import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { System } from '../chaos/chaos.mjs';
import { soak, table } from './soak.mjs';

const usage = `usage: ./dev soak [--minutes N] [--rate CREATES_PER_SECOND] [--users N] [--tabs N] [--churn PER_SECOND] [--json FILE]

NATS, PostgreSQL, two of each service and HAProxy, for N minutes (default 30; fractions count) under a steady load:
stock clients that read, lose their connections and come back, one that takes its bytes slowly, some that never read,
visitors that connect and leave, polling sessions that are abandoned. A line each 10 seconds. The defaults (200 creates a
second, 400 clients) keep a machine of two cores half busy.

Exit code 1 when
  - a client lacks a notification whose creation was acknowledged (lost), or heard one twice on a connection (duplicated);
  - the counter of the service, the number in each client, SELECT count(*) and GET /notifications/unread-count differ (inexact);
  - the memory of one of Carillon's processes is not flat: flat means that the median of its resident memory over the last
    10 % of the run is at most 4 MiB + 5 % above the median around the middle (45 to 55 %);
  - a process does not end with 0.
  --lose-one   one client drops one delivery: the run has to fail
  --json FILE  the figures (default build/soak.json)`;
let values;
try {
  ({ values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '30' }, rate: { type: 'string', default: '200' }, users: { type: 'string', default: '200' },
      tabs: { type: 'string', default: '2' }, churn: { type: 'string', default: '10' }, json: { type: 'string', default: 'build/soak.json' },
      'lose-one': { type: 'boolean' }, 'settle-seconds': { type: 'string', default: '60' }, help: { type: 'boolean', short: 'h' },
    },
  }));
} catch (error) {
  console.error(`${error.message}\n${usage}`);
  process.exit(2);
}
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const number = (name) => {
  const value = Number(values[name]);
  if (value > 0 && value < 100_000) return value;
  console.error(`--${name} wants a number above 0\n${usage}`);
  return process.exit(2);
};
const options = { seconds: number('minutes') * 60, rate: number('rate'), users: Math.ceil(number('users')), tabs: Math.ceil(number('tabs')),
  churn: number('churn'), settleMs: number('settle-seconds') * 1_000, lose: values['lose-one'], say: (line) => console.log(line) };

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const system = await System.start(process.env.CARILLON_BINARY ?? join(root, 'build', 'release', 'carillon'));
let interrupted = false;
process.once('SIGINT', () => (interrupted = true));
let figures;
let bad;
try {
  figures = await soak(system, { ...options, stopping: () => interrupted });
} finally {
  bad = await system.stop();
}
figures.faults.push(...bad);
writeFileSync(resolve(values.json), `${JSON.stringify(figures, null, 2)}\n`);
console.log(`\n${table(figures)}\n`);
for (const fault of figures.faults.slice(0, 30)) console.log(`    ${fault}`);
console.log(figures.faults.length === 0 ? 'Whole: nothing lost, nothing twice, every count exact, memory flat' : `${figures.faults.length} faults`);
process.exit(figures.faults.length === 0 ? 0 : 1);
