import { Emitter } from "./core/emitter.js";
import { Engine } from "./core/engine.js";
import { Group } from "./core/group.js";
import { Inbox } from "./core/inbox.js";
import type { Mark, Operation } from "./core/operations.js";
import type { Cancel, Ports } from "./core/ports.js";
import { backoffMs } from "./core/backoff.js";
import { callRest, listPath } from "./core/rest.js";
import { claimsOf, TokenSource } from "./core/tokens.js";
import * as wire from "./core/wire.js";
import {
  BellError,
  type Bell,
  type BellEvents,
  type BellNotification,
  type BellOptions,
  type BellState,
  type ConnectionState,
  type ListAnswer,
  type ListQuery,
} from "./types.js";

const marksMost = 1_000;
/** Of what the tabs say to each other: tabs with another version of this client keep to themselves. */
const protocol = 1;

export class BellClient implements Bell {
  private readonly emitter = new Emitter<BellEvents>();
  private readonly tokens: TokenSource;
  private readonly pageSize: number;
  private inbox = new Inbox();
  private group: Group | null = null;
  private engine: Engine | null = null;
  private prefix = "";
  /** Counts starts: what belongs to an older one is ignored. */
  private run = 0;
  private running = false;
  private retry: Cancel = () => {};
  private current: BellState;
  private stale = false;
  /** What the listeners were told last. */
  private told: BellState;
  /** Until the first picture is there: what of it is news, and what of that has been told already. */
  private newSince: number | null;
  private readonly toldEarly = new Set<string>();
  /** Leading: who waits for the answer of a mark. */
  private readonly settlers = new Map<string, (error: BellError | null) => void>();

  constructor(
    private readonly options: BellOptions,
    private readonly ports: Ports,
  ) {
    this.tokens = new TokenSource((request) => options.getToken(request), ports.clock);
    this.pageSize = Math.min(100, Math.max(1, Math.floor(options.pageSize ?? 20)));
    this.newSince = options.newSince === undefined ? null : new Date(options.newSince).getTime();
    this.current = this.told = this.picture();
  }

  get state(): BellState {
    if (this.stale) {
      this.stale = false;
      this.current = this.picture(this.current);
    }
    return this.current;
  }
  get notifications(): readonly BellNotification[] {
    return this.state.notifications;
  }
  get unreadCount(): number {
    return this.state.unreadCount;
  }
  get connection(): ConnectionState {
    return this.state.connection;
  }

  on<Name extends keyof BellEvents>(name: Name, listener: (event: BellEvents[Name]) => void): () => void {
    return this.emitter.on(name, listener);
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    void this.begin(++this.run, 0);
  }

  close(): void {
    if (!this.running) return;
    this.running = false;
    this.end();
    this.tokens.forget();
    this.inbox = new Inbox();
    this.changed();
  }

  connect(): void {
    if (!this.running) return this.start();
    if (this.group !== null) return void this.quietly(this.group.wish({ wish: "connect" }));
    this.tokens.markStale();
    this.retry();
    void this.begin(++this.run, 0);
  }

  read(notificationId: string): Promise<void> {
    if (this.inbox.has(notificationId) && !this.inbox.isUnread(notificationId)) return Promise.resolve();
    return this.mark({ id: this.ports.id(), action: "read", notificationId });
  }

  readAll(): Promise<void> {
    const before = this.inbox.syncedVersion === null ? null : this.inbox.shownVersion;
    return this.mark({ id: this.ports.id(), action: "read-all", before });
  }

  loadMore(): Promise<void> {
    return this.wish({ wish: "more" });
  }

  sync(): Promise<void> {
    return this.wish({ wish: "sync" });
  }

  async list(query: ListQuery = {}): Promise<ListAnswer> {
    const path = listPath(query.limit ?? this.pageSize, query.cursor, query.status);
    const answer = await callRest(this.ports.http, this.tokens, "GET", path);
    const page = answer?.status === 200 ? wire.pageAnswer(answer.body) : null;
    if (page === null) {
      const error = answer && wire.refusalOf(answer.body);
      throw new BellError(error?.code ?? "network", error?.message ?? "No answer.", answer?.retryAfterMs);
    }
    const notifications = page.data.map((row) => Object.freeze({ ...row, read: row.readAt !== null }));
    return { notifications, nextCursor: page.nextCursor, unreadCount: page.unreadCount };
  }

