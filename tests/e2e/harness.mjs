// Starts the real binary on free ports with a data directory of its own, and speaks to it as its users do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomUUID } from 'node:crypto';
import { io } from 'socket.io-client';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const binary = process.env.CARILLON_BINARY ?? join(root, 'build', 'release', 'carillon');

// What a failed test leaves behind would keep its file running for ever: it ends with the file's last test.
const started = new Set();
const tabs = new Set();
if (process.env.NODE_TEST_CONTEXT) {
  const { after } = await import('node:test');
  after(() => {
    for (const tab of tabs) tab.close();
    for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  });
}

// Shards of the servers under test; without it, the server decides.
const threads = process.env.CARILLON_E2E_THREADS ? ['--threads', process.env.CARILLON_E2E_THREADS] : [];

/** Polls `probe` until it returns something truthy, and returns that. Throws with `what` after `ms`. */
export async function eventually(what, probe, ms = 10_000) {
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
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Whole numbers below what is asked for, the same for the same seed: mulberry32, small and repeatable. */
export function randomNumbers(state) {
  let at = state >>> 0;
  return (below) => {
    at = (at + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(at ^ (at >>> 15), at | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export async function temporaryDirectory() {
  return mkdtemp(join(tmpdir(), 'carillon-e2e-'));
}

/** Runs the binary to its end: {code, stdout, stderr}. */
export async function run(args, { env = {}, timeout = 20_000 } = {}) {
  const child = spawn(binary, args, { env: { ...cleanEnvironment(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  return { code, signal, stdout, stderr };
}

function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CARILLON_')));
}

/** One running `carillon serve`. */
export class Server {
  static async start({ flags = [], dataDir, env = {}, wrapper = [] } = {}) {
    const server = new Server();
    server.ownsDir = !dataDir;
    server.dataDir = dataDir ?? (await temporaryDirectory());
    server.flags = flags;
    server.env = env;
    server.wrapper = wrapper;
    await server.launch();
    return server;
  }

  /** Starts (again) on the same data directory; on the same ports after the first time. */
  async launch() {
    const ports = this.url
      ? ['--port', new URL(this.url).port, '--auth-port', new URL(this.authUrl).port,
         '--notifications-port', new URL(this.notificationsUrl).port]
      : ['--port', '0', '--auth-port', '0', '--notifications-port', '0'];
    const [program, ...before] = [...this.wrapper, binary];
    const registrations = this.flags.includes('--register-rate-limit') ? [] : ['--register-rate-limit', '1000'];
    this.child = spawn(program, [...before, 'serve', '--data-dir', this.dataDir, ...registrations, ...threads, ...ports, ...this.flags], {
      env: { ...cleanEnvironment(), ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.add(this.child);
    this.stdout = '';
    this.log = '';
    this.closed = once(this.child, 'close');
    this.child.stdout.on('data', (chunk) => (this.stdout += chunk));
    this.child.stderr.on('data', (chunk) => (this.log += chunk));
    await eventually('the server says that it is ready', () => {
      if (this.child.exitCode !== null) throw new Error(`it ended with ${this.child.exitCode}: ${this.log}`);
      return /Carillon is ready/.test(this.stdout) && this.stdout.trim().split('\n').length >= 3;
    }, 20_000);
    const urls = this.stdout.match(/http:\/\/\S+/g);
    this.url = urls[0].replace('localhost', '127.0.0.1');
    this.authUrl = urls[1];
    this.notificationsUrl = urls[2];
  }

  get pid() {
    return this.child.pid;
  }

  /** Kills it without warning and waits for its end. */
  async kill() {
    this.child.kill('SIGKILL');
    await this.closed;
  }

  /** Asks it to stop; returns the exit code. */
  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
    const [code] = await this.closed;
    if (this.ownsDir) await rm(this.dataDir, { recursive: true, force: true });
    return code;
  }

  /** A request to the gateway; JSON in and out. */
  async request(method, path, { token, body, headers = {}, base = this.url } = {}) {
    const response = await fetch(base + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const type = response.headers.get('content-type') ?? '';
    return { status: response.status, headers: response.headers, body: /json/.test(type) && text ? JSON.parse(text) : text };
  }

  async register(name = 'Ada') {
    const email = `${name.toLowerCase()}-${randomUUID()}@example.test`;
    const answer = await this.request('POST', '/auth/register', { body: { email, password: 'correct horse', name } });
    if (answer.status !== 201) throw new Error(`register: ${answer.status} ${JSON.stringify(answer.body)}`);
    return { id: answer.body.user.id, email, token: answer.body.accessToken };
  }

  /** A token for any user, made by the command. */
  async token(user, ...flags) {
    const { code, stdout, stderr } = await run(['token', '--user', user, '--data-dir', this.dataDir, ...flags]);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  }

  async internalToken() {
    const { stdout } = await run(['token', '--internal', '--data-dir', this.dataDir]);
    return stdout.trim();
  }

  /** Creates a notification over the public REST API, as an administrator would. */
  async create(userId, title = 'Hello', more = {}) {
    this.creator ??= await this.token(randomUUID(), '--permission', 'notification:create');
    const answer = await this.request('POST', '/notifications', {
      token: this.creator,
      body: { userId, type: 'test', title, ...more },
    });
    if (answer.status !== 201) throw new Error(`create: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** The value of a metric whose name and labels match; the sum when several do. 0 when there is none. */
  async metric(name, labels = {}, base = this.url) {
    const { body } = await this.request('GET', '/metrics', { base });
    let sum = 0;
    for (const line of body.split('\n')) {
      const match = line.match(/^([a-zA-Z_:]+)(\{.*\})? (\S+)$/);
      if (!match || match[1] !== name) continue;
      const matches = Object.entries(labels).every(([key, value]) => (match[2] ?? '').includes(`${key}="${value}"`));
      if (matches) sum += Number(match[3]);
    }
    return sum;
  }

  /** A stock client. Every event it receives is kept in `events`. */
  connect(token, { nsp = '/', ...options } = {}) {
    return new Tab(io(this.url + (nsp === '/' ? '' : nsp), {
      auth: token === undefined ? undefined : { token },
      forceNew: true,
      reconnectionDelay: 50,
      reconnectionDelayMax: 200,
      ...options,
    }));
  }
}

/** One browser tab: a stock socket with a record of what arrived. */
export class Tab {
  constructor(socket) {
    tabs.add(this);
    this.socket = socket;
    this.events = [];
    this.connects = 0;
    this.disconnects = [];
    this.errors = [];
    socket.onAny((name, ...args) => this.events.push({ name, payload: args[0], at: performance.now(), connection: this.connects }));
    socket.on('connect', () => (this.connects += 1));
    socket.on('disconnect', (reason) => this.disconnects.push(reason));
    socket.on('connect_error', (error) => this.errors.push(error));
  }

  async connected() {
    await eventually('the client connects', () => {
      if (this.errors.length && !this.socket.active) throw new Error(this.errors.at(-1).message);
      return this.socket.connected;
    });
    return this;
  }

  of(name) {
    return this.events.filter((event) => event.name === name).map((event) => event.payload);
  }

  /** The first event with the name (and matching payload) that has arrived or will. */
  async event(name, matches = () => true, ms = 10_000) {
    return eventually(`${name} arrives`, () => this.of(name).find(matches), ms);
  }

  /** The newest count, by version. */
  get count() {
    let newest;
    for (const { name, payload } of this.events) {
      const count = name === 'unreadCount:updated' ? payload.count : payload?.unreadCount;
      if (count === undefined || payload.version === undefined) continue;
      if (!newest || BigInt(payload.version) >= newest.version) newest = { version: BigInt(payload.version), count };
    }
    return newest?.count;
  }

  async emit(name, ...args) {
    return this.socket.timeout(10_000).emitWithAck(name, ...args);
  }

  close() {
    this.socket.disconnect();
  }
}
