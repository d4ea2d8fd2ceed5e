// What is measured. A row has sides, which take turns round by round; each turn gives figures. Targets are ratios of the rounds'
// figures against another side, or bounds of a figure. `rival`: a side that may be better, and is named when it is.
import { cpuPercentOf } from './loadtest.mjs';
import { follow } from './follower.mjs';
import { inProcess, postgresChanges, postgresLists, sqliteCreates } from './programs.mjs';

const kCarillon = { label: 'Carillon, distributed', systems: ['carillon'] };
const kEmbedded = { label: 'Carillon, one process', systems: ['embedded'] };
const kNestJs = { label: 'NestJS', systems: ['nestjs'], rival: true };
const kSocketIo = { label: 'bare socket.io', systems: ['socketio'], rival: true };

const kP50 = { label: 'p50, ms', better: 'lower' };
const kP99 = { label: 'p99, ms', better: 'lower' };
const kPerCpu = { label: 'deliveries per gateway CPU-second', better: 'higher' };
const kPerSecond = { label: 'deliveries a second', better: 'higher' };

/** Sides by the name of their system, each with a turn made by `turn(system, context)`. */
function sides(kinds, turn, warm = warmPushes) {
  return Object.fromEntries(kinds.map((kind) => {
    const [name] = kind.systems;
    const on = (what) => async (context) => what(await context.systems.get(name), context);
    return [name, { ...kind, turn: on(turn), warm: on(warm) }];
  }));
}

/** V8 has compiled what it will, allocators have what they need: as in a process that has run for a while. */
async function warmPushes(system, { loadtest, quick }) {
  const source = system.part('nats') ? system.events() : system.creates();
  await loadtest.run([...system.clients(), ...source, '--scenario', 'push', '--clients', '200', '--connect-rate', '0', '--callers', '64',
    '--events', quick ? '4000' : '20000', '--rate', '0', '--allow-busy', ...system.pids(),
    ...(system.part('nats') ? frozen(system) : [])]);
}

async function warmCreates(system, { loadtest, quick }) {
  await loadtest.run([...system.clients(), ...system.creates(), '--scenario', 'push', '--clients', '200', '--connect-rate', '0',
    '--callers', '64', '--events', quick ? '2000' : '8000', '--rate', '0', '--allow-busy', ...system.pids()]);
}

function duration(context, full, quick) {
  return ['--duration', `${context.quick ? quick : full}s`];
}

/** What a run of pushes has shown. */
function pushed(result) {
  const { latencyMs, deliveriesPerServerCpuSecond, deliveriesPerSecond, createdPerSecond } = result.notifications;
  return {
    figures: { p50: latencyMs.p50, p99: latencyMs.p99, p999: latencyMs.p999, perCpu: deliveriesPerServerCpuSecond,
      perSecond: deliveriesPerSecond, createdPerSecond },
    cpu: cpuPercentOf(result),
    raw: result,
  };
}

/** The notification service stands still while events are made without it: it would find that it does not know them. */
function frozen(system) {
  return system.part('notifications') ? ['--freeze', 'notifications'] : [];
}

/** Pushes to 1,000 clients, by events on JetStream unless told otherwise. */
async function push(system, { loadtest }, flags, { source = system.events(), gateway = 'gateway', clients = 1_000 } = {}) {
  return pushed(await loadtest.run([...system.clients(gateway), ...source, '--scenario', 'push', '--clients', String(clients),
    '--connect-rate', '0', ...flags, ...system.pids(gateway), ...(source.includes('--nats-url') ? frozen(system) : [])]));
}

const send = {
  label: '`send(2)`, the physical limit',
  turn: (context) => inProcess(context, 'raw', []),
};

const paced = {
  label: '`send(2)`, 20,000 times two a second',
  turn: (context) => inProcess(context, 'paced', ['--tabs', '2']),
};

