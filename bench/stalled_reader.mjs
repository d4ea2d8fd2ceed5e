// What one stalled reader costs the others. 1,000 sockets of 100 users read; one more user is sent large notifications
// all the time, and its client reads them in every other window and does not in the rest. Both kinds of window are
// interleaved in one run, so that the machine is the same for both; the ratio of the two p99 is what counts.
//   node bench/stalled_reader.mjs [--pairs 8] [--seconds 3] [--most 1.1]
// Exit code 1: the ratio is above --most, or somebody did not get everything.
import { parseArgs } from 'node:util';
import { Server, eventually } from '../tests/e2e/harness.mjs';
import { crowd, pause, times, websocket } from '../tests/e2e/siege.mjs';
import { WebSocketWire } from '../tests/e2e/wire.mjs';

const { values } = parseArgs({ options: {
  pairs: { type: 'string', default: '8' }, seconds: { type: 'string', default: '3' }, most: { type: 'string', default: '1.1' } } });
const pairs = Number(values.pairs);
const seconds = Number(values.seconds);
const users = 100;
const each = 10;
const probeEvery = 20;
const fatEvery = 100;

const server = await Server.start({ flags: ['--rest-rate-limit', '1000000', '--ping-interval', '5m'] });
const port = Number(new URL(server.url).port);
const internal = async () => server.internalToken();
let token = await internal();
const renewal = setInterval(async () => (token = await internal()), 20_000);

async function join(user) {
  const one = await WebSocketWire.open(port, websocket);
  one.send(`40${JSON.stringify({ token: user.token })}`);
  await eventually('it has joined', () => one.messages.some((message) => String(message).startsWith('40')), 30_000);
  return one;
}

const sent = new Map(); // title -> {at, left}
let samples = [];
const readers = [];
const people = await crowd(users, 4, () => server.register());
await crowd(users * each, 20, async (i) => {
  const one = await join(people[i % users]);
  const read = one.connection.onData;
  one.connection.onData = () => {
    read();
    for (const message of one.messages.splice(0)) {
      const title = /"title":"(probe \d+)"/.exec(message)?.[1];
      const probe = title && sent.get(title);
      if (!probe) continue;
      samples.push(performance.now() - probe.at);
      if ((probe.left -= 1) === 0) sent.delete(title);
    }
  };
  readers.push(one);
});

const victim = await server.register();
const fat = { userId: victim.id, type: 'bench', title: 'fat', body: '🔔'.repeat(4_000) };
const bulk = (notifications) => fetch(`${server.notificationsUrl}/notification/bulk`, {
  method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }, body: JSON.stringify({ notifications }) })
  .then(async (answer) => {
    if (answer.status !== 200) throw new Error(`bulk: ${answer.status}`);
    await answer.arrayBuffer();
  });

let number = 0;
async function window(stalled) {
  const reader = await join(victim);
  reader.connection.onData = () => {
    reader.connection.received = Buffer.alloc(0);
  };
  if (stalled) reader.connection.socket.pause();
  samples = [];
  const inFlight = [];
  const end = performance.now() + seconds * 1_000;
  for (let i = 0; performance.now() < end; i += 1) {
    if (i % (fatEvery / probeEvery) === 0) inFlight.push(bulk(Array(20).fill(fat)));
    const title = `probe ${(number += 1)}`;
    sent.set(title, { at: performance.now(), left: each });
    inFlight.push(bulk([{ userId: people[number % users].id, type: 'bench', title }]));
    await pause(probeEvery);
  }
  await Promise.all(inFlight);
  await eventually('everybody has everything', () => sent.size === 0, 30_000);
  const taken = samples;
  reader.connection.socket.resume();
  reader.close();
  await pause(200);
  return taken;
}

const p99 = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length * 0.99)];
await window(false);
await window(true);
const slowBefore = await server.metric('carillon_slow_consumers_total');
const reading = [];
const stalled = [];
for (let i = 0; i < pairs; i += 1) {
  for (const which of i % 2 ? [true, false] : [false, true]) (which ? stalled : reading).push(await window(which));
}
const slow = (await server.metric('carillon_slow_consumers_total')) - slowBefore;
clearInterval(renewal);
const without = p99(reading.flat());
const withOne = p99(stalled.flat());
console.log(`readers ${readers.length}, samples ${reading.flat().length} and ${stalled.flat().length}, stalled readers sent away ${slow}, lost ${sent.size}`);
console.log(`p99 of each pair, ms: ${times(pairs, (i) => `${p99(reading[i]).toFixed(1)} / ${p99(stalled[i]).toFixed(1)}`).join(', ')}`);
console.log(`p99 without ${without.toFixed(2)} ms, with a stalled reader ${withOne.toFixed(2)} ms, ratio ${(withOne / without).toFixed(3)}`);
for (const one of readers) one.close();
await server.stop();
const good = withOne / without <= Number(values.most) && slow > 0;
if (!good) console.log(`missed: a ratio of at most ${values.most}, and a stalled reader that is sent away`);
process.exit(good ? 0 : 1);
