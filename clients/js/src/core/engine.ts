// Everything that one browser does for one user, in the tab that leads: the connection, what it brings, the user's marks,
// and REST where no socket gets through.
import { BellError } from "../types.js";
import { CatchUp } from "./catch_up.js";
import { Connection } from "./connection.js";
import type { Inbox } from "./inbox.js";
import { MarkQueue, type Outcome } from "./mark_queue.js";
import type { LinkStatus, Mark, MarkAnswer, Operation } from "./operations.js";
import type { Ports } from "./ports.js";
import { callRest, listPath, type RestAnswer } from "./rest.js";
import { Timers } from "./timers.js";
import type { TokenSource } from "./tokens.js";
import * as wire from "./wire.js";

export interface EngineHost {
  /** Applies it to the inbox, here and in the other tabs. */
  apply(operation: Operation): void;
  /** The mark has been answered. */
  settled(mark: Mark, error: BellError | null): void;
  /** `getToken` has returned another user's token. */
  userChanged(): void;
}

const pollMs = 30_000;
const pageMost = 100;
const marksOverSocket = 3;
const failuresBeforeFallback = 2;

export class Engine {
  private readonly connection: Connection;
  private readonly catchUp: CatchUp;
  private readonly marks: MarkQueue;
  private readonly timers: Timers<"poll">;
  private everLive: boolean;
  private fallback = false;
  private asking = false;
  private closed = false;
  private shown: LinkStatus = { connection: "idle", error: null };

  constructor(
    private readonly ports: Ports,
    private readonly tokens: TokenSource,
    user: string | null,
    private readonly inbox: Inbox,
    private readonly pageSize: number,
    private readonly host: EngineHost,
  ) {
    this.timers = new Timers(ports.clock);
    this.everLive = inbox.syncedVersion !== null;
    this.connection = new Connection(ports, tokens, user, {
      up: (recovered) => this.up(recovered),
      down: () => this.down(),
      event: (name, payload) => this.onEvent(name, payload),
      failed: (failures) => {
        if (failures >= failuresBeforeFallback) void this.tryRest();
      },
      stopped: () => this.stopped(),
      suspect: () => void this.catchUp.run(),
      changed: () => this.show(),
      userChanged: () => host.userChanged(),
    });
    this.catchUp = new CatchUp(ports, this.connection, inbox, pageSize, {
      apply: (operation) => this.apply(operation),
      rest: (path) => this.rest("GET", path),
      refused: (answer) => this.stopForRest(answer),
      busy: () => this.marks.size > 0,
    });
    this.marks = new MarkQueue(
      {
        capacity: () => (this.connection.live ? marksOverSocket : this.fallback ? 1 : 0),
        send: (mark) => (this.connection.live ? this.sendOverSocket(mark) : this.sendOverRest(mark)),
        ended: (mark, answer) => this.markEnded(mark, answer),
      },
      ports.clock,
      ports.random,
    );
  }

  /** Tries at once, also after a refusal that stopped it. */
  connect(): void {
    this.connection.connect();
  }

  close(): void {
    this.closed = true;
    this.connection.close();
    this.catchUp.close();
    this.marks.close();
    this.timers.clearAll();
  }

  mark(mark: Mark): void {
    this.apply({ op: "begin", mark });
    const reason = this.connection.stopReason;
    if (reason !== null) return this.markEnded(mark, new BellError(reason.code, reason.message));
    this.marks.add(mark);
  }

  /** Looks whether anything is missing. Resolves when nothing is. */
  async sync(): Promise<void> {
    const reason = this.connection.stopReason;
    if (reason !== null) throw new BellError(reason.code, reason.message);
    const done = await (this.connection.live ? this.catchUp.run() : this.refresh());
    if (!done) throw new BellError("network", "No answer.");
  }

  loadMore(): Promise<void> {
    return this.catchUp.loadMore();
  }

  private apply(operation: Operation): void {
    if (!this.closed) this.host.apply(operation);
  }

  private up(recovered: boolean): void {
    this.everLive = true;
    this.fallback = false;
    this.timers.clear("poll");
    this.show();
    if (recovered) this.catchUp.awaitCount();
    else void this.catchUp.run();
    this.marks.wake();
  }

  private down(): void {
    this.catchUp.interrupt();
    if (this.marks.size > 0) this.apply({ op: "uncertain" });
  }

  private stopped(): void {
    const { stopReason } = this.connection;
    this.fallback = false;
    this.timers.clearAll();
    this.show();
    if (this.inbox.listState === "loading") this.apply({ op: "list", state: "failed" });
    this.marks.refuseAll(new BellError(stopReason?.code ?? "closed", stopReason?.message ?? ""));
  }

  private show(): void {
    const { live, stopReason, refusal } = this.connection;
    const waiting = !this.ports.page.online ? "offline" : this.everLive ? "reconnecting" : "connecting";
    const connection = stopReason ? "stopped" : live ? "live" : this.fallback ? "fallback" : waiting;
    const error = stopReason ?? refusal;
    if (connection === this.shown.connection && error?.code === this.shown.error?.code) return;
    this.shown = { connection, error };
    this.apply({ op: "link", status: this.shown });
  }

