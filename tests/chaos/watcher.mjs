// A client that writes down what it was told.
import { io } from 'socket.io-client';
import { pause } from '../cluster/servers.mjs';

/** A tab: a stock client that follows the documented rules (notifications by id, counts by version, sync after connecting). */
export class Watcher {
  constructor(url, user, name) {
    Object.assign(this, { user, name, items: new Map(), rings: new Map(), connection: 0, count: 0, version: 0n });
    Object.assign(this, { faults: [], complete: 0n, syncing: true, stalled: false, losing: false, duplicated: 0 });
    this.away = []; // how long each time, ms: from the end of a connection until all of it was there again
    this.socket = io(url, {
      auth: { token: user.token }, transports: ['websocket'], forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 1_000,
    });
    this.socket.on('connect', () => this.#connected());
    this.socket.on('disconnect', (reason) => {
      if (!this.syncing) this.complete = this.version;
      this.syncing = true;
      this.lostAt ??= performance.now();
      // A stock client does not come back after this one; nobody of the server's may send it.
      if (reason === 'io server disconnect') this.faults.push('was told to go for good');
    });
    this.socket.on('connect_error', (error) => {
      if (!this.socket.active) this.faults.push(`was refused for good: ${error.message} ${error.data?.code}`);
    });
    this.socket.on('notification:new', (event) => {
      if (event.userId !== user.id) this.faults.push(`heard of a notification of ${event.userId}`);
      const key = `${this.connection} ${event.notificationId}`;
      const times = (this.rings.get(key) ?? 0) + 1;
      this.rings.set(key, times);
      if (times === 2) this.duplicated += 1;
      if (!this.losing) this.#learn({ ...event, readAt: null });
      this.losing = false;
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
      if (this.lostAt !== undefined) this.away.push(performance.now() - this.lostAt);
      this.lostAt = undefined;
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

  /** Marks one as read, or all when there are many: {read: id} when one was acknowledged, {fault} when the answer is wrong. */
  async readOne() {
    const unread = [...this.items].filter(([, item]) => !item.read).map(([id]) => id);
    if (unread.length === 0 || !this.socket.connected) return {};
    try {
      if (unread.length > 40) {
        await this.socket.timeout(5_000).emitWithAck('notification:read-all');
        return {};
      }
      const notificationId = unread[Math.floor(Math.random() * unread.length)];
      const ack = await this.socket.timeout(5_000).emitWithAck('notification:read', { notificationId });
      if (ack.ok) return { read: notificationId };
      return ['unavailable', 'rate_limited'].includes(ack.error.code) ? {} : { fault: `a read was answered ${ack.error.code}` };
    } catch {
      return {}; // its connection ended; it was not acknowledged
    }
  }

  /** What the judge compares, without the socket. */
  report() {
    const { name, user, items, count, faults, repeats, connection, settled, away } = this;
    return { name, user: { id: user.id }, items, count, faults, repeats, connection, settled, away, heard: this.rings.size };
  }

  /** Its connection ends without a word, as when a train enters a tunnel; it comes back as a stock client does. */
  interrupt() {
    this.socket.io.engine?.transport?.ws?.terminate?.();
  }

  /** Takes no bytes for a while: they wait in the kernel and at the server. */
  async stall(ms) {
    const connection = this.socket.io.engine?.transport?.ws?._socket;
    if (!connection) return;
    this.stalled = true;
    connection.pause();
    await pause(ms);
    connection.resume();
    setTimeout(() => (this.stalled = false), 1_000).unref(); // by when it has read what had piled up
  }

  close() {
    this.socket.disconnect();
  }
}
