// One signed-in user's client: the inbox, the socket and the commands, as signals for the views.
import { api, Problem, type Draft } from "./api.ts";
import { clearLog } from "./event_log.ts";
import { InboxState, type InboxItem } from "./inbox_state.ts";
import { Live } from "./live.ts";
import { Paced } from "./paced.ts";
import { session, signOut, takeJustRegistered } from "./session.ts";
import { effect, onCleanup, signal } from "./signal.ts";
import type { Ack, NewEvent, Notification } from "./types.ts";

export interface InboxPicture {
  items: readonly InboxItem[];
  unreadCount: number;
  hasMore: boolean;
}

export type LoadState = "loading" | "ready" | "failed";
/** What the toasts show: an arrival, or a mark that was refused. */
export type Bulletin =
  | { kind: "arrival"; notification: Pick<Notification, "notificationId" | "title" | "body"> }
  | { kind: "readFailed" }
  | { kind: "readAllFailed" };

const kSettleMs = 1_500;
const kMissedShown = 3;
const kPaceMs = 100;
/** One timer may not be longer than 2^31 ms. */
const kLongestTimerMs = 2_000_000_000;
const kExpiryHintMs = 120_000;

export class Client {
  readonly live: Live;
  readonly inbox = signal<InboxPicture>({ items: [], unreadCount: 0, hasMore: false });
  readonly load = signal<LoadState>("loading");
  readonly loadingMore = signal(false);
  /** Set when the session is about to end. */
  readonly expiring = signal(false);
  readonly inboxOpen = signal(false);
  /** Turn true with the first notification sent from here, and with the first mark that came from any tab. */
  readonly sawSend = signal(false);
  readonly sawRead = signal(false);

  private readonly state = new InboxState();
  private readonly listeners = new Set<(bulletin: Bulletin) => void>();
  /** What is newer rings even if it came while the socket was not there; null: nothing does yet. */
  private ringsAfter: bigint | null = takeJustRegistered() ? 0n : null;
  private reloads = 0;
  private settleTimer = 0;
  private healed = "";
  private readonly picture = new Paced(kPaceMs, () =>
    this.inbox.set({
      items: this.state.items(),
      unreadCount: this.state.unreadCount,
      hasMore: this.state.nextCursor !== null,
    }),
  );
  private closed = false;

  /** Made inside an effect, and ends with it. */
  constructor(readonly userId: string) {
    clearLog();
    this.live = new Live({
      token: () => session.peek()?.token ?? "",
      connected: () => {
        this.ringsAfter = this.state.seenVersion ?? this.ringsAfter;
        void this.reload();
      },
      rejected: (code) => signOut(code === "token_expired" ? "expired" : "invalid"),
      arrived: (event) => this.onArrival(event),
      updated: (event) => {
        this.sawRead.set(true);
        this.change(() => this.state.applyUpdated(event));
      },
      counted: (event) => this.change(() => this.state.takeCount(event.count, event.version)),
      expiring: () => this.expiring.set(true),
    });
    void this.reload();
    this.followToken();
    onCleanup(() => {
      this.closed = true;
      window.clearTimeout(this.settleTimer);
      this.picture.cancel();
      this.live.close();
    });
  }

  onBulletin(listener: (bulletin: Bulletin) => void): void {
    this.listeners.add(listener);
    onCleanup(() => this.listeners.delete(listener));
  }

  /** Fetches the first page again; of several at once only the last counts. */
  async reload(): Promise<void> {
    const turn = ++this.reloads;
    if (this.inbox.peek().items.length === 0) this.load.set("loading");
    try {
      const page = await api.list(null);
      if (this.closed || turn !== this.reloads) return;
      const missed = this.state.missedIn(page, this.ringsAfter);
      this.change(() => this.state.applyFirstPage(page));
      this.picture.now();
      this.load.set("ready");
      for (const notification of missed.slice(-kMissedShown)) this.announce({ kind: "arrival", notification });
    } catch {
      if (!this.closed && turn === this.reloads) this.load.set("failed");
    }
  }

