// One signed-in user's bell, made with the SDK as any app would make it: its state as signals, its events in the log.
import { api, renew, type Draft } from "./api.ts";
import { carillon, type Bell, type BellState } from "./carillon.ts";
import { clearLog, record } from "./event_log.ts";
import { session, signOut, takeJustRegistered, type Session } from "./session.ts";
import { effect, onCleanup, signal, type Signal } from "./signal.ts";

/** One timer may not be longer than 2^31 ms. */
const kLongestTimerMs = 2_000_000_000;
const kRenewAheadMs = 120_000;
const kRenewAgainMs = 5_000;
/** Of a bell that has stopped: nobody is signed in any more. */
const kSignedOutCodes = new Set(["unauthorized", "token_expired", "token_invalid"]);

export class Client {
  readonly bell: Bell;
  readonly state: Signal<BellState>;
  /** Set when the session is about to end, and no other token is to be had. */
  readonly expiring = signal(false);
  /** Turn true with the first notification sent from here, and with the first mark that came from any tab. */
  readonly sawSend = signal(false);
  readonly sawRead = signal(false);

  /** The token that the bell was given last. */
  private handed: string | null = null;
  private unread = new Set<string>();

  /** Made inside an effect, and ends with it. */
  constructor(readonly userId: string) {
    clearLog();
    this.bell = carillon().createBell({
      url: "/",
      getToken: ({ fresh }) => this.token(fresh),
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

  /** `fresh`: the one before is about to end, or was refused. */
  private async token(fresh: boolean): Promise<string | null> {
    const given = this.current();
    const useless = given !== null && (given.expiresAt <= Date.now() || (fresh && given.token === this.handed));
    if (useless) await renew(given);
    const current = this.current();
    this.handed = current !== null && current.expiresAt > Date.now() ? current.token : null;
    return this.handed;
  }

  private current(): Session | null {
    const current = session.peek();
    return current?.userId === this.userId ? current : null;
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

  /** Renews the session before it ends; where that is refused it warns, and signs out when it has ended. */
  private followSession(): void {
    effect(() => {
      const current = session.get();
      if (current === null || current.userId !== this.userId) return;
      this.expiring.set(false);
      const left = current.expiresAt - Date.now();
      if (left > kLongestTimerMs) return;
      const timers = new Set<number>();
      const later = (delay: number, call: () => void): void => void timers.add(window.setTimeout(call, Math.max(0, delay)));
      let over = false;
      const renewOr = async (refused: () => void): Promise<void> => {
        try {
          if (!(await renew(current)) && !over) refused();
        } catch {
          if (!over) later(kRenewAgainMs, () => void renewOr(refused));
        }
      };
      // Tokens that live for less than that are renewed at half their time.
      later(left - Math.min(kRenewAheadMs, left / 2), () => void renewOr(() => this.expiring.set(true)));
      later(left, () => void renewOr(() => signOut("expired")));
      onCleanup(() => {
        over = true;
        for (const timer of timers) window.clearTimeout(timer);
      });
    });
  }
}
