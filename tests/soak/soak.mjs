// The distributed system under a steady mixed load for a while: messages, what was lost or came twice, and the memory.
import { readFileSync } from 'node:fs';
import { pause, until } from '../cluster/servers.mjs';
import { Crowd } from '../chaos/crowd.mjs';
import { judge, outbox } from '../chaos/judge.mjs';
import { Load, makeUsers } from '../chaos/load.mjs';
import { Connection, WebSocketWire, request } from '../e2e/wire.mjs';
import { flatness, residentBytes } from './memory.mjs';

const engine = '/socket.io/?EIO=4&transport=';

/** Everything that comes and goes beside the crowd. Each loop ends when `running` is false. */
class Churn {
  constructor({ port, users, crowd }) {
    Object.assign(this, { port, users, crowd, running: true, visits: 0, abandoned: 0, interrupted: 0, stalls: 0, deaf: [] });
  }

  start({ rate, stallMs }) {
    const every = async (ms, action) => {
      while (this.running) {
        const next = performance.now() + ms;
        // A visitor that is turned away is no loss: what the crowd has is judged.
        await action().catch((error) => (this.lastTrouble = error.message));
        while (this.running && performance.now() < next) await pause(Math.min(100, Math.max(1, next - performance.now())));
      }
    };
    this.going = [
      every(1_000 / rate, () => this.#visit()),
      every(1_000 / rate, () => this.#abandon()),
      every(2_000 / rate, () => this.crowd.interrupt().then(() => (this.interrupted += 1))),
      every(1_000, () => this.crowd.stall(stallMs).then(() => (this.stalls += 1))),
      every(15_000, () => this.#deafen()),
    ];
  }

  #token() {
    return this.users[Math.floor(Math.random() * this.users.length)].token;
  }

  async #join() {
    const socket = await WebSocketWire.open(this.port, `${engine}websocket`);
    await socket.next();
    socket.send(`40${JSON.stringify({ token: this.#token() })}`);
    return socket;
  }

  async #visit() {
    const socket = await this.#join();
    try {
      await socket.nextPacket();
    } finally {
      socket.close();
    }
    this.visits += 1;
  }

  /** A polling session of which nothing is heard again; every other one breaks off in the middle of its GET. */
  async #abandon() {
    const { status, text } = await request(this.port, `${engine}polling`);
    if (status !== 200) return;
    this.abandoned += 1;
    if (this.abandoned % 2) return;
    const connection = await Connection.open(this.port);
    connection.write(`GET ${engine}polling&sid=${JSON.parse(text.slice(1)).sid} HTTP/1.1\r\nHost: x\r\n\r\n`);
    connection.close();
  }

  /** A client that joins and never reads again: the server must get rid of it. */
  async #deafen() {
    const socket = await this.#join();
    socket.connection.socket.pause();
    this.deaf.push(socket);
    if (this.deaf.length > 4) this.deaf.shift().connection.close();
  }

  async stop() {
    this.running = false;
    await Promise.all(this.going);
    for (const socket of this.deaf) socket.connection.close();
  }
}

/** Seconds of CPU that the machine has spent at work, and in all. */
function machine() {
  const ticks = readFileSync('/proc/stat', 'utf8').split('\n')[0].split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, value) => sum + value, 0);
  return { busy: all - ticks[3] - ticks[4], all };
}

/** What a user's client would be told if it asked now, compared with what each client of the user holds. */
async function restCounts({ url, people, reports, faults }) {
  for (const user of people) {
    const response = await fetch(`${url}/notifications/unread-count`, { headers: { authorization: `Bearer ${user.token}` }, signal: AbortSignal.timeout(10_000) });
    const { count } = await response.json();
    for (const report of reports.filter((one) => one.user.id === user.id)) {
      if (report.count !== count) faults.push(`${report.name} of ${user.id} counts ${report.count}, REST says ${count}`);
    }
  }
}

/**
 * One run. `say` is told a line of progress every `everyMs`. Figures, with the faults found: an empty list is a run that is whole.
 * `lose`: one client drops one delivery, which has to be found.
 */
