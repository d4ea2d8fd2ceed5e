// A steady load whose every acknowledged call is written down, and clients that write down what they were told.
import { createHmac, randomUUID } from 'node:crypto';
import { io } from 'socket.io-client';
import { pause } from '../cluster/servers.mjs';

/** A JWT, HS256 (RFC 7519): thousands are made faster than by a process each. */
export function signToken(secret, claims, typ = 'at+jwt') {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256', typ })}.${part({ iss: 'carillon', iat: now, jti: randomUUID(), ...claims })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

const permissions = ['notification:read', 'notification:update'];

/** A tab: a stock client that follows the documented rules (notifications by id, counts by version, sync after connecting). */
export class Watcher {
  constructor(url, user, name) {
    Object.assign(this, { user, name, items: new Map(), rings: new Map(), connection: 0, count: 0, version: 0n });
    Object.assign(this, { faults: [], complete: 0n, syncing: true });
    this.socket = io(url, {
      auth: { token: user.token }, transports: ['websocket'], forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 1_000,
    });
    this.socket.on('connect', () => this.#connected());
    this.socket.on('disconnect', (reason) => {
      if (!this.syncing) this.complete = this.version;
      this.syncing = true;
      // A stock client does not come back after this one; nobody of the server's may send it.
      if (reason === 'io server disconnect') this.faults.push('was told to go for good');
    });
    this.socket.on('connect_error', (error) => {
      if (!this.socket.active) this.faults.push(`was refused for good: ${error.message} ${error.data?.code}`);
    });
    this.socket.on('notification:new', (event) => {
      if (event.userId !== user.id) this.faults.push(`heard of a notification of ${event.userId}`);
      const key = `${this.connection} ${event.notificationId}`;
      this.rings.set(key, (this.rings.get(key) ?? 0) + 1);
      this.#learn({ ...event, readAt: null });
      this.#counted(event.unreadCount, event.version);
    });
    this.socket.on('notification:updated', (event) => {
      const version = BigInt(event.version);
      if (event.action === 'read') this.#mark(event.notificationId, version);
      else {
        const before = BigInt(event.before ?? event.version);
        for (const [id, item] of this.items) if (item.version <= before) this.#mark(id, version);
      }
      this.#counted(event.unreadCount, event.version);
    });
    this.socket.on('unreadCount:updated', ({ count, version }) => this.#counted(count, version));
  }

  #learn({ notificationId, version, readAt }) {
    const known = this.items.get(notificationId);
    if (known && known.version >= BigInt(version)) return;
    this.items.set(notificationId, { version: BigInt(version), read: Boolean(readAt) });
  }

  #mark(id, version) {
    const known = this.items.get(id);
    if (known && !known.read && known.version < version) this.items.set(id, { version, read: true });
  }

  #counted(count, version) {
    const newer = BigInt(version);
    if (newer === this.version && count !== this.count) this.faults.push(`version ${version} has the counts ${this.count} and ${count}`);
    if (newer <= this.version) return;
    Object.assign(this, { count, version: newer });
  }

  async #connected() {
    const connection = (this.connection += 1);
    let since = this.complete;
    while (this.connection === connection && this.socket.connected) {
      let page;
      try {
        page = await this.socket.timeout(10_000).emitWithAck('notification:sync', { since: String(since), limit: 500 });
      } catch {
        continue; // closed, or no answer in time
      }
      if (this.connection !== connection) return;
      if (!page.ok) {
        await pause(Math.min(page.error.retryAfterMs ?? 200, 1_000));
        continue;
      }
      if (page.reset) this.items.clear();
      if (page.readAllBefore !== undefined) {
        const before = BigInt(page.readAllBefore);
        for (const item of this.items.values()) if (item.version <= before) item.read = true;
      }
      for (const item of page.notifications) this.#learn(item);
      if (page.hasMore) {
        since = BigInt(page.notifications.at(-1).version);
        continue;
      }
      this.#counted(page.unreadCount, page.version);
      this.syncing = false;
      return;
    }
  }

  /** Whether it has all that there was when it last connected. */
  get settled() {
    return this.socket.connected && !this.syncing;
  }

  /** How many notifications rang more than once, on one connection, and on a later one again. */
  get repeats() {
    const once = [...this.rings.values()].filter((times) => times > 1).length;
    const ids = [...this.rings.keys()].map((key) => key.split(' ')[1]);
    return { onOneConnection: once, later: ids.length - new Set(ids).size };
  }

  close() {
    this.socket.disconnect();
  }
}

/** Creates and reads without pause. What was acknowledged is in `created` and `read`; nothing else is. */
export class Load {
  constructor({ users, servicesUrls, gatewayUrls, internalSecret }) {
    Object.assign(this, { users, servicesUrls, gatewayUrls, internalSecret });
    Object.assign(this, { created: new Map(), read: new Set(), refused: 0, running: true, going: [], faults: [] });
    this.polls = { answered: 0, unanswered: 0, longestGapMs: 0 };
  }