  /** Whose bell it is decides whom it shares with: so the token comes first. */
  private async begin(run: number, failures: number): Promise<void> {
    this.apply({ op: "link", status: { connection: "connecting", error: null } });
    let token: string | null;
    try {
      token = await this.tokens.get();
    } catch {
      if (run !== this.run) return;
      this.apply({ op: "list", state: "failed" });
      this.retry = this.ports.clock.after(backoffMs(failures + 1, this.ports.random), () => void this.begin(run, failures + 1));
      return;
    }
    if (run !== this.run) return;
    if (token === null) {
      this.apply({ op: "list", state: "failed" });
      this.apply({ op: "link", status: { connection: "stopped", error: { code: "unauthorized", message: "Nobody is signed in." } } });
      return;
    }
    this.join(claimsOf(token).user);
  }

  private join(user: string | null): void {
    const name = `carillon:${protocol}:${this.options.url}:${user ?? ""}`;
    this.prefix = user === null ? "" : `${name}:mark:`;
    const shared = user !== null && this.options.shareConnection !== false;
    const group = new Group(this.ports, name, shared, {
      lead: () => this.lead(user),
      follow: () => this.follow(),
      apply: (operation) => this.apply(operation),
      adopt: (snapshot) => {
        this.inbox.restore(snapshot);
        // What was marked here, and the leader has not heard of yet.
        for (const mark of group.ownMarks()) this.inbox.apply({ op: "begin", mark });
        this.changed();
      },
      snapshot: () => this.inbox.snapshot(),
      fulfil: (wish) => this.fulfil(wish),
    });
    this.group = group;
    group.join();
  }

  private lead(user: string | null): void {
    this.engine = new Engine(this.ports, this.tokens, user, this.inbox, this.pageSize, {
      apply: (operation) => {
        this.apply(operation);
        this.group?.tell(operation);
      },
      settled: (mark, error) => this.settled(mark, error),
      userChanged: () => this.restart(),
    });
    // What the last leader had under way has gone with it.
    this.apply({ op: "more", loading: false });
    this.apply({ op: "uncertain" });
    const known = new Map(this.inbox.pending().map((mark) => [mark.id, mark]));
    for (const mark of this.keptMarks()) known.set(mark.id, mark);
    for (const mark of known.values()) this.engine.mark(mark);
    this.engine.connect();
  }

  private follow(): void {
    this.engine?.close();
    this.engine = null;
    this.settlers.clear();
  }

  private end(): void {
    this.run += 1;
    this.retry();
    const { group } = this;
    this.group = null;
    group?.leave();
  }

  /** The token is another user's: nothing of the old one stays. */
  private restart(): void {
    if (!this.running) return;
    this.end();
    this.inbox = new Inbox();
    this.changed();
    void this.begin(++this.run, 0);
  }

  // --- Wishes --------------------------------------------------------------------------------------------------------

  private wish(wish: Parameters<Group["wish"]>[0]): Promise<void> {
    if (this.group === null) return this.quietly(Promise.reject(new BellError("closed", "The bell has not started.")));
    return this.quietly(this.group.wish(wish));
  }

  private mark(mark: Mark): Promise<void> {
    if (this.group === null) return this.refuse(mark, new BellError("closed", "The bell has not started."));
    if (this.inbox.pending().length >= marksMost) {
      return this.refuse(mark, new BellError("too_many_pending", "Too many marks wait for a connection."));
    }
    // Kept until it is answered, so that it survives this page.
    if (this.prefix !== "") this.ports.storage.set(this.prefix + mark.id, JSON.stringify(mark));
    this.apply({ op: "begin", mark });
    return this.wish({ wish: "mark", mark });
  }

  private refuse(mark: Mark, error: BellError): Promise<void> {
    const which = mark.action === "read" ? { notificationId: mark.notificationId } : {};
    this.emitter.emit("refused", { action: mark.action, ...which, error });
    return this.quietly(Promise.reject(error));
  }

