// The systems that are measured: each with servers of its own (a NATS, a PostgreSQL with fsync), all on loopback, on free ports.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Nats, Postgres, Process, Service, freePort, until } from '../../tests/cluster/servers.mjs';

/** Limits that protect a server from its users are out of the way on all sides. */
const kNoLimit = '1000000';

class System {
  constructor({ name, folder, binary, root }) {
    Object.assign(this, { name, folder, binary, root, parts: new Map() });
    this.jwtSecret = randomBytes(32).toString('hex');
    this.internalSecret = randomBytes(32).toString('hex');
  }

  async add(name, starting) {
    const part = await starting;
    this.parts.set(name, part);
    return part;
  }

  part(name) {
    return this.parts.get(name);
  }

  log(name) {
    return join(this.folder, `${this.name}-${name}.log`);
  }

  /** For `carillon loadtest`: whose CPU and memory are watched, the gateway first. */
  pids(first = 'gateway') {
    const names = [...this.parts.keys()];
    const ordered = [first, ...names.filter((name) => name !== first)];
    return ordered.flatMap((name) => ['--pid', `${name}=${this.part(name).pid}`]);
  }

  /** Which gateway the clients connect to. */
  clients(...gateways) {
    const urls = (gateways.length ? gateways : ['gateway']).map((name) => this.part(name).url);
    return ['--url', urls.join(','), '--jwt-secret', this.jwtSecret, ...this.clientFlags()];
  }

  clientFlags() {
    return [];
  }

  /** Events straight onto the system's JetStream. */
  events() {
    return ['--nats-url', this.part('nats').url];
  }

  /** Creates at the notification service. */
  creates(service = 'notifications') {
    return ['--notifications-url', this.part(service).url, '--internal-secret', this.internalSecret];
  }

  /** The same process anew: the memory of its past is gone. */
  async restart(name) {
    await this.part(name).stop();
    await this.part(name).again();
  }

  async stop() {
    for (const part of [...this.parts.values()].reverse()) await part.stop();
    this.parts.clear();
  }
}

/** Gateway and notification service as processes, on NATS and PostgreSQL. */
export class Distributed extends System {
  async start() {
    await this.add('nats', Nats.start(join(this.folder, 'carillon-nats'), { logFile: this.log('nats') }));
    await this.add('postgres', Postgres.start(join(this.folder, 'carillon-postgres'), { logFile: this.log('postgres') }));
    await this.addNotifications('notifications');
    await this.addGateway('gateway', 'notifications');
    return this;
  }

  async addNotifications(name) {
    return this.add(name, Service.start(this.binary, name, ['notifications', '--nats-url', this.part('nats').url,
      '--database-url', this.part('postgres').url, '--log-level', 'warn'],
    { env: { CARILLON_INTERNAL_SECRET: this.internalSecret }, logFile: this.log(name) }));
  }

  async addGateway(name, service) {
    return this.add(name, Service.start(this.binary, name, ['gateway', '--nats-url', this.part('nats').url,
      '--notifications-url', this.part(service).url, '--auth-url', 'http://127.0.0.1:9', '--log-level', 'warn',
      '--rate-limit', kNoLimit, '--rest-rate-limit', kNoLimit, '--max-sockets-per-user', '2000', '--drain-seconds', '0'],
    { env: { CARILLON_INTERNAL_SECRET: this.internalSecret, CARILLON_JWT_SECRET: this.jwtSecret }, logFile: this.log(name) }));
  }
}

/** `carillon serve`: one process, SQLite. */
export class Embedded extends System {
  async start() {
    const [auth, notifications] = [await freePort(), await freePort()];
    const serve = await this.add('gateway', Service.start(this.binary, 'serve', ['serve', '--data-dir', join(this.folder, 'serve-data'),
      '--auth-port', String(auth), '--notifications-port', String(notifications), '--log-level', 'warn', '--drain-seconds', '0',
      '--rate-limit', kNoLimit, '--rest-rate-limit', kNoLimit, '--max-sockets-per-user', '2000'],
    { env: { CARILLON_INTERNAL_SECRET: this.internalSecret, CARILLON_JWT_SECRET: this.jwtSecret }, logFile: this.log('serve') }));
    serve.notificationsUrl = `http://127.0.0.1:${notifications}`;
    return this;
  }

