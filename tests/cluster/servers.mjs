// The servers that a distributed Carillon runs on, started for real: each on loopback, in a folder of its own, ended by its
// pid. For the end-to-end tests and for `./dev cluster`.
import { spawn, execFileSync } from 'node:child_process';
import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { chmodSync, chownSync, createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Polls `probe` until it returns something truthy, and returns that. Throws with `what` after `ms`. */
export async function until(what, probe, ms = 20_000) {
  const deadline = Date.now() + ms;
  let last;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}${last ? ` (${last.message})` : ''}`);
    await pause(20);
  }
}

export async function freePort() {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

async function accepts(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

process.on('exit', () => Process.killAll());

/** A process that is started again and again with the same arguments. */
export class Process {
  constructor(name, command, args, { logFile, ...options } = {}) {
    Object.assign(this, { name, command, args, options, logFile, log: '', stdout: '', starts: 0 });
  }

  /** Everything that was started, for whoever ends it when something went wrong half-way. */
  static started = new Set();

  static killAll() {
    for (const one of Process.started) one.signal('SIGKILL');
  }

  launch() {
    Process.started.add(this);
    this.stdout = '';
    this.starts += 1;
    this.child = spawn(this.command, this.args, { stdio: ['ignore', 'pipe', 'pipe'], ...this.options });
    this.closed = once(this.child, 'close').catch((error) => [undefined, error.message]);
    const file = this.logFile ? createWriteStream(this.logFile, { flags: 'a' }) : null;
    const keep = (chunk) => {
      this.log += chunk;
      if (this.log.length > 1_000_000) this.log = this.log.slice(-500_000);
      file?.write(chunk);
    };
    this.child.stdout.on('data', (chunk) => {
      this.stdout += chunk;
      keep(chunk);
    });
    this.child.stderr.on('data', keep);
  }

  get running() {
    return Boolean(this.child) && this.child.exitCode === null && this.child.signalCode === null;
  }

  get pid() {
    return this.child?.pid;
  }

  failUnlessRunning() {
    if (!this.running) throw new Error(`${this.name} ended with ${this.child?.exitCode}: ${this.log.slice(-2_000)}`);
  }

  signal(signal) {
    if (this.running) this.child.kill(signal);
  }

  async kill() {
    this.signal('SIGKILL');
    await this.closed;
  }

  /** Asks it to stop; the exit code. */
  async stop(signal = 'SIGTERM') {
    this.signal(signal);
    const [code] = await this.closed;
    return code;
  }
}

export class Nats extends Process {
  static async start(folder, { port, more = '', logFile } = {}) {
    port ??= await freePort();
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'nats.conf');
    writeFileSync(file, `listen: 127.0.0.1:${port}\njetstream { store_dir: "${join(folder, 'store')}" }\n${more}\n`);
    const nats = new Nats('nats', 'nats-server', ['-c', file], { logFile });
    nats.port = port;
    nats.url = `nats://127.0.0.1:${port}`;
    await nats.again();
    return nats;
  }

  async again() {
    this.launch();
    await until('nats-server accepts', () => {
      this.failUnlessRunning();
      return accepts(this.port);
    });
  }
}

export function postgresProgram(name) {
  const versions = readdirSync('/usr/lib/postgresql').filter((v) => existsSync(`/usr/lib/postgresql/${v}/bin/${name}`));
  if (versions.length === 0) throw new Error(`${name} is not installed (Debian package postgresql)`);
  return `/usr/lib/postgresql/${versions.sort((a, b) => b - a)[0]}/bin/${name}`;
}

/** PostgreSQL refuses to run as root. */
function unprivileged() {
  if (process.getuid() !== 0) return {};
  const number = (flag) => Number(execFileSync('id', [flag, 'postgres']).toString());
  return { uid: number('-u'), gid: number('-g') };
}

