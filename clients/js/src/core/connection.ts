// The socket of the browser: it finds the server, stays with it, keeps its token young, and knows when to give up, which
// is only when the server says that trying again is of no use.
import { backoffMs } from "./backoff.js";
import type { Link, PageEvent, Ports, Refusal } from "./ports.js";
import { Timers } from "./timers.js";
import { claimsOf, type TokenSource } from "./tokens.js";
import * as wire from "./wire.js";

export interface ConnectionHandlers {
  /** There is a connection, a new one each time. `recovered`: what was missed comes by itself. */
  up(recovered: boolean): void;
  /** It is gone. */
  down(): void;
  event(name: string, payload: unknown): void;
  /** One more attempt has failed. */
  failed(failures: number): void;
  /** The server, or the lack of a token, has ended it. */
  stopped(): void;
  /** It may be gone without our knowing: ask the server something. */
  suspect(): void;
  /** What `live` or `error` say, or whether the page is online, has changed. */
  changed(): void;
  /** `getToken` has returned another user's token. */
  userChanged(): void;
}

export interface StopReason {
  code: string;
  message: string;
}

/** Refusals of a connection that do not pass by themselves. */
const finalCodes = new Set(["token_invalid", "forbidden", "unauthorized"]);
const attemptMs = 25_000;
const ackMs = 10_000;
const probeMs = 5_000;
/** A connection that lasts this long was a good one: the next failure starts the backoff anew. */
const stableMs = 5_000;
const renewEveryMs = 20_000;

type Timer = "attempt" | "retry" | "stable" | "probe" | "renew" | "drain";

export class Connection {
  private readonly timers: Timers<Timer>;
  private readonly unlisten: () => void;
  private link: Link | null = null;
  private isLive = false;
  private reason: StopReason | null = null;
  private lastRefusal: StopReason | null = null;
  private closed = false;
  private failures = 0;
  /** Not to try before: the server asked for it. */
  private notBefore = 0;
  private renewedAt = -Infinity;
  private renewFailures = 0;
  private tokenInUse: string | null = null;
  private acceptedToken: string | null = null;
  /** Changes whenever the server says anything. */
  private heard = 0;
  private attempts = 0;

  constructor(
    private readonly ports: Ports,
    private readonly tokens: TokenSource,
    /** The `sub` that all of this belongs to. */
    private readonly user: string | null,
    private readonly handlers: ConnectionHandlers,
  ) {
    this.timers = new Timers(ports.clock);
    this.unlisten = ports.page.listen((event) => this.onPage(event));
  }

  get live(): boolean {
    return this.isLive;
  }
  /** Why the server refused the last attempt, although another one may do better; null when it did not. */
  get refusal(): StopReason | null {
    return this.lastRefusal;
  }
  /** Why it has stopped for good; null while it has not. */
  get stopReason(): StopReason | null {
    return this.reason;
  }
  /** Counts attempts: an answer that belongs to an older one is of no use. */
  get turn(): number {
    return this.attempts;
  }

  /** Tries at once, also after it has stopped. */
  connect(): void {
    if (this.closed || this.isLive) return;
    if (this.reason !== null) this.tokens.markStale();
    this.reason = null;
    this.reconnect();
  }

  /** Leaves a connection that is of no use for a new one. */
  reconnect(): void {
    this.failures = 0;
    void this.attempt();
  }

  close(): void {
    this.closed = true;
    this.drop();
    this.timers.clearAll();
    this.unlisten();
  }

  /** Ends it for a reason that does not pass. */
  stop(reason: StopReason): void {
    this.drop();
    this.timers.clearAll();
    this.reason = reason;
    this.handlers.changed();
    this.handlers.stopped();
  }

  /** The server will not have this token: another one, then again. */
  tokenRefused(message: string): void {
    this.tokens.markStale();
    this.failed({ message });
  }

  /** The ack of a command; null when there was none. */
  async ask(event: string, payload: unknown): Promise<unknown> {
    const { turn, link } = this;
    const ack = link === null || !this.isLive ? null : await link.emit(event, payload, ackMs);
    if (turn !== this.turn) return null;
    if (ack) this.heard += 1;
    return ack;
  }

  private async attempt(): Promise<void> {
    this.drop();
    this.timers.clear("retry");
    const turn = this.turn;
    this.handlers.changed();
    let token: string | null;
    try {
      token = await this.tokens.get();
    } catch {
      if (turn === this.turn) this.failed({ message: "getToken failed" });
      return;
    }
    if (turn !== this.turn) return;
    if (token === null) return this.stop({ code: "unauthorized", message: "Nobody is signed in." });
    if (claimsOf(token).user !== this.user) return this.handlers.userChanged();
    this.tokenInUse = token;
    this.timers.set("attempt", attemptMs, () => this.failed({ message: "no answer" }));
    const current = (): boolean => turn === this.turn;
    this.link = this.ports.socket.open(token, {
      connected: (recovered) => current() && this.connected(recovered),
      refused: (refusal) => current() && this.refused(refusal),
      closed: (reason) => current() && this.failed({ message: reason }),
      event: (name, payload) => current() && this.onEvent(name, payload),
    });
  }

