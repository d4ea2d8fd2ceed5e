// The distributed system under load while its parts are killed, frozen and cut off, and the judgement after each.
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Nats, Postgres, Process, Service, pause, until } from '../cluster/servers.mjs';
import { Load, Watcher, makeUsers } from './load.mjs';
import { judge, outbox } from './judge.mjs';
import { Wire } from './wires.mjs';

/** NATS, PostgreSQL, two of each service, wires between them that can be cut, and one in front of the gateways. */
export class System {
  static async start(binary) {
    const system = new System();
    system.folder = await mkdtemp(join(tmpdir(), 'carillon-chaos-'));
    try {
      await system.#start(binary);
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  }

  async #start(binary) {
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
    this.front = await Wire.open(this.gateways.map(({ port }) => port));
    this.url = `http://127.0.0.1:${this.front.port}`;
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
    for (const wire of [this.front, ...Object.values(this.wires ?? {})]) wire?.close();
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

/**
 * One trouble under load. Figures of it, with the faults found. `times` in milliseconds: `before` and `after` of load around
 * it, how long something is `away`, `frozen`, `cut`, and within what all must be right again (`settle`).
 */
export async function round(system, name, { users, tabs, rate, times }) {
  const people = makeUsers(users, system.secrets.user);
  const watchers = people.flatMap((user) => Array.from({ length: tabs }, (_, i) => new Watcher(system.url, user, `tab ${i + 1}`)));
  const load = new Load({
    users: people, servicesUrls: system.notifications.map(({ url }) => url),
    gatewayUrls: system.gateways.map(({ url }) => url), internalSecret: system.secrets.internal,
  });
  try {
    await until('every client is connected', () => watchers.every(({ settled }) => settled), 60_000);
    load.start({ rate, watchers });
    await pause(times.before);
    const started = performance.now();
    await troubles[name](system, times);
    const lasted = performance.now() - started;
    await pause(times.after);
    await load.stop();
    const stopped = performance.now();
    // Right by itself, within a time: nobody lends a hand.
    let faults = [];
    await until('all is right again', async () => {
      if (!watchers.every(({ settled }) => settled) || (await outbox(system.postgres)) !== 0) {
        faults = [`${watchers.filter(({ settled }) => !settled).length} clients are not back, ${await outbox(system.postgres)} events wait in the outbox`];
        return false;
      }
      faults = await judge({ load, watchers, postgres: system.postgres });
      return faults.length === 0;
    }, times.settle).catch(() => {});
    const later = watchers.reduce((sum, { repeats }) => sum + repeats.later, 0);
    return {
      name, faults, troubleMs: Math.round(lasted), rightAfterMs: Math.round(performance.now() - stopped),
      clients: watchers.length, created: load.created.size, read: load.read.size, refused: load.refused,
      heard: watchers.reduce((sum, { rings }) => sum + rings.size, 0), again: later,
      reconnects: watchers.reduce((sum, { connection }) => sum + connection - 1, 0), polls: load.polls,
    };
  } finally {
    load.running = false;
    for (const watcher of watchers) watcher.close();
  }
}