  private onEvent(name: string, payload: unknown): void {
    if (name === "notification:new") {
      const event = wire.newEvent(payload);
      if (event !== null) this.apply({ op: "new", event });
    } else if (name === "notification:updated") {
      const event = wire.updatedEvent(payload);
      if (event !== null) this.apply({ op: "updated", event });
    } else if (name === "unreadCount:updated") {
      const event = wire.countEvent(payload);
      if (event !== null) {
        this.apply({ op: "count", count: event.count, version: event.version });
        this.catchUp.counted();
      }
    }
    this.catchUp.watch();
  }

  // --- Without a socket ----------------------------------------------------------------------------------------------

  /** While no socket gets through: asks over REST now, and again after a while for as long as that is answered. */
  private async tryRest(): Promise<void> {
    if (this.asking || this.timers.has("poll")) return;
    this.asking = true;
    const reached = await this.refresh();
    this.asking = false;
    // The socket may have come back while we asked.
    if (this.closed || this.connection.live || this.connection.stopReason !== null) return;
    if (!reached && this.inbox.listState === "loading") this.apply({ op: "list", state: "failed" });
    this.fallback = reached;
    this.show();
    if (!reached) return;
    this.marks.wake();
    this.timers.set("poll", pollMs * (0.8 + 0.4 * this.ports.random()), () => void this.tryRest());
  }

  /** True when REST answered: then count and list are those of the server. */
  private async refresh(): Promise<boolean> {
    const { inbox } = this;
    const gone = (): boolean => this.closed || this.connection.live;
    const answer = await this.rest("GET", "/notifications/unread-count");
    if (gone()) return false;
    if (answer?.refused) this.stopForRest(answer);
    const count = answer?.status === 200 ? wire.countEvent(answer.body) : null;
    if (count === null) return false;
    this.apply({ op: "count", count: count.count, version: count.version });
    if (inbox.syncedVersion !== null && !inbox.isBehind) return true;
    const list = await this.rest("GET", listPath(Math.min(pageMost, Math.max(this.pageSize, inbox.size))));
    const page = list?.status === 200 ? wire.pageAnswer(list.body) : null;
    if (gone() || page === null) return false;
    this.apply({ op: "first", page });
    return true;
  }

  private stopForRest(answer: NonNullable<RestAnswer>): void {
    const error = wire.refusalOf(answer.body);
    this.connection.stop({ code: error?.code ?? "forbidden", message: error?.message ?? "The server refuses the token." });
  }

  private rest(method: "GET" | "POST", path: string, body?: unknown, key?: string): Promise<RestAnswer> {
    return callRest(this.ports.http, this.tokens, method, path, body, key);
  }

  // --- Marks ---------------------------------------------------------------------------------------------------------

  private async sendOverSocket(mark: Mark): Promise<Outcome> {
    const { connection } = this;
    const { turn } = connection;
    const payload = mark.action === "read" ? { notificationId: mark.notificationId } : mark.before && { before: mark.before };
    const ack = await connection.ask(`notification:${mark.action}`, payload);
    if (!ack) {
      // No answer for so long: whoever is there does not hear us.
      if (turn === connection.turn && connection.live) connection.reconnect();
      return { kind: "lost" };
    }
    const answer = wire.isAccepted(ack) ? wire.markAnswer(ack) : null;
    if (answer !== null) return { kind: "done", answer };
    const error = wire.refusalOf(ack) ?? new BellError("internal", "The answer cannot be understood.");
    if (error.code === "unauthenticated") {
      connection.tokenRefused(error.message);
      return { kind: "lost" };
    }
    if (error.code === "rate_limited") return { kind: "busy", retryAfterMs: error.retryAfterMs ?? 1_000 };
    return { kind: error.code === "unavailable" || error.code === "internal" ? "failed" : "refused", error };
  }

  private async sendOverRest(mark: Mark): Promise<Outcome> {
    const path = mark.action === "read" ? `/notifications/${encodeURIComponent(mark.notificationId)}/read` : "/notifications/read-all";
    const body = mark.action === "read-all" && mark.before !== null ? { before: mark.before } : undefined;
    const answer = await this.rest("POST", path, body, mark.id);
    if (answer === null) {
      this.fallback = false;
      this.timers.clear("poll");
      this.show();
      return { kind: "lost" };
    }
    const { status, retryAfterMs } = answer;
    const done = status === 200 ? wire.markAnswer(answer.body) : null;
    if (done !== null) return { kind: "done", answer: done };
    if (status === 429) return { kind: "busy", retryAfterMs: retryAfterMs ?? 1_000 };
    const { code, message } = wire.refusalOf(answer.body) ?? new BellError("internal", `HTTP ${status}`);
    if (status < 500 && status !== 409) return { kind: "refused", error: new BellError(code, message) };
    return { kind: "failed", error: new BellError(status === 500 ? "internal" : "unavailable", message, retryAfterMs) };
  }

  private markEnded(mark: Mark, answer: MarkAnswer | BellError): void {
    const error = answer instanceof BellError ? answer : null;
    this.apply({
      op: "end",
      id: mark.id,
      answer: answer instanceof BellError ? null : answer,
      error: error && { code: error.code, message: error.message },
    });
    this.host.settled(mark, error);
    this.catchUp.watch();
  }
}
