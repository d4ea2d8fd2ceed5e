// A server under attack, and what has to be true of it when an attack is over.
import assert from 'node:assert/strict';
import { Server, eventually } from './harness.mjs';
import { Connection, request } from './wire.mjs';

const full = process.env.CARILLON_FULL === '1';
const MiB = 1024 * 1024;

/** What an attack may leave behind in the allocator: resident memory above what it was before the first one. */
export const memoryKept = 48 * MiB;

export const polling = '/socket.io/?EIO=4&transport=polling';
export const websocket = '/socket.io/?EIO=4&transport=websocket';

export const many = (short, long) => (full ? long : short);
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const times = (count, make) => Array.from({ length: count }, (_, i) => make(i));

/** Runs `work` for 0 to `count` - 1, at most `width` at a time. */
export async function crowd(count, width, work) {
  const results = [];
  let next = 0;
  await Promise.all(times(Math.min(width, count), async () => {
    while (next < count) {
      const i = next++;
      results[i] = await work(i);
    }
  }));
  return results;
}

export class Siege {
  static async start(flags = [], { sessions = many(300, 5_000) } = {}) {
    const siege = new Siege();
    siege.server = await Server.start({ flags: ['--rest-rate-limit', '100000', '--max-sockets-per-user', '1000', ...flags] });
    siege.port = Number(new URL(siege.server.url).port);
    siege.user = await siege.server.register();
    siege.watcher = await siege.server.connect(siege.user.token, { transports: ['websocket'] }).connected();
    await siege.usual(sessions);
    siege.calm = await siege.readings();
    return siege;
  }

  /** What a server does on a busy day, so that caches and the allocator have their usual size. */
  async usual(count) {
    const sessions = await crowd(count, 50, () => this.poller());
    // All wait at once: the allocator keeps what that takes (the fifth such wave leaves no more behind than the first).
    const held = await crowd(count, 100, async (i) => {
      const connection = await Connection.open(this.port);
      connection.write(`GET ${sessions[i].path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      return connection;
    });
    await crowd(count, 50, (i) => sessions[i].post('1'));
    for (const connection of held) connection.close();
    const tabs = Array.from({ length: 20 }, () => this.server.connect(this.user.token));
    for (const tab of tabs) await tab.connected();
    for (const tab of tabs) tab.close();
    for (let i = 0; i < 4; i += 1) {
      const session = await this.poller();
      await session.post(`40${JSON.stringify({ token: 'x', pad: 'x'.repeat(900_000) })}`);
      await session.get();
      await session.post('1');
    }
    const fat = { userId: this.user.id, type: 'test', title: 'usual', body: '🔔'.repeat(4_000) };
    const token = await this.server.internalToken();
    for (let i = 0; i < 20; i += 1) {
      await this.server.request('POST', '/notification/bulk', { base: this.server.notificationsUrl, token, body: { notifications: Array(40).fill(fat) } });
    }
    await this.watcher.event('notification:new', () => this.watcher.of('notification:new').length >= 800);
    await eventually('the usual clients have gone', async () => {
      // The queue's gauge is told once a second: what it says may be of a moment ago.
      const { polling: polls, websocket: sockets, queued } = await this.readings();
      return polls === 0 && sockets === 1 && queued === 0;
    });
  }

  async stop() {
    this.watcher.close();
    assert.equal(await this.server.stop(), 0);
    assert.ok(!/level=error|terminate|Assertion/.test(this.server.log), this.server.log.split('\n').filter((line) => /error|terminate|Assert/.test(line)).join('\n'));
  }

  async readings() {
    const { body } = await this.server.request('GET', '/metrics');
    const value = (name) => Number(body.split('\n').find((line) => line.startsWith(`carillon_${name} `))?.split(' ').at(-1) ?? 0);
    return {
      polling: value('connections_active{transport="polling"}'), websocket: value('connections_active{transport="websocket"}'),
      users: value('users_active'), queued: value('outbound_queue_bytes'), files: value('process_open_fds'),
      memory: value('process_resident_memory_bytes'),
    };
  }

  ended(reason) {
    return this.server.metric('carillon_disconnections_total', { reason });
  }

  /** Sessions of the reason that end while `attack` runs, at least `count` of them. */
  async ends(reason, count, attack, ms = 20_000) {
    const before = await this.ended(reason);
    const result = await attack();
    await eventually(`${count} sessions ended with "${reason}"`, async () => (await this.ended(reason)) - before >= count, ms);
    return result;
  }

  /** A stock client connects and hears of a new notification; the one that was there all along does too. */
  async alive() {
    const tab = await this.server.connect(this.user.token).connected();
    const made = await this.server.create(this.user.id, 'still here');
    const mine = (payload) => payload.notificationId === made.notificationId;
    await tab.event('notification:new', mine);
    await this.watcher.event('notification:new', mine);
    tab.close();
    assert.deepEqual(this.watcher.disconnects, [], 'a client that did nothing was sent away');
    this.watcher.events.length = 0;
  }

  /** Everything is as it was: sessions, sockets, queues, descriptors, memory. */
  async over(t, ms = 20_000) {
    await this.alive();
    let seen;
    const back = async () => {
      seen = await this.readings();
      return ['polling', 'websocket', 'users', 'queued'].every((name) => seen[name] === this.calm[name]) &&
        seen.files <= this.calm.files + 8 && seen.memory <= this.calm.memory + memoryKept;
    };
    await eventually('everything is as before', back, ms).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(seen)}, before: ${JSON.stringify(this.calm)}`);
    });
    t?.diagnostic(`${((seen.memory - this.calm.memory) / MiB).toFixed(1)} MiB above the ${(this.calm.memory / MiB).toFixed(0)} at the start`);
  }

  async poller() {
    const { text } = await request(this.port, polling);
    return new Poller(this.port, JSON.parse(text.slice(1)).sid);
  }
}

/** A polling session, request by request. */
export class Poller {
  constructor(port, sid) {
    this.port = port;
    this.sid = sid;
    this.path = `${polling}&sid=${sid}`;
  }

  get(options) {
    return request(this.port, this.path, options);
  }

  post(body, headers = {}) {
    return request(this.port, this.path, { method: 'POST', body, headers });
  }

  /** A request with its id is told that nobody knows it. */
  async gone(ms) {
    await eventually('the session is unknown', async () => {
      const { status, text } = await this.post('6');
      return status === 400 && JSON.parse(text || '{}').code === 1;
    }, ms);
  }
}
