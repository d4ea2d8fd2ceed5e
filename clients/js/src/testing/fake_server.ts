// A server that keeps one user's inbox by the rules of the contract, over sockets and REST, with a switch for each way in
// which it can fail.
import type { Notification } from "@carillon/contracts/types";

import type { HttpAnswer, HttpPort, LinkHandlers, Refusal, SocketPort } from "../core/ports.js";
import { compareVersions } from "../core/versions.js";
import type { FakeClock } from "./fake_clock.js";

interface OpenLink {
  handlers: LinkHandlers;
  open: boolean;
  /** What was asked and is not answered. */
  waiting: Set<(ack: unknown) => void>;
}

interface Ask {
  event: string;
  payload: Record<string, unknown> | null;
}

const problem = (status: number, code: string): HttpAnswer => ({ status, body: { status, code, detail: code } });

export class FakeServer {
  rows: Notification[] = [];
  version = 0n;
  readAllBefore = 0n;
  private readAllAt = 0n;
  private ids = 0;

  /** Sockets get through; otherwise attempts fail without a word. */
  sockets = true;
  rest = true;
  /** Attempts are refused so. */
  refusal: Refusal | null = null;
  /** False: as a server of before the field. */
  tellsBefore = true;
  /** Goes on where a client was: what it has missed is sent after it has connected, before the count. */
  recovers = false;
  /** What was told while nobody was connected; a test may take something away. */
  missed: { name: string; payload: unknown }[] = [];
  /** False: says nothing after a connect. */
  tellsCount = true;
  /** The network swallows everything, both ways, and nobody is told. */
  blackhole = false;
  /** What the next commands are answered with, instead of being done. */
  readonly nextAcks: unknown[] = [];
  readonly links = new Set<OpenLink>();
  readonly asked: Ask[] = [];
  readonly requests: string[] = [];
  readonly keys: string[] = [];
  readonly tokens: string[] = [];
  attempts = 0;
  /** A tampered sync page size, to see the client go on. */
  syncPage = 200;

  constructor(private readonly clock: FakeClock) {}

  get unread(): number {
    return this.rows.filter((row) => !this.isRead(row)).length;
  }
  get connections(): number {
    return this.links.size;
  }

  create(title = "Hello", more: Partial<Notification> = {}): Notification {
    this.version += 1n;
    this.ids += 1;
    const row: Notification = {
      notificationId: `00000000-0000-7000-8000-${String(this.ids).padStart(12, "0")}`,
      userId: "user",
      type: "test",
      title,
      createdAt: new Date(this.clock.now() + this.ids).toISOString(),
      readAt: null,
      version: String(this.version),
      ...more,
    };
    this.rows.unshift(row);
    const { readAt: _, ...event } = row;
    this.emit("notification:new", { ...event, unreadCount: this.unread });
    this.emitCount();
    return row;
  }

  read(id: string): boolean {
    const row = this.rows.find((candidate) => candidate.notificationId === id);
    if (row === undefined) return false;
    if (this.isRead(row)) return true;
    this.version += 1n;
    row.readAt = new Date(this.clock.now()).toISOString();
    row.version = String(this.version);
    this.emit("notification:updated", { action: "read", notificationId: id, unreadCount: this.unread, version: row.version });
    this.emitCount();
    return true;
  }

  readAll(before: string | null = null): number {
    const upTo = before === null || BigInt(before) > this.version ? this.version : BigInt(before);
    const hit = this.rows.filter((row) => !this.isRead(row) && BigInt(row.version) <= upTo);
    if (hit.length === 0) return 0;
    this.version += 1n;
    this.readAllBefore = upTo;
    this.readAllAt = this.version;
    for (const row of hit) row.readAt = new Date(this.clock.now()).toISOString();
    const telling = this.tellsBefore ? { before: String(upTo) } : {};
    this.emit("notification:updated", { action: "read-all", unreadCount: this.unread, version: String(this.version), ...telling });
    this.emitCount();
    return hit.length;
  }

  /** Everything of the user is taken away, as the law may ask. */
  erase(): void {
    this.rows = [];
    this.version += 1n;
    this.emit("notification:updated", { action: "read-all", unreadCount: 0, version: String(this.version), reset: true });
    this.emitCount();
  }

  /** Another database, as after a lost disk. */
  startAnew(): void {
    this.rows = [];
    this.version = 0n;
    this.readAllBefore = 0n;
  }

  emit(name: string, payload: unknown): void {
    if (this.links.size === 0) this.missed.push({ name, payload });
    for (const link of this.links) this.deliver(link, name, payload);
  }

  /** Ends all connections, as a restart does. */
  drop(reason = "transport close"): void {
    for (const link of [...this.links]) {
      this.end(link);
      link.handlers.closed(reason);
    }
  }

