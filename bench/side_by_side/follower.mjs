// Events for users without a socket: how fast a gateway passes over them.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { until } from '../../tests/cluster/servers.mjs';

const kInFlight = 2_000;
const kTicksPerSecond = 100;

function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / kTicksPerSecond;
}

function event() {
  const now = new Date().toISOString();
  return JSON.stringify({ eventId: randomUUID(), notificationId: randomUUID(), userId: randomUUID(), type: 'bench', title: 'Your order is on its way',
    body: 'You have a new message from a colleague; open the inbox to read it. It can wait until after lunch.', createdAt: now, unreadCount: 1, version: '1' });
}

async function publish(jetstream, encoder, count) {
  let left = count;
  const one = async () => {
    while (left > 0) {
      left -= 1;
      await jetstream.publish('notification.created', encoder.encode(event()));
    }
  };
  await Promise.all(Array.from({ length: kInFlight }, one));
}

/** How many events the gateway has been through. */
async function passed(system, manager) {
  if (system.name === 'nestjs') {
    const { num_pending: waiting, num_ack_pending: open } = await manager.consumers.info('NOTIFICATION_EVENT', 'gateway-ws-1');
    const { state } = await manager.streams.info('NOTIFICATION_EVENT');
    return state.last_seq - waiting - open;
  }
  const text = await (await fetch(`${system.part('gateway').url}/metrics`)).text();
  return [...text.matchAll(/^carillon_bus_events_total\{.*\} (\S+)$/gm)].reduce((sum, [, value]) => sum + Number(value), 0);
}

export async function follow(system, { root, quick }) {
  const count = quick ? 20_000 : 200_000;
  const require = createRequire(join(root, 'bench/peers/nestjs/package.json'));
  const { connect } = require('nats');
  const nats = await connect({ servers: system.part('nats').url });
  const manager = await nats.jetstreamManager();
  const { pid } = system.part('gateway');
  try {
    const before = await passed(system, manager);
    process.kill(pid, 'SIGSTOP');
    try {
      await publish(nats.jetstream(), new TextEncoder(), count);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const start = performance.now();
    const cpu = cpuSeconds(pid);
    await until(`${system.name} has passed over ${count} events`, async () => (await passed(system, manager)) - before >= count, 120_000);
    const seconds = (performance.now() - start) / 1_000;
    const used = cpuSeconds(pid) - cpu;
    return { figures: { perSecond: count / seconds, perCpu: count / used }, cpu: { gateway: (100 * used) / seconds }, raw: { count, seconds, used } };
  } finally {
    await nats.close();
  }
}