const fanOut = {
  name: 'fan-out',
  title: 'One event to 1,000 sockets',
  text: 'One user with 1,000 tabs, 25 events a second, one after the other, frames of 300 bytes. *Gateway alone* is the same gateway ' +
    'without NATS in front, fed by the bench program: what it costs from the bus\'s message to the socket. `send(2)` is one ' +
    'thread with one frame that is ready, one call for each delivery.',
  figures: { perCpu: kPerCpu },
  sides: {
    ...sides([kCarillon, kNestJs, kSocketIo], (system, context) => push(system, context,
      ['--tabs', '1000', '--rate', '25', '--allow-busy', ...duration(context, 8, 3)])),
    alone: { label: 'Carillon, gateway alone', turn: (context) => inProcess(context, 'gateway', []) },
    send,
  },
  targets: [
    { figure: 'perCpu', side: 'alone', against: 'send', atLeast: 0.85 },
    { figure: 'perCpu', side: 'carillon', against: 'send', atLeast: 0.85 },
  ],
  reason: 'Why: 97 % of the gateway\'s CPU is the kernel\'s here, nearly all of it `send(2)` ([profile](profile.md)). `send(2)` and the gateway alone ' +
    'run hot, without a pause; behind NATS an event comes every 40 ms, two shards wake up for it with cold caches, and the receiver ' +
    'has to be woken too.',
};

const stream = {
  name: 'stream',
  title: 'Events from JetStream, 20,000 a second',
  text: '500 users with two tabs each: 40,000 deliveries a second. (A Node gateway does not keep up with this rate on one core; ' +
    'its cost is in the next row.) `send(2)` is measured twice: as fast as it goes, and at this pace, with all asleep between two ' +
    'events: what the operating system charges for it then.',
  figures: { perCpu: kPerCpu, perSecond: kPerSecond, p50: kP50 },
  sides: {
    ...sides([kCarillon], (system, context) => push(system, context,
      ['--rate', '20000', '--window', '5000', '--allow-busy', ...duration(context, 6, 3)])),
    paced,
    send,
  },
  targets: [
    { figure: 'perCpu', side: 'carillon', against: 'send', atLeast: 0.7 },
    { figure: 'perCpu', side: 'carillon', against: 'paced', atLeast: 0.7 },
  ],
  reason: 'Why: nine tenths of the gateway\'s CPU is the kernel\'s, and more of that goes into waking threads up than into sending ' +
    '([profile](profile.md)); a bare `send(2)` at the same pace pays nearly as much.',
};

const backlog = {
  name: 'backlog',
  title: 'A backlog of 100,000 events',
  text: '500 users with two tabs each. The gateway stands still while 100,000 events are put onto the stream (20,000 in a quick run), ' +
    'and finds them waiting: 200,000 deliveries as fast as it can.',
  figures: { perCpu: kPerCpu, perSecond: kPerSecond },
  sides: sides([kCarillon, kNestJs, kSocketIo], (system, context) => push(system, context,
    ['--rate', '0', '--hold', '--window', '5000', '--allow-busy', '--events', context.quick ? '20000' : '100000'])),
  targets: [{ figure: 'perCpu', side: 'carillon', against: 'nestjs', atLeast: 5 }],
  reason: 'Why: the profile is that of the kernel\'s `send`. How many events of one user leave in one write depends on how many the ' +
    'gateway takes in one turn of its loop. The gateway alone (`delivery_bench --senders gateway --tabs 2 --events-per-turn N`) made ' +
    '185,000 deliveries per CPU-second at 256 events a turn, 313,000 at 1,000, 728,000 at 5,000.',
};

const rate = {
  name: 'rate',
  title: 'Event to socket, 500 events a second',
  text: 'Events straight onto JetStream, 500 users with two tabs each; the time from publishing to each tab.',
  figures: { p50: kP50, p99: kP99, perCpu: kPerCpu },
  sides: sides([kCarillon, kNestJs, kSocketIo], (system, context) => push(system, context, ['--rate', '500', ...duration(context, 8, 3)])),
  targets: [
    { figure: 'p50', side: 'carillon', against: 'nestjs', atMost: 0.7 },
    { figure: 'p99', side: 'carillon', against: 'nestjs', atMost: 0.7 },
  ],
  reason: 'Why: at this rate all sides do next to nothing (10 % of a core); two thirds of the gateway\'s little is falling asleep and waking up ' +
    '([profile](profile.md)), and so is the time: in turn the ' +
    'generator, NATS, the gateway and the generator again. In Carillon an event crosses from the NATS client\'s thread to the follower\'s, to ' +
    'the first shard and to the shard of each tab; in Node there is one thread. The 99th percentile is that of the machine: it is the same ' +
    'on all sides.',
};