  creates() {
    return ['--notifications-url', this.part('gateway').notificationsUrl, '--internal-secret', this.internalSecret];
  }
}

/** A Node program that answers on `port` when it is ready. */
class NodeService extends Process {
  static async start(name, script, { port, env, logFile, probe }) {
    const service = new NodeService(name, process.execPath, [script], { env: { ...process.env, NODE_ENV: 'production', ...env }, logFile });
    Object.assign(service, { port, url: `http://127.0.0.1:${port}`, probe });
    await service.again();
    return service;
  }

  async again() {
    this.launch();
    await until(`${this.name} is ready`, async () => {
      this.failUnlessRunning();
      return (await fetch(this.url + this.probe, { signal: AbortSignal.timeout(2_000) })).ok;
    }, 60_000);
  }
}

/** bench/peers/nestjs: the same two services in NestJS, on a NATS and a PostgreSQL with the same settings. */
export class NestJs extends System {
  async start() {
    await this.add('nats', Nats.start(join(this.folder, 'nestjs-nats'), { logFile: this.log('nats') }));
    await this.add('postgres', Postgres.start(join(this.folder, 'nestjs-postgres'), { logFile: this.log('postgres') }));
    await this.addNotifications('notifications');
    await this.addGateway('gateway', 'notifications', '1');
    return this;
  }

  environment() {
    return { JWT_SECRET: this.jwtSecret, INTERNAL_JWT_SECRET: this.internalSecret, WS_RATE_LIMIT: kNoLimit,
      NATS_URL: this.part('nats').url, DATABASE_URL: this.part('postgres').url };
  }

  async addNotifications(name) {
    const port = await freePort();
    // With the count in the event, which spares its gateway a request: the faster of its two ways.
    return this.add(name, NodeService.start(name, join(this.root, 'bench/peers/nestjs/dist/notification/main.js'), { port, probe: '/health',
      env: { ...this.environment(), NOTIFICATION_PORT: String(port), EVENT_UNREAD_COUNT: '1' }, logFile: this.log(name) }));
  }

  async addGateway(name, service, id) {
    const port = await freePort();
    return this.add(name, NodeService.start(name, join(this.root, 'bench/peers/nestjs/dist/gateway/main.js'), { port, probe: '/health',
      env: { ...this.environment(), GATEWAY_PORT: String(port), NOTIFICATION_URL: this.part(service).url, GATEWAY_ID: id },
      logFile: this.log(name) }));
  }

  clientFlags() {
    return ['--no-sync'];
  }

  creates(service = 'notifications') {
    return [...super.creates(service), '--internal-issuer', 'gateway', '--internal-audience', 'notification-service'];
  }
}

/** bench/peers/socketio: nothing but `socket.io` and a NATS client. */
export class BareSocketIo extends System {
  async start() {
    await this.add('nats', Nats.start(join(this.folder, 'socketio-nats'), { logFile: this.log('nats') }));
    const port = await freePort();
    await this.add('gateway', NodeService.start('socketio', join(this.root, 'bench/peers/socketio/server.mjs'), { port, probe: '/health',
      env: { JWT_SECRET: this.jwtSecret, NATS_URL: this.part('nats').url, PORT: String(port) }, logFile: this.log('gateway') }));
    return this;
  }

  clientFlags() {
    return ['--no-sync'];
  }
}

const kKinds = { carillon: Distributed, embedded: Embedded, nestjs: NestJs, socketio: BareSocketIo };

/** Starts what a row needs when it is first needed, and stops all of it in the end. */
export class Systems {
  constructor(settings) {
    this.settings = settings;
    this.running = new Map();
  }

  async get(name) {
    if (!this.running.has(name)) {
      const system = new kKinds[name]({ name, ...this.settings });
      this.running.set(name, system);
      await system.start();
    }
    return this.running.get(name);
  }

  /** Stops those that the next row does not need. */
  async keep(names) {
    for (const [name, system] of this.running) {
      if (names.includes(name)) continue;
      await system.stop();
      this.running.delete(name);
    }
  }

  async stop() {
    await this.keep([]);
  }
}
