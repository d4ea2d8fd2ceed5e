// The distributed system under load while its parts are killed, frozen and cut off, and the judgement after each.
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Balancer, Nats, Postgres, Process, Service, pause, until } from '../cluster/servers.mjs';
import { Crowd } from './crowd.mjs';
import { Load, makeUsers } from './load.mjs';
import { judge, outbox } from './judge.mjs';
import { Wire } from './wires.mjs';

/** NATS, PostgreSQL, two of each service, wires between them that can be cut, and HAProxy in front of the gateways. */
export class System {
  /** `connections`: as many as HAProxy lets in. */
  static async start(binary, { connections = 4_000 } = {}) {
    const system = new System();
    system.folder = await mkdtemp(join(tmpdir(), 'carillon-chaos-'));
    try {
      await system.#start(binary, connections);
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  }

  async #start(binary, connections) {
    this.secrets = { internal: randomBytes(32).toString('hex'), user: randomBytes(32).toString('hex') };
    const env = { CARILLON_INTERNAL_SECRET: this.secrets.internal };
    const userEnv = { ...env, CARILLON_JWT_SECRET: this.secrets.user };
    [this.nats, this.postgres] = await Promise.all([Nats.start(join(this.folder, 'nats')), Postgres.start(join(this.folder, 'postgres'))]);
    this.wires = {
      gatewaysToNats: await Wire.open([this.nats.port]),
      servicesToNats: await Wire.open([this.nats.port]),
      servicesToPostgres: await Wire.open([this.postgres.port]),
    };
    const backends = ['--nats-url', `nats://127.0.0.1:${this.wires.servicesToNats.port}`,
      '--database-url', this.postgres.url.replace(`:${this.postgres.port}/`, `:${this.wires.servicesToPostgres.port}/`)];
    const logFile = process.env.CHAOS_LOGS ? (name) => join(process.env.CHAOS_LOGS, `${name}.log`) : () => undefined;
    const start = (name, args, values) => Service.start(binary, name, args, { env: values, logFile: logFile(name) });
    this.notifications = await Promise.all([1, 2].map((n) => start(`notifications-${n}`, ['notifications', ...backends], env)));
    this.auth = await Promise.all([1, 2].map((n) => start(`auth-${n}`, ['auth', ...backends], userEnv)));
    const urls = (services) => services.map(({ url }) => url).join(',');
    this.gateways = await Promise.all([1, 2].map((n) => start(`gateway-${n}`, ['gateway',
      '--nats-url', `nats://127.0.0.1:${this.wires.gatewaysToNats.port}`, '--notifications-url', urls(this.notifications),
      '--auth-url', urls(this.auth), '--rate-limit', '1000', '--rest-rate-limit', '100000', '--drain-seconds', '2'], userEnv)));
    this.front = await Balancer.start(join(this.folder, 'haproxy'), this.gateways, { connections, logFile: logFile('haproxy') });
    this.url = this.front.url;
  }

  get services() {
    return [...(this.gateways ?? []), ...(this.notifications ?? []), ...(this.auth ?? [])];
  }

  /** Stops everything; the services whose exit code was not 0. */
  async stop() {
    const bad = [];
    for (const service of this.services) {
      service.signal('SIGCONT');
      const code = await service.stop();
      if (code !== 0) bad.push(`${service.name} ended with ${code}: ${service.log.slice(-1_000)}`);
    }
    await this.front?.stop();
    for (const wire of Object.values(this.wires ?? {})) wire.close();
    await this.nats?.stop();
    await this.postgres?.stop();
    Process.killAll();
    await rm(this.folder, { recursive: true, force: true });
    return bad;
  }
}

const restart = (pick) => async (system, { away }) => {
  const parts = pick(system);
  await Promise.all(parts.map((part) => part.kill()));
  await pause(away);
  await Promise.all(parts.map((part) => part.again()));
};

const freeze = (pick) => async (system, { frozen }) => {
  const parts = pick(system);
  for (const part of parts) part.signal('SIGSTOP');
  await pause(frozen);
  for (const part of parts) part.signal('SIGCONT');
};