const ring = {
  name: 'ring',
  title: 'Create to all tabs, 500 creates a second',
  text: '`POST /notification` at the notification service, PostgreSQL with fsync, JetStream, 500 users with two tabs each; the time from ' +
    'when the request was due to each tab.',
  figures: { p50: kP50, p99: kP99 },
  sides: sides([kCarillon, kEmbedded, kNestJs], (system, context) => push(system, context,
    ['--rate', '500', '--callers', '64', ...duration(context, 8, 3)], { source: system.creates() }), warmCreates),
  targets: [
    { figure: 'p50', side: 'carillon', atMost: 3, unit: 'ms' },
    { figure: 'p99', side: 'carillon', atMost: 15, unit: 'ms' },
  ],
  reason: 'Why: most of it is the wait for the disk. Each create waits for the commit before it, which it then shares with all that came ' +
    'meanwhile; an fsync takes two milliseconds here, and more when others write too.',
};

const creates = {
  name: 'creates',
  title: 'Creates a second, end to end',
  text: '64 callers of the notification service, 1,000 users with a tab each; from the first request to the last delivery. ' +
    'PostgreSQL with fsync; Carillon in one process on SQLite with fsync.',
  figures: { createdPerSecond: { label: 'creates a second', better: 'higher' }, p50: { ...kP50, label: 'to the socket p50, ms' },
    p99: { ...kP99, label: 'p99, ms' } },
  sides: sides([kCarillon, kEmbedded, kNestJs], (system, context) => push(system, context,
    ['--tabs', '1', '--rate', '0', '--callers', '64', '--allow-busy', ...duration(context, 6, 3)], { source: system.creates() }), warmCreates),
  targets: [{ figure: 'createdPerSecond', side: 'carillon', against: 'nestjs', atLeast: 4 }],
  reason: 'Why: no process is busy; 64 callers wait for the disk. One commit carries many creates, so more callers at once would raise ' +
    'Carillon\'s figure, not NestJS\'s, whose PostgreSQL makes one row in a transaction.',
};

const reads = {
  name: 'reads',
  title: 'Reads a second, end to end',
  text: '`notification:read` on the sockets of 1,000 users, 64 without their ack at any time; from the first mark to the last ack.',
  figures: { readsPerSecond: { label: 'reads a second', better: 'higher' }, ackP50: { label: 'ack p50, ms', better: 'lower' },
    ackP99: { label: 'ack p99, ms', better: 'lower' } },
  sides: sides([kCarillon, kEmbedded, kNestJs], async (system, { loadtest, quick }) => {
    const result = await loadtest.run([...system.clients(), ...system.creates(), '--scenario', 'read', '--clients', '1000', '--tabs', '1',
      '--connect-rate', '0', '--rate', '0', '--message-rate', '0', '--marking', '64', '--callers', '64', '--events', quick ? '4000' : '20000',
      '--allow-busy', ...system.pids()]);
    const { perSecond, ackMs } = result.reads;
    return { figures: { readsPerSecond: perSecond, ackP50: ackMs.p50, ackP99: ackMs.p99 }, cpu: cpuPercentOf(result), raw: result };
  }, warmCreates),
  targets: [{ figure: 'readsPerSecond', side: 'carillon', against: 'nestjs', atLeast: 4 }],
  reason: 'Why: the two cores are full on all sides, so this is the CPU of a mark in all processes together: about 145 µs in Carillon, of ' +
    'which PostgreSQL has a third and NATS, the socket and the generator another; NestJS keeps no outbox and no versions, and publishes ' +
    'nothing when a mark is read. The store alone makes three times as many (below).',
};

