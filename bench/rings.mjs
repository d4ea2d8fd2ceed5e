// How long a ring takes: from the POST that creates a notification to `notification:new` in both of the user's tabs, one
// after the other and at a steady rate; and what the process holds at start. `./dev bench rings [--creates N] [--rate N]`.
// Client and server share this machine: compare within one run.
import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Server, eventually } from '../tests/e2e/harness.mjs';

const { values } = parseArgs({
  options: { creates: { type: 'string', default: '1000' }, rate: { type: 'string', default: '200' } },
});
const creates = Math.min(Number(values.creates), 20_000);
const rate = Math.min(Number(values.rate), 2_000);
const kWarmUp = 100;

const megabytes = async (pid, field) => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(status.match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'))[1]) / 1024;
};
const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * p) - 1)];
const row = (name, times) => {
  const sorted = [...times].sort((a, b) => a - b);
  const [p50, p99, worst] = [percentile(sorted, 0.5), percentile(sorted, 0.99), sorted.at(-1)].map((ms) => ms.toFixed(2).padStart(9));
  console.log(`${name.padEnd(42)}${String(times.length).padStart(7)}${p50}${p99}${worst}`);
};

const server = await Server.start({ flags: ['--rest-rate-limit', '1000000', '--log-level', 'warn'] });
const atStart = await megabytes(server.pid, 'VmRSS');
const user = await server.register();
const tabs = await Promise.all([1, 2].map(() => server.connect(user.token, { transports: ['websocket'] }).connected()));
await eventually('the welcome is counted', () => tabs.every((tab) => tab.count === 1));

// By notification id: when each tab heard it.
const heard = new Map();
for (const tab of tabs) {
  tab.socket.on('notification:new', ({ notificationId }) => {
    const now = performance.now();
    const record = heard.get(notificationId) ?? { times: 0, last: 0, done: () => {} };
    heard.set(notificationId, record);
    record.times += 1;
    record.last = now;
    if (record.times === tabs.length) record.done();
  });
}
const both = (id) => new Promise((resolve) => {
  const record = heard.get(id) ?? { times: 0, last: 0 };
  heard.set(id, record);
  record.done = resolve;
  if (record.times === tabs.length) resolve();
});

const creator = await server.token(randomUUID(), '--permission', 'notification:create');
async function ring() {
  const body = { userId: user.id, type: 'bench', title: 'Your order is on its way', body: 'Parcel 4 of 4 left the depot.' };
  const start = performance.now();
  const answer = await server.request('POST', '/notifications', { token: creator, body });
  const answered = performance.now();
  if (answer.status !== 201) throw new Error(`create: ${answer.status}`);
  const id = answer.body.notificationId;
  await Promise.race([both(id), pause(10_000, undefined, { ref: false }).then(() => { throw new Error(`${id} did not ring in both tabs`); })]);
  return { toBoth: heard.get(id).last - start, toAnswer: answered - start };
}

for (let n = 0; n < kWarmUp; n += 1) await ring();
const single = [];
for (let n = 0; n < creates; n += 1) single.push(await ring());

const steady = [];
const begin = performance.now();
const pending = [];
for (let n = 0; n < creates; n += 1) {
  const due = begin + (n * 1_000) / rate;
  if (due > performance.now()) await pause(due - performance.now());
  pending.push(ring().then((times) => steady.push(times)));
}
await Promise.all(pending);

console.log(`${'milliseconds'.padEnd(42)}${'n'.padStart(7)}${'p50'.padStart(9)}${'p99'.padStart(9)}${'worst'.padStart(9)}`);
row('create -> both tabs, one at a time', single.map((times) => times.toBoth));
row('create -> 201, one at a time', single.map((times) => times.toAnswer));
row(`create -> both tabs, ${rate} a second`, steady.map((times) => times.toBoth));
row(`create -> 201, ${rate} a second`, steady.map((times) => times.toAnswer));
console.log(`resident memory: ${atStart.toFixed(1)} MB at start, ${(await megabytes(server.pid, 'VmRSS')).toFixed(1)} MB now, ${(await megabytes(server.pid, 'VmHWM')).toFixed(1)} MB at most`);
for (const tab of tabs) tab.close();
await server.stop();