  readonly socket: SocketPort = {
    open: (token, handlers) => {
      this.attempts += 1;
      this.tokens.push(token);
      const link: OpenLink = { handlers, open: true, waiting: new Set() };
      this.clock.after(10, () => this.accept(link));
      return {
        emit: (event, payload, timeoutMs) =>
          new Promise((resolve) => {
            if (!this.links.has(link)) return resolve(null);
            const answer = (ack: unknown): void => {
              link.waiting.delete(answer);
              resolve(ack);
            };
            link.waiting.add(answer);
            this.clock.after(timeoutMs, () => link.waiting.has(answer) && answer(null));
            this.clock.after(5, () => {
              if (this.blackhole || !this.links.has(link)) return;
              const ack = this.perform({ event, payload: payload as Ask["payload"] });
              this.clock.after(5, () => !this.blackhole && link.waiting.has(answer) && answer(ack));
            });
          }),
        close: () => this.end(link),
      };
    },
  };

  readonly http: HttpPort = {
    request: async (method, path, token, body, key) => {
      await new Promise<void>((resolve) => void this.clock.after(10, resolve));
      if (!this.rest || this.blackhole) throw new TypeError("Failed to fetch");
      this.requests.push(`${method} ${path}`);
      if (key !== undefined) this.keys.push(key);
      this.tokens.push(token);
      return this.answer(method, new URL(path, "http://server"), body as { before?: string } | undefined);
    },
  };

  private accept(link: OpenLink): void {
    if (!link.open || this.blackhole) return;
    if (!this.sockets) return link.handlers.refused({ message: "xhr poll error" });
    if (this.refusal !== null) return link.handlers.refused(this.refusal);
    this.links.add(link);
    link.handlers.connected(this.recovers);
    const missed = this.missed.splice(0);
    if (this.recovers) for (const { name, payload } of missed) this.deliver(link, name, payload);
    if (this.tellsCount) this.deliver(link, "unreadCount:updated", { count: this.unread, version: String(this.version) });
  }

  private deliver(link: OpenLink, name: string, payload: unknown): void {
    if (this.blackhole) return;
    this.clock.after(1, () => link.open && !this.blackhole && link.handlers.event(name, payload));
  }

  private end(link: OpenLink): void {
    link.open = false;
    this.links.delete(link);
    for (const answer of [...link.waiting]) answer(null);
  }

  private emitCount(): void {
    this.emit("unreadCount:updated", { count: this.unread, version: String(this.version) });
  }

  private isRead(row: Notification): boolean {
    return row.readAt !== null;
  }

  private perform(ask: Ask): unknown {
    this.asked.push(ask);
    const prepared = this.nextAcks.shift();
    if (prepared !== undefined) return prepared;
    if (ask.event === "AUTH") {
      this.tokens.push(String(ask.payload?.token));
      return { ok: true, userId: "user" };
    }
    if (ask.event === "notification:sync") return this.sync(String(ask.payload?.since), Number(ask.payload?.limit));
    if (ask.event === "notification:read-all") {
      const updated = this.readAll((ask.payload?.before as string | undefined) ?? null);
      return { ok: true, updated, unreadCount: this.unread, version: String(this.version) };
    }
    const notificationId = String(ask.payload?.notificationId);
    if (!this.read(notificationId)) return { ok: false, error: { code: "not_found", message: "No such notification." } };
    return { ok: true, notificationId, unreadCount: this.unread, version: String(this.version) };
  }

  private sync(since: string, limit: number): unknown {
    const from = BigInt(since);
    const state = { ok: true, version: String(this.version), unreadCount: this.unread };
    const changed = this.rows
      .filter((row) => BigInt(row.version) > from)
      .sort((a, b) => compareVersions(a.version, b.version));
    if (from > this.version || changed.length > 500) {
      return { ...state, reset: true, notifications: this.rows.slice(0, limit), hasMore: false };
    }
    const page = changed.slice(0, Math.min(limit, this.syncPage));
    return {
      ...state,
      reset: false,
      notifications: page.map((row) => ({ ...row })),
      hasMore: page.length < changed.length,
      ...(this.readAllAt > from ? { readAllBefore: String(this.readAllBefore) } : {}),
    };
  }

  private answer(method: string, url: URL, body: { before?: string } | undefined): HttpAnswer {
    if (this.refusal?.code) return problem(401, this.refusal.code);
    const version = String(this.version);
    const mark = /^\/notifications\/([^/]+)\/read$/.exec(url.pathname);
    if (url.pathname === "/notifications/unread-count") return { status: 200, body: { count: this.unread, version } };
    if (url.pathname === "/notifications/read-all") {
      const updated = this.readAll(body?.before ?? null);
      return { status: 200, body: { updated, unreadCount: this.unread, version: String(this.version) } };
    }
    if (mark) {
      const id = decodeURIComponent(mark[1] ?? "");
      if (!this.read(id)) return problem(404, "not_found");
      return { status: 200, body: { notificationId: id, readAt: "", unreadCount: this.unread, version: String(this.version) } };
    }
    if (method !== "GET" || url.pathname !== "/notifications") return problem(404, "not_found");
    const from = Number(url.searchParams.get("cursor") ?? 0);
    const limit = Number(url.searchParams.get("limit"));
    // The cursor is a place in the order of creation, so that rows that come later do not move it.
    const rows = from === 0 ? this.rows : this.rows.slice(this.rows.length - from);
    const data = rows.slice(0, limit).map((row) => ({ ...row }));
    const left = rows.length - data.length;
    return { status: 200, body: { data, nextCursor: left > 0 ? String(left) : null, unreadCount: this.unread, version } };
  }
}
