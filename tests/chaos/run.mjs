// `./dev chaos`: every trouble in turn, under load; a table at the end; exit code 1 when anything was lost, doubled or wrong.
import { parseArgs } from 'node:util';
import { resolve } from 'node:path';
import { System, round, troubles } from './chaos.mjs';

const usage = `usage: ./dev chaos [--only WORDS] [--rounds N] [--users N | --clients N] [--tabs N] [--rate CREATES_PER_SECOND] [--list]`;
let values;
try {
  ({ values } = parseArgs({
    options: {
      only: { type: 'string' }, rounds: { type: 'string', default: '1' }, users: { type: 'string', default: '50' },
      clients: { type: 'string' }, // instead of users
      tabs: { type: 'string', default: '2' }, rate: { type: 'string', default: '100' }, list: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  }));
} catch (error) {
  console.error(`${error.message}\n${usage}`);
  process.exit(2);
}
const number = (name) => {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value > 0) return value;
  console.error(`--${name} wants a whole number above 0\n${usage}`);
  return process.exit(2);
};
const users = values.clients === undefined ? number('users') : Math.ceil(number('clients') / number('tabs'));
const size = { users, tabs: number('tabs'), rate: number('rate') };
const names = Object.keys(troubles).filter((name) => !values.only || name.includes(values.only));
if (values.help || values.list) {
  console.log(values.help ? usage : names.join('\n'));
  process.exit(0);
}
if (names.length === 0) {
  console.error(`no trouble has '${values.only}' in its name: ./dev chaos --list`);
  process.exit(2);
}

const times = { before: 3_000, after: 3_000, away: 2_000, frozen: 10_000, cut: 8_000, settle: 60_000 };
const system = await System.start(resolve('build/release/carillon'), { connections: Math.max(4_000, 2 * users * size.tabs) });
let stopping = false;
process.once('SIGINT', () => (stopping = true));
const done = [];
for (let n = 0; n < number('rounds') && !stopping; n += 1) {
  for (const name of names) {
    if (stopping) break;
    process.stdout.write(`${name} … `);
    const figures = await round(system, name, { ...size, times });
    done.push(figures);
    console.log(figures.faults.length === 0 ? `right again ${figures.rightAfterMs} ms after the load` : `${figures.faults.length} FAULTS`);
    for (const fault of figures.faults.slice(0, 20)) console.log(`    ${fault}`);
  }
}
const bad = await system.stop();
for (const line of bad) console.log(line);
console.log('\ntrouble | lasted ms | clients | acknowledged creates | reads | not acknowledged | heard live | again later | reconnects | away median ms | away longest ms | right after ms | REST unanswered | longest without a REST answer ms | faults');
for (const f of done) {
  console.log([f.name, f.troubleMs, f.clients, f.created, f.read, f.refused, f.heard, f.again, f.reconnects, f.awayMs.median, f.awayMs.longest, f.rightAfterMs,
    f.polls.unanswered, f.polls.longestGapMs, f.faults.length].join(' | '));
}
const failed = done.filter(({ faults }) => faults.length > 0).length + bad.length;
console.log(`\n${done.length - failed + bad.length} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