export async function soak(system, { seconds, users, tabs, rate, churn, everyMs = 10_000, settleMs = 60_000, lose = false, say = () => {}, stopping = () => false }) {
  const people = makeUsers(users, system.secrets.user);
  const crowd = new Crowd({ url: system.url, users: people, tabs });
  const load = new Load({
    users: people, servicesUrls: system.notifications.map(({ url }) => url), frontUrl: system.url,
    internalSecret: system.secrets.internal, readOne: () => crowd.read(),
  });
  const coming = new Churn({ port: Number(new URL(system.url).port), users: people, crowd });
  const memory = new Map(system.services.map(({ name }) => [name, []]));
  const figures = { seconds, clients: users * tabs, rate, lost: 0, duplicated: 0 };
  try {
    await until('every client is connected', async () => (await crowd.unsettled()) === 0, 120_000);
    load.start({ rate });
    coming.start({ rate: churn, stallMs: Math.min(10_000, seconds * 100) });
    const began = performance.now();
    const cpu = machine();
    let [next, checked, due, late, told] = [everyMs, 0, 0, [], false];
    for (;;) {
      const spent = performance.now() - began;
      const at = spent / (seconds * 1_000);
      for (const { name, pid } of system.services) memory.get(name).push({ at: Math.min(1, at), bytes: residentBytes(pid) });
      if (at >= 1 || stopping()) break;
      if (lose && !told && at > 0.3) told = await crowd.lose().then(() => true);
      if (spent >= next) {
        // What had been acknowledged one line earlier must have arrived by now.
        const seen = await crowd.progress([...late, ...load.acknowledged.slice(checked, due)]);
        [checked, due, late] = [due, load.acknowledged.length, seen.pending];
        figures.lost += seen.missing.length;
        figures.duplicated = seen.duplicated;
        say(`${Math.round(spent / 1_000)} s: ${load.created.size} created, ${seen.heard} heard, ${load.read.size} read, ${figures.lost} lost, ${seen.duplicated} duplicated, ` +
          `${seen.reconnects} reconnects; MiB ${[...memory].map(([name, list]) => `${name} ${mib(list.at(-1).bytes)}`).join(', ')}`);
        next += everyMs;
      }
      await pause(Math.min(500, seconds * 10));
    }
    const now = machine();
    figures.machineBusy = Math.round((100 * (now.busy - cpu.busy)) / (now.all - cpu.all));
    await Promise.all([load.stop(), coming.stop()]);
    let reports = [];
    let faults = [];
    await until('all is right', async () => {
      const [unsettled, waiting] = [await crowd.unsettled(), await outbox(system.postgres)];
      faults = [`${unsettled} clients are not back, ${waiting} events wait in the outbox`];
      if (unsettled !== 0 || waiting !== 0) return false;
      reports = await crowd.reports();
      faults = await judge({ load, clients: reports, postgres: system.postgres });
      if (faults.length === 0) await restCounts({ url: system.url, people, reports, faults });
      return faults.length === 0;
    }, settleMs).catch(() => {});
    return verdict({ figures, load, coming, reports, faults, memory });
  } finally {
    load.running = false;
    coming.running = false;
    await crowd.close();
  }
}

const mib = (bytes) => Math.round(bytes / 1024 / 1024);

function verdict({ figures, load, coming, reports, faults, memory }) {
  const lacking = new Map([...load.created.keys()].map((id) => [id, 0]));
  for (const report of reports) {
    for (const [id, userId] of load.created) if (userId === report.user.id && !report.items.has(id)) lacking.set(id, lacking.get(id) + 1);
  }
  const sum = (of) => reports.reduce((total, report) => total + of(report), 0);
  Object.assign(figures, {
    created: load.created.size, heard: sum(({ heard }) => heard), read: load.read.size, refused: load.refused,
    lost: [...lacking.values()].reduce((total, clients) => total + clients, 0), duplicated: sum(({ repeats }) => repeats.onOneConnection),
    inexact: faults.filter((fault) => / counts | counter /.test(fault)).length, reconnects: sum(({ connection }) => connection - 1),
    visits: coming.visits, abandoned: coming.abandoned, interrupted: coming.interrupted, stalls: coming.stalls, polls: load.polls.answered,
    memory: Object.fromEntries([...memory].map(([name, readings]) => [name, flatness(readings)])),
  });
  for (const [name, { middle, end, flat }] of Object.entries(figures.memory)) {
    if (!flat) faults.push(`${name} has ${mib(end)} MiB at the end and ${mib(middle)} in the middle`);
  }
  // A load that was not there proves nothing.
  for (const what of ['created', 'heard', 'read', 'reconnects', 'visits', 'abandoned', 'stalls']) {
    if (figures[what] === 0) faults.push(`nothing was ${what}`);
  }
  return { ...figures, faults };
}

export function table(figures) {
  const rows = Object.entries(figures.memory).map(([name, { start, middle, end, flat }]) => [name, mib(start), mib(middle), mib(end), flat ? 'yes' : 'NO']);
  return [
    `${figures.seconds} s, ${figures.clients} clients, machine ${figures.machineBusy} % busy`,
    ...['created', 'heard', 'read', 'refused', 'lost', 'duplicated', 'inexact', 'reconnects', 'visits', 'abandoned', 'stalls', 'polls'].map((name) => `${name.padEnd(12)}${figures[name]}`),
    '', 'resident MiB | start | middle | end | flat', ...rows.map((row) => row.join(' | ')),
  ].join('\n');
}
