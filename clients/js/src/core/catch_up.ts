// Keeps the inbox complete: the first page, what was missed after each connect, and what is found missing later.
import { BellError } from "../types.js";
import { backoffMs } from "./backoff.js";
import type { Connection } from "./connection.js";
import type { Inbox } from "./inbox.js";
import type { Operation } from "./operations.js";
import type { Ports } from "./ports.js";
import { listPath, type RestAnswer } from "./rest.js";
import { Timers } from "./timers.js";
import * as wire from "./wire.js";

/** How long a gap may take to close by itself. */
const gapMs = 300;
const gapLongestMs = 30_000;
const quietMs = 1_500;
/** How long the count may take that follows what a server has recovered. */
const recoveredMs = 1_000;
const syncLimit = 200;
/** The server sends at most 500 changes before it sends a snapshot instead; this only bounds the loop. */
const syncPagesMost = 50;
const pageMost = 100;

/** `lost`: no connection, or no answer. `later`: refused for now. */
type Result = "done" | "lost" | "later";

export interface CatchUpHost {
  apply(operation: Operation): void;
  rest(path: string): Promise<RestAnswer>;
  /** REST refuses the token for good. */
  refused(answer: NonNullable<RestAnswer>): void;
  /** True while the rows and the count may well disagree. */
  busy(): boolean;
}

export class CatchUp {
  private readonly timers: Timers<"again" | "behind" | "quiet" | "recovered">;
  private working: Promise<Result> | null = null;
  private failures = 0;
  private behindTries = 0;
  private healedAt = "";
  private closed = false;

  constructor(
    private readonly ports: Ports,
    private readonly connection: Connection,
    private readonly inbox: Inbox,
    private readonly pageSize: number,
    private readonly host: CatchUpHost,
  ) {
    this.timers = new Timers(ports.clock);
  }

  close(): void {
    this.closed = true;
    this.timers.clearAll();
  }

  /** The connection is gone, and what was asked over it. */
  interrupt(): void {
    this.working = null;
    this.timers.clearAll();
  }

  /** Over the connection there is. One at a time; true when nothing is missing any more. */
  async run(): Promise<boolean> {
    this.working ??= this.runNow();
    return (await this.working) === "done";
  }

  /** The server sends what was missed by itself, then its count: that says whether all of it is here. */
  awaitCount(): void {
    if (this.inbox.syncedVersion === null || this.inbox.listState !== "ready") return void this.run();
    this.timers.set("recovered", recoveredMs, () => void this.run());
  }

  /** The server has told its count. */
  counted(): void {
    if (!this.timers.has("recovered")) return;
    this.timers.clear("recovered");
    if (this.inbox.isBehind) void this.run();
  }

  private async runNow(): Promise<Result> {
    const { turn } = this.connection;
    // Started in a microtask of its own, so that `working` is set before it can end.
    await Promise.resolve();
    const result = await (this.inbox.syncedVersion === null ? this.loadFirst() : this.syncAll());
    if (turn !== this.connection.turn || this.closed) return "lost";
    this.working = null;
    if (result === "done") {
      this.failures = 0;
      this.watch();
    } else if (result === "lost") {
      this.connection.reconnect();
    } else {
      this.failures += 1;
      const delay = Math.max(gapMs, backoffMs(this.failures, this.ports.random));
      this.timers.set("again", delay, () => void this.run());
    }
    return result;
  }

  /** After each change: sets the timers that find what is missing, or wrong, once things are quiet. */
  watch(): void {
    if (!this.connection.live) return;
    if (this.inbox.syncedVersion === null) {
      // Nothing is known, or not any more.
      if (this.working === null && !this.timers.has("again")) void this.run();
    } else if (!this.inbox.isBehind) {
      this.behindTries = 0;
      this.timers.clear("behind");
    } else if (this.working === null && !this.timers.has("behind")) {
      this.timers.set("behind", Math.min(gapMs * 2 ** this.behindTries, gapLongestMs), () => {
        if (this.inbox.isBehind) void this.run();
      });
      this.behindTries = Math.min(this.behindTries + 1, 10);
    }
    this.timers.set("quiet", quietMs, () => this.heal());
  }

  /** The list anew, over REST: as long as it was, up to a page of the greatest size. */
  async loadFirst(): Promise<Result> {
    const { turn } = this.connection;
    const answer = await this.host.rest(listPath(Math.min(pageMost, Math.max(this.pageSize, this.inbox.size))));
    if (this.closed || turn !== this.connection.turn) return "later";
    if (answer?.refused) this.host.refused(answer);
    const page = answer?.status === 200 ? wire.pageAnswer(answer.body) : null;
    if (page === null) {
      if (this.inbox.listState === "loading") this.host.apply({ op: "list", state: "failed" });
      return "later";
    }
    this.host.apply({ op: "first", page });
    return "done";
  }

  /** Adds older notifications to the list, if there are any. */
  async loadMore(): Promise<void> {
    const { inbox } = this;
    if (!inbox.hasMore || inbox.loadingMore || inbox.syncedVersion === null) return;
    this.host.apply({ op: "more", loading: true });
    try {
      await this.loadOlder();
    } finally {
      if (!this.closed) this.host.apply({ op: "more", loading: false });
    }
  }

  private async loadOlder(): Promise<void> {
    const { inbox } = this;
    let cursor = inbox.nextCursor;
    // Without a cursor the known pages are gone through again, until one brings something new.
    const limit = cursor === undefined ? pageMost : this.pageSize;
    for (let pages = 0; pages < 20 && cursor !== null; pages += 1) {
      const answer = await this.host.rest(listPath(limit, cursor));
      if (this.closed) return;
      const page = answer?.status === 200 ? wire.pageAnswer(answer.body) : null;
      if (page === null) throw (answer && wire.refusalOf(answer.body)) ?? new BellError("network", "No answer.");
      // A list that has started anew meanwhile does not go on from here.
      if (pages === 0 && inbox.nextCursor !== cursor) return;
      const known = inbox.size;
      this.host.apply({ op: "page", page });
      if (inbox.size > known) return;
      cursor = page.nextCursor;
    }
  }

  private async syncAll(): Promise<Result> {
    let since = this.inbox.syncedVersion ?? "0";
    for (let pages = 0; pages < syncPagesMost; pages += 1) {
      const { turn } = this.connection;
      const ack = await this.connection.ask("notification:sync", { since, limit: syncLimit });
      if (!ack) return "lost";
      const answer = wire.isAccepted(ack) ? wire.syncAnswer(ack) : null;
      if (answer === null) {
        const wait = wire.refusalOf(ack)?.retryAfterMs;
        if (wait === undefined) return "later";
        await new Promise<void>((resolve) => void this.ports.clock.after(wait, resolve));
        if (turn !== this.connection.turn) return "lost";
        continue;
      }
      this.host.apply({ op: "sync", answer });
      if (answer.reset || !answer.hasMore) return "done";
      since = answer.notifications.at(-1)?.version ?? answer.version;
    }
    return "later";
  }

  /** A list that contradicts its count is fetched again, once for each such picture. */
  private heal(): void {
    const { inbox } = this;
    if (!this.connection.live || this.host.busy() || this.working !== null || !inbox.contradictsCount) return;
    const picture = `${inbox.newestCountVersion}/${inbox.size}`;
    if (picture === this.healedAt) return;
    this.healedAt = picture;
    void this.loadFirst();
  }
}