  private async fulfil(wish: Parameters<Group["wish"]>[0]): Promise<void> {
    const { engine } = this;
    if (engine === null) throw new BellError("closed", "The bell was closed.");
    if (wish.wish === "more") return engine.loadMore();
    if (wish.wish === "sync") return engine.sync();
    if (wish.wish === "connect") return engine.connect();
    return new Promise((resolve, reject) => {
      this.settlers.set(wish.mark.id, (error) => (error === null ? resolve() : reject(error)));
      engine.mark(wish.mark);
    });
  }

  private settled(mark: Mark, error: BellError | null): void {
    if (this.prefix !== "") this.ports.storage.remove(this.prefix + mark.id);
    this.settlers.get(mark.id)?.(error);
    this.settlers.delete(mark.id);
  }

  private keptMarks(): Mark[] {
    if (this.prefix === "") return [];
    const { storage } = this.ports;
    const marks: Mark[] = [];
    for (const key of storage.keys(this.prefix).slice(0, marksMost)) {
      try {
        const mark = JSON.parse(storage.get(key) ?? "null") as Mark | null;
        const known = mark?.action === "read" ? typeof mark.notificationId === "string" : mark?.action === "read-all";
        if (mark !== null && known && this.prefix + mark.id === key) marks.push(mark);
        else storage.remove(key);
      } catch {
        storage.remove(key);
      }
    }
    return marks;
  }

  /** A rejection that nobody waits for is told by the event `refused`, not by the console. */
  private quietly<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => {});
    return promise;
  }

  // --- The picture ---------------------------------------------------------------------------------------------------

  private apply(operation: Operation): void {
    const error = operation.op === "end" ? operation.error : null;
    const refused = error && this.inbox.pending().find((mark) => operation.op === "end" && mark.id === operation.id);
    const arrivals = this.inbox.apply(operation);
    this.changed();
    for (const notification of arrivals) this.arrived(notification, operation.op === "new");
    if (refused) void this.refuse(refused, new BellError(error.code, error.message));
  }

  private arrived(notification: BellNotification, live: boolean): void {
    if (this.newSince !== null) this.toldEarly.add(notification.notificationId);
    this.emitter.emit("new", { notification, live });
  }

  /** The first picture is there, from the server or from another tab. */
  private tellFirst(since: number): void {
    const news = this.state.notifications.filter(({ notificationId, createdAt, read }) =>
      !read && Date.parse(createdAt) > since && !this.toldEarly.has(notificationId));
    for (const notification of news.reverse()) this.emitter.emit("new", { notification, live: false });
    this.newSince = null;
    this.toldEarly.clear();
  }

  /** The new state is there at once; that it has changed is told once a microtask. */
  private changed(): void {
    if (this.stale) return;
    this.stale = true;
    queueMicrotask(() => this.tellState());
  }

  private tellState(): void {
    const { told, state } = this;
    if (state === told) return;
    this.told = state;
    this.emitter.emit("state", state);
    if (state.unreadCount !== told.unreadCount) this.emitter.emit("count", state.unreadCount);
    if (state.connection !== told.connection) this.emitter.emit("connection", state.connection);
    if (this.newSince !== null && state.list === "ready") this.tellFirst(this.newSince);
  }

  private picture(before?: BellState): BellState {
    const { inbox } = this;
    const { connection, error } = inbox.link;
    const rows = inbox.notifications();
    const same = rows.length === before?.notifications.length && rows.every((row, i) => row === before.notifications[i]);
    const sameError = error?.code === before?.error?.code && error?.message === before?.error?.message;
    const picture: BellState = {
      notifications: same ? before.notifications : Object.freeze(rows),
      unreadCount: inbox.unreadCount,
      connection,
      error: sameError && before ? before.error : error && new BellError(error.code, error.message),
      list: inbox.listState,
      hasMore: inbox.hasMore,
      loadingMore: inbox.loadingMore,
    };
    const keys = Object.keys(picture) as (keyof BellState)[];
    return before && keys.every((key) => picture[key] === before[key]) ? before : Object.freeze(picture);
  }
}
