// The socket: a stock socket.io-client, its state as the page shows it, and commands with their answers.
import { io, type Socket } from "socket.io-client";
import { record } from "./event_log.ts";
import { signal } from "./signal.ts";
import type { Ack, ConnectionState, CountEvent, NewEvent, UpdatedEvent } from "./types.ts";

const kAckTimeoutMs = 10_000;
const kRetryFirstMs = 2_000;
const kRetryMostMs = 30_000;
const kSignInCodes = new Set(["unauthorized", "token_expired", "token_invalid"]);

export interface LiveHandlers {
  token(): string;
  /** After each connect, recovered or not. */
  connected(): void;
  /** The server will not have this token. */
  rejected(code: string): void;
  arrived(event: NewEvent): void;
  updated(event: UpdatedEvent): void;
  counted(event: CountEvent): void;
  expiring(expiresAt: string): void;
}

export interface Refusal {
  code: string;
  message: string;
}

export class Live {
  readonly state = signal<ConnectionState>("connecting");
  /** Why the state is "error". */
  readonly refusal = signal<Refusal | null>(null);

  private readonly socket: Socket;
  private wasLive = false;
  private retryTimer = 0;
  private retryMs = kRetryFirstMs;
  private readonly followNetwork = (): void => this.showState();

  constructor(private readonly handlers: LiveHandlers) {
    // forceNew: the next user must not inherit this one's connection.
    this.socket = io({ auth: (send) => send({ token: handlers.token() }), autoConnect: false, forceNew: true });
    this.follow();
    window.addEventListener("offline", this.followNetwork);
    window.addEventListener("online", this.followNetwork);
    this.socket.connect();
  }

  close(): void {
    window.clearTimeout(this.retryTimer);
    window.removeEventListener("offline", this.followNetwork);
    window.removeEventListener("online", this.followNetwork);
    this.socket.off();
    this.socket.offAny();
    this.socket.disconnect();
  }

  get connected(): boolean {
    return this.socket.connected;
  }

  /** Sends a command. A rate-limited one is sent once more when the server says so; anything else is for the caller. */
  async command(event: string, payload?: unknown): Promise<Ack> {
    const first = await this.emit(event, payload);
    const wait = first.error?.code === "rate_limited" ? (first.error.retryAfterMs ?? 0) : 0;
    if (wait <= 0 || wait > kAckTimeoutMs) return first;
    await new Promise((done) => window.setTimeout(done, wait));
    return this.emit(event, payload);
  }

  /** Gives the live socket a newer token of the same user. */
  renew(token: string): void {
    if (!this.socket.connected) return;
    record("out", "AUTH", { token: "…" });
    this.socket.timeout(kAckTimeoutMs).emit("AUTH", { token }, (_error: Error | null, ack?: Ack) => {
      if (ack) record("in", "ack AUTH", ack);
    });
  }

  private async emit(event: string, payload?: unknown): Promise<Ack> {
    record("out", event, payload);
    try {
      const socket = this.socket.timeout(kAckTimeoutMs);
      const ack: Ack = await (payload === undefined ? socket.emitWithAck(event) : socket.emitWithAck(event, payload));
      record("in", `ack ${event}`, ack);
      return ack;
    } catch {
      record("system", "no answer", event);
      return { ok: false, error: { code: "timeout", message: "no answer" } };
    }
  }

  private follow(): void {
    const { socket, handlers } = this;
    socket.on("connect", () => {
      this.wasLive = true;
      this.retryMs = kRetryFirstMs;
      this.refusal.set(null);
      record("system", "connect", { id: socket.id, recovered: socket.recovered });
      this.showState();
      handlers.connected();
    });
    socket.on("disconnect", (reason) => {
      record("system", "disconnect", { reason });
      this.showState();
      if (reason === "io server disconnect") this.connectLater(kRetryFirstMs);
    });
    socket.on("connect_error", (error) => this.onConnectError(error));
    // An offset for recovery may follow the payload; the first argument is all that counts.
    socket.onAny((name: string, payload: unknown) => record("in", name, payload));
    socket.on("notification:new", (event: NewEvent) => isVersioned(event) && handlers.arrived(event));
    socket.on("notification:updated", (event: UpdatedEvent) => isVersioned(event) && handlers.updated(event));
    socket.on("unreadCount:updated", (event: CountEvent) => isVersioned(event) && handlers.counted(event));
    socket.on("auth:expiring", (event: { expiresAt: string }) => handlers.expiring(event.expiresAt));
    socket.on("server:draining", (event: { retryAfterMs?: number }) => {
      // Each client gets its own delay, so that they do not all leave at once.
      this.later(event.retryAfterMs ?? 0, () => socket.disconnect().connect());
    });
  }

  private onConnectError(error: Error & { data?: { code?: string } }): void {
    const code = error.data?.code;
    record("system", "connect_error", code === undefined ? error.message : { code, message: error.message });
    if (code !== undefined && kSignInCodes.has(code)) {
      this.handlers.rejected(code);
      return;
    }
    // After a refusal the stock client does not retry, after a failed transport it does.
    if (!this.socket.active) {
      this.refusal.set({ code: code ?? "", message: error.message });
      this.connectLater(this.retryMs);
      this.retryMs = Math.min(this.retryMs * 2, kRetryMostMs);
    }
    this.showState();
  }

  private connectLater(delayMs: number): void {
    this.later(delayMs, () => this.socket.connect());
  }

  private later(delayMs: number, action: () => void): void {
    window.clearTimeout(this.retryTimer);
    this.retryTimer = window.setTimeout(action, delayMs);
  }

  private showState(): void {
    if (this.socket.connected) this.state.set("live");
    else if (!navigator.onLine) this.state.set("offline");
    else if (this.refusal.peek() !== null) this.state.set("error");
    else this.state.set(this.wasLive ? "reconnecting" : "connecting");
  }
}

/** Events without a whole version break the contract; they are shown in the log and otherwise ignored. */
function isVersioned(event: { version?: unknown } | null | undefined): boolean {
  return typeof event?.version === "string" && /^\d+$/.test(event.version);
}