const trouble = (wires, how) => async (system, { cut }) => {
  for (const name of wires) system.wires[name][how]();
  await pause(cut);
  for (const name of wires) system.wires[name].heal();
};

/** SIGTERM to each process in turn, as an upgrade does it: it must end with 0, and is started again. */
async function rollingRestart(system) {
  for (const service of system.services) {
    const code = await service.stop();
    if (code !== 0) throw new Error(`${service.name} ended with ${code}: ${service.log.slice(-1_000)}`);
    await service.again();
  }
}

export const troubles = {
  'gateway killed': restart(({ gateways }) => [gateways[0]]),
  'both gateways killed': restart(({ gateways }) => gateways),
  'notification service killed': restart(({ notifications }) => [notifications[0]]),
  'both notification services killed': restart(({ notifications }) => notifications),
  'auth service killed': restart(({ auth }) => [auth[0]]),
  'NATS killed': restart(({ nats }) => [nats]),
  'PostgreSQL killed': restart(({ postgres }) => [postgres]),
  'notification service frozen': freeze(({ notifications }) => [notifications[1]]),
  'gateway frozen': freeze(({ gateways }) => [gateways[1]]),
  'gateways cut off from NATS': trouble(['gatewaysToNats'], 'cut'),
  'gateways to NATS: bytes vanish': trouble(['gatewaysToNats'], 'drop'),
  'services cut off from NATS': trouble(['servicesToNats'], 'cut'),
  'services cut off from PostgreSQL': trouble(['servicesToPostgres'], 'cut'),
  'services to PostgreSQL: bytes vanish': trouble(['servicesToPostgres'], 'drop'),
  'rolling restart of everything': rollingRestart,
};

/** Through these REST is answered without a break: nobody has failed. */
const planned = ['rolling restart of everything'];

/**
 * One trouble under load. Figures of it, with the faults found. `times` in milliseconds: `before` and `after` of load around
 * it, how long something is `away`, `frozen`, `cut`, and within what all must be right again (`settle`).
 */
export async function round(system, name, { users, tabs, rate, times }) {
  const people = makeUsers(users, system.secrets.user);
  const crowd = new Crowd({ url: system.url, users: people, tabs });
  const load = new Load({
    users: people, servicesUrls: system.notifications.map(({ url }) => url), frontUrl: system.url,
    internalSecret: system.secrets.internal, readOne: () => crowd.read(),
  });
  try {
    await until('every client is connected', async () => (await crowd.unsettled()) === 0, 120_000);
    load.start({ rate });
    await pause(times.before);
    const started = performance.now();
    await troubles[name](system, times);
    const lasted = performance.now() - started;
    await pause(times.after);
    await load.stop();
    const stopped = performance.now();
    // Right by itself, within a time: nobody lends a hand.
    let faults = [];
    let reports = [];
    await until('all is right again', async () => {
      const [unsettled, waiting] = [await crowd.unsettled(), await outbox(system.postgres)];
      faults = [`${unsettled} clients are not back, ${waiting} events wait in the outbox`];
      if (unsettled !== 0 || waiting !== 0) return false;
      reports = await crowd.reports();
      faults = await judge({ load, clients: reports, postgres: system.postgres });
      return faults.length === 0;
    }, times.settle).catch(() => {});
    if (planned.includes(name) && load.polls.unanswered > 0) faults.push(`REST was not answered ${load.polls.unanswered} times: ${load.polls.refusals.slice(0, 10).join(", ")}`);
    const sum = (of) => reports.reduce((total, report) => total + of(report), 0);
    const away = reports.flatMap((report) => report.away).sort((a, b) => a - b);
    return {
      name, faults, troubleMs: Math.round(lasted), rightAfterMs: Math.round(performance.now() - stopped),
      clients: crowd.clients, created: load.created.size, read: load.read.size, refused: load.refused,
      heard: sum(({ heard }) => heard), again: sum(({ repeats }) => repeats.later), reconnects: sum(({ connection }) => connection - 1),
      awayMs: { median: Math.round(away[away.length >> 1] ?? 0), longest: Math.round(away.at(-1) ?? 0) }, polls: load.polls,
    };
  } finally {
    load.running = false;
    await crowd.close();
  }
}
