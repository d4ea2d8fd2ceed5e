// The separate processes on a real NATS and a real PostgreSQL, spoken to as the harness speaks to `carillon serve`: tests of
// behaviour run on both.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Server, binary, run, temporaryDirectory } from './harness.mjs';
import { Nats, Postgres, Service } from '../cluster/servers.mjs';

const internalSecret = 'i'.repeat(40);
const userSecret = 'u'.repeat(40);

/** Two notification services, one auth service, two gateways that are asked in turns. */
export class ClusterServer extends Server {
  /** `flags` are the gateways'. */
  static async start({ flags = [] } = {}) {
    const server = new ClusterServer();
    server.turn = 0;
    server.folder = await temporaryDirectory();
    server.starting = server.launchAll(flags);
    try {
      await server.starting;
    } catch (error) {
      await server.stop().catch(() => {});
      throw error;
    }
    return server;
  }

  async launchAll(flags) {
    this.services = [];
    [this.nats, this.postgres] = await Promise.all([
      Nats.start(join(this.folder, 'nats')), Postgres.start(join(this.folder, 'postgres'), { settings: ['fsync=on'] })]);
    const backends = ['--nats-url', this.nats.url, '--database-url', this.postgres.url, '--internal-secret', internalSecret];
    const start = async (name, args) => {
      const service = await Service.start(binary, name, args);
      this.services.push(service);
      return service;
    };
    this.notifications = [];
    for (const n of [1, 2]) this.notifications.push(await start(`notifications-${n}`, ['notifications', ...backends]));
    this.auth = await start('auth', ['auth', ...backends, '--jwt-secret', userSecret, '--register-rate-limit', '1000']);
    this.gateways = await Promise.all([1, 2].map((n) => start(`gateway-${n}`, ['gateway', '--nats-url', this.nats.url,
      '--notifications-url', this.notifications.map(({ url }) => url).join(','), '--auth-url', this.auth.url,
      '--internal-secret', internalSecret, '--jwt-secret', userSecret, '--drain-seconds', '1', ...flags])));
    this.authUrl = this.auth.url;
  }

  // Each use is the next one's.
  get url() {
    return this.gateways[this.turn++ % this.gateways.length].url;
  }

  get notificationsUrl() {
    return this.notifications[this.turn++ % this.notifications.length].url;
  }

  /** Kills both notification services; `launch` starts them again. */
  async kill() {
    await Promise.all(this.notifications.map((service) => service.kill()));
  }

  async launch() {
    await Promise.all(this.notifications.map((service) => service.again()));
  }

  async stop() {
    const faults = [];
    for (const service of this.services.reverse()) {
      const code = service.running ? await service.stop() : undefined;
      if (code !== 0) faults.push(`${service.name} ended with ${code}: ${service.log.slice(-2_000)}`);
    }
    await this.nats?.stop();
    await this.postgres?.stop();
    await rm(this.folder, { recursive: true, force: true });
    assert.deepEqual(faults, []);
    return 0;
  }

  async token(user, ...flags) {
    const { code, stdout, stderr } = await run(['token', '--user', user, '--jwt-secret', userSecret, ...flags]);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  }

  async internalToken() {
    const { stdout } = await run(['token', '--internal', '--internal-secret', internalSecret]);
    return stdout.trim();
  }

  /** The sum of all processes. */
  async metric(name, labels = {}) {
    let sum = 0;
    for (const { url } of this.services) sum += await super.metric(name, labels, url);
    return sum;
  }
}

/** What a test of behaviour runs on. */
export const systems = [
  { store: 'SQLite, one process', start: (options) => Server.start(options) },
  { store: 'PostgreSQL, two of each process', start: (options) => ClusterServer.start(options) },
];