const connections = {
  name: 'connections',
  title: '15,000 connections',
  text: 'A gateway that has just started; 15,000 clients (3,000 in a quick run), a user each, connect over WebSocket with a JWT, 100 ' +
    'handshakes at once, and stay idle for 5 seconds. Memory is what the process has grown by, for each connection.',
  figures: { perCpu: { label: 'connects per gateway CPU-second', better: 'higher' }, perSecond: { label: 'connects a second', better: 'higher' },
    kilobytes: { label: 'KB for each', better: 'lower' } },
  sides: sides([kCarillon, kNestJs, kSocketIo], async (system, { loadtest, quick }) => {
    await system.restart('gateway');
    const result = await loadtest.run([...system.clients(), '--scenario', 'connect', '--clients', quick ? '3000' : '15000', '--tabs', '1',
      '--rate', '0', '--connecting', '100', '--duration', '5s', '--allow-busy', ...system.pids()]);
    return {
      figures: { perCpu: result.connections.perServerCpuSecond, perSecond: result.connections.perSecond, kilobytes: result.memory[0].kbPerConnection },
      cpu: cpuPercentOf(result, 'connect'),
      raw: result,
    };
  }, async () => {}),
  targets: [
    { figure: 'perCpu', side: 'carillon', against: 'nestjs', atLeast: 4 },
    { figure: 'kilobytes', side: 'carillon', atMost: 8, unit: 'KB' },
  ],
};

/** A second service and a second gateway that asks it. */
async function withSecond(system) {
  if (system.part('gateway-2')) return;
  await system.addNotifications('notifications-2');
  await system.addGateway('gateway-2', 'notifications-2', '2');
}

const distance = {
  name: 'distance',
  title: 'Create on one service, socket on another gateway',
  text: 'As above, 500 creates a second: two services and two gateways; creates go to the first service, all clients are on the gateway ' +
    'of the second.',
  figures: { p50: kP50, p99: kP99 },
  sides: sides([kCarillon, kNestJs], (system, context) => push(system, context,
    ['--rate', '500', '--callers', '64', ...duration(context, 8, 3)], { source: system.creates(), gateway: 'gateway-2' }),
  async (system, context) => {
    await withSecond(system);
    await warmCreates(system, context);
  }),
};

const follower = {
  name: 'follower',
  title: 'Events for users that a gateway does not hold',
  text: 'With several gateways each sees all events. This one stands still while 200,000 events (20,000 in a quick run) for users without ' +
    'a socket are put onto the stream, and passes over them.',
  figures: { perSecond: { label: 'events a second', better: 'higher' }, perCpu: { label: 'events per gateway CPU-second', better: 'higher' } },
  sides: sides([kCarillon, kNestJs], (system, context) => follow(system, context)),
  targets: [{ figure: 'perSecond', side: 'carillon', atLeast: 50_000, unit: 'events a second' }],
};

/** All connections break at once: figures of how they came back. */
function stormed(result) {
  return { figures: { back: result.storm.backMs, current: result.storm.currentMs }, cpu: cpuPercentOf(result, 'storm'), raw: result };
}

const kBack = {
  back: { label: 'all are back after, ms', better: 'lower' },
  current: { label: 'and have what they missed, ms', better: 'lower' },
};

const failover = {
  name: 'failover',
  title: 'A gateway is killed',
  text: 'SIGKILL of a gateway that holds 5,000 clients (1,000 in a quick run), while 100 notifications a second are created; its clients go to ' +
    'the other gateway (after the stock client\'s first wait, shortened to 200 ms ± 50 %) and ask for what they missed.',
  figures: kBack,
  sides: sides([kCarillon], async (system, { loadtest, quick }) => {
    await withSecond(system);
    const gateway = system.part('gateway');
    if (!gateway.running) await gateway.again();
    return stormed(await loadtest.run([...system.clients(), '--standby-url', system.part('gateway-2').url, ...system.creates(),
      '--scenario', 'storm', '--kill', 'gateway', '--clients', quick ? '1000' : '5000', '--connect-rate', '0', '--connecting', '100',
      '--rate', '100', '--duration', '6s', '--allow-busy', ...system.pids()]));
  }),
};

const growth = {
  name: 'growth',
  title: 'Cost of a delivery as connections grow',
  text: '2,000 events a second, two tabs each, at 1,000 and at 15,000 connections (5,000 in a quick run).',
  figures: { perCpu: kPerCpu },
  ours: 'many',
  sides: Object.fromEntries(Object.entries({ few: 1_000, many: 15_000 }).map(([name, clients]) => [name, {
    label: `${clients.toLocaleString('en-US')} connections`,
    systems: ['carillon'],
    turn: async (context) => push(await context.systems.get('carillon'), context,
      ['--rate', '2000', '--connecting', '100', '--allow-busy', ...duration(context, 8, 3)],
      { clients: context.quick ? Math.min(clients, 5_000) : clients }),
  }])),
  targets: [{ figure: 'perCpu', side: 'few', against: 'many', atMost: 1.3, label: 'CPU per delivery, 15,000 against 1,000 connections' }],
};

