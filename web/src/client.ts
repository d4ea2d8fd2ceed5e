// One signed-in user's bell, made with the SDK as any app would make it: its state as signals, its events in the log.
import { api, type Draft } from "./api.ts";
import { carillon, type Bell, type BellState } from "./carillon.ts";
import { clearLog, record } from "./event_log.ts";
import { session, signOut, takeJustRegistered } from "./session.ts";
import { effect, onCleanup, signal, type Signal } from "./signal.ts";

/** One timer may not be longer than 2^31 ms. */
const kLongestTimerMs = 2_000_000_000;
const kExpiryHintMs = 120_000;
/** Of a bell that has stopped: nobody is signed in any more. */
const kSignedOutCodes = new Set(["unauthorized", "token_expired", "token_invalid"]);

export class Client {
  readonly bell: Bell;
  readonly state: Signal<BellState>;
  /** Set when the session is about to end. */
  readonly expiring = signal(false);
  /** Turn true with the first notification sent from here, and with the first mark that came from any tab. */
  readonly sawSend = signal(false);
  readonly sawRead = signal(false);

  private unread = new Set<string>();

  /** Made inside an effect, and ends with it. */
  constructor(readonly userId: string) {
    clearLog();
    this.bell = carillon().createBell({
      url: "/",
      getToken: () => this.token(),
      // Whoever has just registered hears the welcome, also when it was quicker than the page.
      ...(takeJustRegistered() ? { newSince: new Date(0) } : {}),
    });
    this.state = signal(this.bell.state);
    this.follow();
    this.logCalls();
    this.followSession();
    onCleanup(() => this.bell.close());
  }

  async send(draft: Draft): Promise<void> {
    await api.send(this.userId, draft);
    this.sawSend.set(true);
  }

  private token(): string | null {
    const current = session.peek();
    return current?.userId === this.userId && current.expiresAt > Date.now() ? current.token : null;
  }

  private follow(): void {
    const { bell } = this;
    const cancels = [
      bell.on("state", (state) => {
        this.state.set(state);
        this.noticeRead(state);
        const code = state.connection === "stopped" ? (state.error?.code ?? "") : "";
        if (kSignedOutCodes.has(code)) signOut(code === "token_invalid" ? "invalid" : "expired");
      }),
      bell.on("connection", (connection) => record("system", "connection", connection)),
      bell.on("new", ({ notification, live }) => record("in", "new", { live, notification })),
      bell.on("count", (count) => record("in", "count", count)),
      bell.on("refused", ({ error, ...which }) => record("in", "refused", { ...which, error: { code: error.code, message: error.message } })),
    ];
    onCleanup(() => {
      for (const cancel of cancels) cancel();
    });
  }

  /** Also those calls that the elements make. */
  private logCalls(): void {
    const { bell } = this;
    const read = bell.read.bind(bell);
    const readAll = bell.readAll.bind(bell);
    bell.read = (notificationId) => {
      record("out", "read", notificationId);
      return read(notificationId);
    };
    bell.readAll = () => {
      record("out", "readAll");
      return readAll();
    };
  }

  private noticeRead({ notifications }: BellState): void {
    if (notifications.some(({ notificationId, read }) => read && this.unread.has(notificationId))) this.sawRead.set(true);
    this.unread = new Set(notifications.flatMap(({ notificationId, read }) => (read ? [] : [notificationId])));
  }

  /** Warns before the session ends, and signs out when it has. A newer one of the same user goes on. */
  private followSession(): void {
    effect(() => {
      const current = session.get();
      if (current === null || current.userId !== this.userId) return;
      this.expiring.set(false);
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