  /** `rate` creates a second, and a read for every third of them. */
  start({ rate, watchers }) {
    const loops = 4;
    for (let i = 0; i < loops; i += 1) {
      this.going.push(this.#every((1000 * loops) / rate, () => this.#create()));
    }
    this.going.push(this.#every(3000 / rate, () => this.#readBySocket(watchers)));
    this.going.push(this.#every(6000 / rate, () => this.#readByRest()));
    this.going.push(this.#every(50, () => this.#poll()));
  }

  async #every(ms, action) {
    while (this.running) {
      const next = performance.now() + ms;
      await action();
      await pause(Math.max(0, next - performance.now()));
    }
  }

  async stop() {
    this.running = false;
    await Promise.all(this.going);
  }

  #any(list) {
    return list[Math.floor(Math.random() * list.length)];
  }

  /** The answer of the first address that gives one; as a client behind a balancer would, each is tried. */
  async #request(urls, path, { headers, ...options }, tries = 2 * urls.length) {
    const first = Math.floor(Math.random() * urls.length);
    for (let i = 0; i < tries && this.running; i += 1) {
      try {
        const response = await fetch(urls[(first + i) % urls.length] + path, {
          ...options, headers: { 'content-type': 'application/json', ...headers }, signal: AbortSignal.timeout(5_000),
        });
        const body = await response.json();
        if (response.status < 500 && response.status !== 409) return { status: response.status, body };
      } catch {
        // That one is away.
      }
      await pause(20);
    }
    return undefined;
  }

  async #create() {
    const user = this.#any(this.users);
    const authorization = `Bearer ${signToken(this.internalSecret, { sub: 'chaos', aud: 'carillon-internal', exp: Math.floor(Date.now() / 1000) + 60 }, 'internal+jwt')}`;
    const answer = await this.#request(this.servicesUrls, '/notification', {
      method: 'POST', headers: { authorization, 'idempotency-key': randomUUID() },
      body: JSON.stringify({ userId: user.id, type: 'chaos', title: `n${this.created.size}` }),
    });
    if (answer?.status === 201) this.created.set(answer.body.notificationId, user.id);
    else if (answer) this.faults.push(`a create was answered ${answer.status} ${JSON.stringify(answer.body)}`);
    else this.refused += 1;
  }

  async #readBySocket(watchers) {
    const watcher = this.#any(watchers);
    const unread = [...watcher.items].filter(([, item]) => !item.read).map(([id]) => id);
    if (unread.length === 0 || !watcher.socket.connected) return;
    try {
      if (unread.length > 40) {
        await watcher.socket.timeout(5_000).emitWithAck('notification:read-all');
        return;
      }
      const notificationId = this.#any(unread);
      const ack = await watcher.socket.timeout(5_000).emitWithAck('notification:read', { notificationId });
      if (ack.ok) this.read.add(notificationId);
      else if (!['unavailable', 'rate_limited'].includes(ack.error.code)) this.faults.push(`a read was answered ${ack.error.code}`);
    } catch {
      // Its connection ended; it was not acknowledged.
    }
  }

  async #readByRest() {
    const [notificationId, userId] = this.#any([...this.created]) ?? [];
    if (!notificationId) return;
    const { token } = this.users.find(({ id }) => id === userId);
    const answer = await this.#request(this.gatewayUrls, `/notifications/${notificationId}/read`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    if (answer?.status === 200) this.read.add(notificationId);
    else if (answer && answer.status !== 429) this.faults.push(`a read by REST was answered ${answer.status}`);
  }

  /** Somebody without a socket, who asks one gateway after the other until one answers. */
  async #poll() {
    const started = performance.now();
    const answer = await this.#request(this.gatewayUrls, '/notifications/unread-count', { headers: { authorization: `Bearer ${this.#any(this.users).token}` } }, this.gatewayUrls.length);
    if (!answer) {
      this.polls.unanswered += 1;
      return;
    }
    this.polls.answered += 1;
    if (this.lastAnswer) this.polls.longestGapMs = Math.max(this.polls.longestGapMs, Math.round(performance.now() - this.lastAnswer));
    this.lastAnswer = performance.now();
    this.polls.slowestMs = Math.max(this.polls.slowestMs ?? 0, Math.round(performance.now() - started));
  }
}

export function makeUsers(count, userSecret) {
  return Array.from({ length: count }, () => {
    const id = randomUUID();
    return { id, token: signToken(userSecret, { sub: id, aud: 'carillon', exp: Math.floor(Date.now() / 1000) + 7_200, permissions }) };
  });
}