  private drop(): void {
    this.attempts += 1;
    for (const timer of ["attempt", "stable", "probe", "drain", "renew"] as const) this.timers.clear(timer);
    this.link?.close();
    this.link = null;
    if (!this.isLive) return;
    this.isLive = false;
    this.handlers.down();
  }

  private connected(recovered: boolean): void {
    this.timers.clear("attempt");
    this.heard += 1;
    this.isLive = true;
    this.lastRefusal = null;
    this.acceptedToken = this.tokenInUse;
    this.timers.set("stable", stableMs, () => (this.failures = 0));
    this.handlers.changed();
    this.handlers.up(recovered);
  }

  private refused(refusal: Refusal): void {
    const { code, message } = refusal;
    if (code === "token_expired") {
      this.tokens.markStale();
    } else if (code !== undefined && finalCodes.has(code)) {
      // A token that was good before may have been replaced, as when keys change: the next one decides.
      if (this.acceptedToken === null || this.acceptedToken !== this.tokenInUse) return this.stop({ code, message });
      this.acceptedToken = null;
      this.tokens.markStale();
    }
    this.failed(refusal, code === "token_expired" && this.failures === 0);
  }

  /** The attempt or the connection is over; the next one follows after a while. */
  private failed(refusal: Refusal, atOnce = false): void {
    this.drop();
    this.failures += 1;
    const { clock, random } = this.ports;
    const { code, message } = refusal;
    this.lastRefusal = code === undefined ? null : { code, message };
    if (refusal.retryAfterMs) this.notBefore = clock.now() + refusal.retryAfterMs * (1 + 0.2 * random());
    const delay = atOnce ? 0 : backoffMs(this.failures, random);
    this.timers.set("retry", Math.max(delay, this.notBefore - clock.now()), () => void this.attempt());
    this.handlers.changed();
    this.handlers.failed(this.failures);
  }

  private onPage(event: PageEvent): void {
    if (this.closed || this.reason !== null) return;
    if (event === "offline" || event === "online" || event === "wake") {
      this.handlers.changed();
      if (event === "wake" && this.isLive && this.tokens.isStale) void this.renew();
      if (this.isLive) this.probe();
      else if (event !== "offline") this.hurry();
    } else if (event === "visible" && this.timers.has("retry")) {
      this.hurry();
    }
  }

  /** Does not wait for the backoff, only for what the server asked for. */
  private hurry(): void {
    const wait = this.notBefore - this.ports.clock.now();
    if (wait <= 0) return this.reconnect();
    this.timers.set("retry", wait, () => void this.attempt());
  }

  /** Whoever says nothing at all within a few seconds is not there any more. */
  private probe(): void {
    const { heard } = this;
    this.timers.set("probe", probeMs, () => {
      if (heard !== this.heard) return;
      this.tokens.abandon();
      this.reconnect();
    });
    this.handlers.suspect();
  }

  private onEvent(name: string, payload: unknown): void {
    this.heard += 1;
    if (name === "auth:expiring") {
      this.renewSoon(payload);
    } else if (name === "server:draining") {
      const wait = wire.retryAfterOf(payload);
      this.notBefore = this.ports.clock.now() + wait;
      this.timers.set("drain", wait * (1 + 0.2 * this.ports.random()), () => this.reconnect());
    } else {
      this.handlers.event(name, payload);
    }
  }

  /** A token that is short-lived by design is told to expire as soon as it is given: no haste then. */
  private renewSoon(payload: unknown): void {
    const now = this.ports.clock.now();
    const sinceLast = now - this.renewedAt;
    if (sinceLast >= renewEveryMs) return void this.renew();
    const left = Date.parse(String((payload as { expiresAt?: unknown } | null)?.expiresAt)) - now;
    const wait = Math.min(renewEveryMs - sinceLast, Number.isFinite(left) ? left / 2 : renewEveryMs);
    this.timers.set("renew", Math.max(1_000, wait), () => void this.renew());
  }

  private async renew(): Promise<void> {
    const { turn } = this;
    const again = (ms: number): void => {
      if (turn === this.turn) this.timers.set("renew", ms, () => void this.renew());
    };
    const later = (): void => again(Math.max(1_000, backoffMs((this.renewFailures += 1), this.ports.random)));
    this.renewedAt = this.ports.clock.now();
    this.tokens.markStale();
    let token: string | null;
    try {
      token = await this.tokens.get();
    } catch {
      return later();
    }
    // Nobody is signed in any more: the server ends it when the old token does.
    if (token === null || turn !== this.turn) return;
    if (claimsOf(token).user !== this.user) return this.handlers.userChanged();
    if (token === this.tokenInUse) return again(renewEveryMs);
    const ack = await this.ask("AUTH", { token });
    if (wire.isAccepted(ack)) {
      this.renewFailures = 0;
      this.tokenInUse = token;
      this.acceptedToken = token;
      return;
    }
    const wait = wire.refusalOf(ack)?.retryAfterMs;
    if (wait !== undefined) again(wait);
    else later();
  }
}