const storm = {
  name: 'storm',
  title: 'A storm: 15,000 clients come back at once',
  text: 'All connections break at once (3,000 in a quick run), while 100 notifications a second are created; all clients come back ' +
    'at once and ask for what they missed.',
  figures: kBack,
  ours: 'embedded',
  sides: sides([kEmbedded, kCarillon], async (system, { loadtest, quick }) => stormed(await loadtest.run([...system.clients(), ...system.creates(),
    '--scenario', 'storm', '--clients', quick ? '3000' : '15000', '--connect-rate', '0', '--connecting', '100', '--rate', '100',
    '--duration', '6s', '--allow-busy', ...system.pids()])), async () => {}),
  targets: [{ figure: 'current', side: 'embedded', atMost: 5_000, unit: 'ms' }, { figure: 'current', side: 'carillon', atMost: 5_000, unit: 'ms' }],
};

const sqlite = {
  name: 'sqlite',
  title: 'SQLite, straight into the store',
  text: 'Creates by 64 callers that each wait for their answer, `synchronous=FULL`, without HTTP: row, counter and event in one transaction.',
  figures: { createdPerSecond: { label: 'creates a second', better: 'higher' } },
  ours: 'store',
  sides: { store: { label: 'Carillon, SQLite', turn: sqliteCreates } },
  targets: [{ figure: 'createdPerSecond', side: 'store', atLeast: 20_000, unit: 'a second' }],
  reason: 'Why: 64 callers share a commit and wait for its fsync: two milliseconds here when nobody else writes.',
};

const postgres = {
  name: 'postgres',
  title: 'PostgreSQL, straight into the store',
  text: 'Creates and reads by 64 callers that each wait for their answer, 1,000 users, fsync on, without HTTP: row, counter and event in one ' +
    'transaction. CPU is that of the store and of the server, for each change.',
  figures: { createdPerSecond: { label: 'creates a second', better: 'higher' }, readPerSecond: { label: 'reads a second', better: 'higher' },
    createCpu: { label: 'CPU of a create, µs', better: 'lower' }, readCpu: { label: 'CPU of a read, µs', better: 'lower' } },
  ours: 'store',
  sides: { store: { label: 'Carillon, PostgreSQL', turn: postgresChanges } },
  targets: [{ figure: 'createdPerSecond', side: 'store', atLeast: 10_000, unit: 'a second' },
    { figure: 'readPerSecond', side: 'store', atLeast: 10_000, unit: 'a second' }],
};

const lists = {
  name: 'lists',
  title: 'Lists and counts among a million notifications',
  text: 'PostgreSQL, 1,000 users with 1,000 notifications each; 1,000 lists of 20 a second for ten seconds, then 1,000 counts a second, each ' +
    'from when it was due to its answer, straight at the store.',
  figures: { listP50: { label: 'list p50, ms', better: 'lower' }, listP99: { label: 'list p99, ms', better: 'lower' },
    countP50: { label: 'count p50, ms', better: 'lower' }, countP99: { label: 'count p99, ms', better: 'lower' } },
  ours: 'store',
  sides: { store: { label: 'Carillon, PostgreSQL', turn: postgresLists } },
  targets: [{ figure: 'listP99', side: 'store', atMost: 5, unit: 'ms' }, { figure: 'countP99', side: 'store', atMost: 5, unit: 'ms' }],
};

/** Not part of a full run: what the bench's own test runs. */
const check = {
  name: 'check',
  hidden: true,
  title: 'The bench itself',
  text: '20 clients of one process on SQLite, 50 notifications a second for a second.',
  figures: { p50: kP50, p99: kP99 },
  ours: 'embedded',
  sides: sides([kEmbedded], (system, context) => push(system, context, ['--rate', '50', '--duration', '1s', '--allow-busy'],
    { source: system.creates(), clients: 20 }), async () => {}),
  targets: [{ figure: 'p50', side: 'embedded', atMost: 60_000, unit: 'ms' }],
};

export const rows = [fanOut, stream, backlog, rate, ring, creates, reads, postgres, lists, sqlite, connections, follower, growth, storm, distance, failover, check];