export class Postgres extends Process {
  static async start(folder, { port, logFile, settings = [] } = {}) {
    port ??= await freePort();
    const user = unprivileged();
    mkdirSync(folder, { recursive: true });
    if (user.uid !== undefined) {
      chownSync(folder, user.uid, user.gid);
      chmodSync(dirname(folder), 0o711);
    }
    const data = join(folder, 'data');
    if (!existsSync(data)) {
      execFileSync(postgresProgram('initdb'), ['--pgdata', data, '--username', 'carillon', '--auth', 'trust',
        '--encoding', 'UTF8', '--locale', 'C.UTF-8', '--no-sync'], { ...user, cwd: folder, stdio: 'ignore' });
    }
    const flags = ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${folder}`,
      ...settings.flatMap((setting) => ['-c', setting])];
    const postgres = new Postgres('postgres', postgresProgram('postgres'), flags, { ...user, cwd: folder, logFile });
    Object.assign(postgres, { port, user, url: `postgres://carillon@127.0.0.1:${port}/carillon` });
    await postgres.again();
    const exists = await postgres.sql("SELECT 1 FROM pg_database WHERE datname = 'carillon'", 'postgres');
    if (exists !== '1') await postgres.sql('CREATE DATABASE carillon', 'postgres');
    return postgres;
  }

  async again() {
    this.launch();
    await until('PostgreSQL answers', async () => {
      this.failUnlessRunning();
      return (await this.sql('SELECT 1', 'postgres')) === '1';
    });
  }

  /** The answer, as text. */
  async sql(query, database = 'carillon') {
    const child = spawn(postgresProgram('psql'), ['-X', '-A', '-t', '-q', '-c', query,
      `postgres://carillon@127.0.0.1:${this.port}/${database}`], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let error = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (error += chunk));
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(error.trim());
    return out.trim();
  }

  /** A crash: its children end by themselves, and must have before it starts again. */
  async kill() {
    const pid = this.pid;
    await super.kill();
    await until('the children of PostgreSQL have ended', () => {
      const others = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
      return others.every((entry) => {
        try {
          return !readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes(this.args[1]);
        } catch {
          return true;
        }
      });
    });
    return pid;
  }

  async stop() {
    return super.stop('SIGINT');
  }
}

/** One of Carillon's services. */
export class Service extends Process {
  static async start(binary, name, args, { port, logFile, env = {} } = {}) {
    port ??= await freePort();
    const clean = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('CARILLON_')));
    const service = new Service(name, binary, [...args, '--port', String(port)], { env: { ...clean, ...env }, logFile });
    Object.assign(service, { port, url: `http://127.0.0.1:${port}` });
    await service.again();
    return service;
  }

  async again() {
    this.launch();
    await until(`${this.name} says that it is ready`, () => {
      this.failUnlessRunning();
      return /is ready/.test(this.stdout);
    }, 60_000);
  }

  async readiness() {
    const response = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(5_000) });
    return { status: response.status, body: await response.json() };
  }
}

/** HAProxy in front of gateways: each request to the next one that is ready, no stickiness; when none is, to one that lives. */
export class Balancer extends Process {
  static async start(folder, gateways, { port, logFile, connections = 4_000 } = {}) {
    port ??= await freePort();
    const statisticsPort = await freePort();
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'haproxy.cfg');
    const servers = gateways.map(({ name, port: to }) => `  server ${name} 127.0.0.1:${to}`).join('\n');
    writeFileSync(file, `global
  maxconn ${connections}
defaults
  mode http
  option redispatch 1
  timeout connect 2s
  timeout client 1h
  timeout server 1h
frontend front
  bind 127.0.0.1:${port}
  use_backend gateways if { nbsrv(gateways) gt 0 }
  default_backend living
listen statistics
  bind 127.0.0.1:${statisticsPort}
  stats enable
  stats uri /
backend gateways
  balance roundrobin
  option forwardfor
  option httpchk GET /readyz
  default-server inter 500 fall 2 rise 1 check
${servers}
backend living
  balance roundrobin
  option forwardfor
  option httpchk GET /livez
  default-server inter 500 fall 2 rise 1 check
${servers}
`);
    const balancer = new Balancer('haproxy', 'haproxy', ['-db', '-f', file], { logFile });
    Object.assign(balancer, { port, url: `http://127.0.0.1:${port}`, statistics: `http://127.0.0.1:${statisticsPort}/;csv` });
    balancer.launch();
    await until('HAProxy accepts', () => {
      balancer.failUnlessRunning();
      return accepts(port);
    });
    return balancer;
  }

  /** How many gateways it sends requests to. */
  async up() {
    const rows = (await (await fetch(this.statistics)).text()).split('\n').map((row) => row.split(','));
    const status = rows[0].indexOf('status');
    return rows.filter((row) => row[0] === 'gateways' && row[1] !== 'BACKEND' && row[status] === 'UP').length;
  }
}