  async loadMore(): Promise<void> {
    const cursor = this.state.nextCursor;
    if (cursor === null || this.loadingMore.peek()) return;
    const turn = this.reloads;
    this.loadingMore.set(true);
    try {
      const page = await api.list(cursor);
      // After a reload the list starts anew, and this page may no longer follow on.
      if (this.closed || turn !== this.reloads) return;
      this.change(() => this.state.applyPage(page));
      this.picture.now();
    } catch {
      if (!this.closed) this.load.set("failed");
    } finally {
      this.loadingMore.set(false);
    }
  }

  async markRead(id: string): Promise<void> {
    if (!this.state.isUnread(id)) return;
    this.change(() => this.state.beginRead(id));
    this.picture.now();
    const ack = await this.perform("notification:read", { notificationId: id }, () => api.markRead(id));
    this.change(() => {
      this.takeAckCount(ack);
      this.state.endRead(id, ack.ok);
    });
    if (!ack.ok) this.announce({ kind: "readFailed" });
  }

  async markAllRead(): Promise<void> {
    this.change(() => this.state.beginReadAll());
    this.picture.now();
    const ack = await this.perform("notification:read-all", undefined, api.markAllRead);
    this.change(() => {
      this.takeAckCount(ack);
      this.state.endReadAll(ack.ok ? (ack.version ?? null) : null);
    });
    if (!ack.ok) this.announce({ kind: "readAllFailed" });
  }

  async send(draft: Draft): Promise<void> {
    await api.send(this.userId, draft);
    this.sawSend.set(true);
  }

  /** Over the socket when there is one, else over REST: the answer is the same. */
  private async perform(
    event: string,
    payload: unknown,
    rest: () => Promise<{ unreadCount: number; version: string }>,
  ): Promise<Ack> {
    if (this.live.connected) return this.live.command(event, payload);
    try {
      return { ok: true, ...(await rest()) };
    } catch (error) {
      const code = error instanceof Problem ? error.code : "internal";
      return { ok: false, error: { code, message: "refused" } };
    }
  }

  private takeAckCount(ack: Ack): void {
    if (ack.ok && ack.unreadCount !== undefined && ack.version !== undefined) {
      this.state.takeCount(ack.unreadCount, ack.version);
    }
  }

  private onArrival(event: NewEvent): void {
    let fresh = false;
    this.change(() => {
      fresh = this.state.applyNew(event);
    });
    if (!fresh) return;
    this.announce({ kind: "arrival", notification: event });
  }

  private announce(bulletin: Bulletin): void {
    if (this.closed) return;
    for (const listener of this.listeners) listener(bulletin);
  }

  private change(action: () => void): void {
    if (this.closed) return;
    action();
    this.picture.request();
    window.clearTimeout(this.settleTimer);
    this.settleTimer = window.setTimeout(() => this.heal(), kSettleMs);
  }

  /** Rows and count that still disagree when all is quiet are fetched again, once for each such picture. */
  private heal(): void {
    if (this.load.peek() !== "ready" || !this.state.contradictsCount) return;
    const seen = this.state.fingerprint;
    if (seen === this.healed) return;
    this.healed = seen;
    void this.reload();
  }

  /** Warns before the token ends, signs out when it has, and hands a newer one to the socket. */
  private followToken(): void {
    let known = session.peek()?.token;
    effect(() => {
      const current = session.get();
      if (current === null || current.userId !== this.userId) return;
      if (current.token !== known) {
        known = current.token;
        this.expiring.set(false);
        this.live.renew(current.token);
      }
      const left = current.expiresAt - Date.now();
      if (left > kLongestTimerMs) return;
      const hint = window.setTimeout(() => this.expiring.set(true), Math.max(0, left - kExpiryHintMs));
      const end = window.setTimeout(() => signOut("expired"), Math.max(0, left));
      onCleanup(() => {
        window.clearTimeout(hint);
        window.clearTimeout(end);
      });
    });
  }
}
