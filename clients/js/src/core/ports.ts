// What the core needs of its surroundings. The browser's are in ../browser, the tests bring their own.

/** Cancels; doing so twice, or too late, is harmless. */
export type Cancel = () => void;

export interface Clock {
  /** Wall clock, milliseconds since 1970. It may jump. */
  now(): number;
  after(ms: number, action: () => void): Cancel;
}

/** 0 included, 1 excluded. */
export type Random = () => number;

export interface Refusal {
  /** Of CONNECT_ERROR; undefined when the connection failed before there was one. */
  code?: string;
  message: string;
  retryAfterMs?: number;
}

/** Of one attempt: first `connected` or `refused`, then events, then at most one `closed`. */
export interface LinkHandlers {
  /** `recovered`: the server goes on where the last connection ended, and sends what was missed by itself. */
  connected(recovered: boolean): void;
  refused(refusal: Refusal): void;
  closed(reason: string): void;
  event(name: string, payload: unknown): void;
}

export interface Link {
  /** The ack, or null when none came in time or the link has gone. Never rejects. */
  emit(event: string, payload: unknown, timeoutMs: number): Promise<unknown>;
  /** Ends it at once; no handler is called any more. */
  close(): void;
}

export interface SocketPort {
  /** One attempt. There is at most one link at a time. */
  open(token: string, handlers: LinkHandlers): Link;
}

export interface HttpAnswer {
  status: number;
  body: unknown;
  retryAfterMs?: number;
}

export interface HttpPort {
  /** Rejects when no answer comes (within its own deadline). `key` is the Idempotency-Key of a POST. */
  request(method: "GET" | "POST", path: string, token: string, body?: unknown, key?: string): Promise<HttpAnswer>;
}

export type PageEvent = "visible" | "hidden" | "online" | "offline" | "wake" | "freeze" | "resume";

/** The page that the client runs in. */
export interface PagePort {
  readonly visible: boolean;
  readonly online: boolean;
  /** `wake`: the machine has slept. `freeze`: the page stops running now, until `resume`. */
  listen(listener: (event: PageEvent) => void): Cancel;
}

/** One holder per name among all pages of the origin. */
export interface LocksPort {
  /**
   * Waits for the lock, or takes it from its holder at once. `held` is called once it is ours and `lost` if it is taken
   * away. The result stops the waiting, or lets go.
   */
  acquire(name: string, steal: boolean, held: () => void, lost: () => void): Cancel;
}

/** To all other pages of the origin, in order. Messages are structured clones. */
export interface ChannelPort {
  open(name: string, receive: (message: unknown) => void): { send(message: unknown): void; close(): void };
}

/** Shared by the pages of the origin. Never throws: what cannot be kept is not kept. */
export interface StoragePort {
  get(key: string): string | null;
  /** False when it could not be kept. */
  set(key: string, value: string): boolean;
  remove(key: string): void;
  keys(prefix: string): string[];
}

export interface Ports {
  clock: Clock;
  random: Random;
  /** Unguessable, unique. */
  id(): string;
  socket: SocketPort;
  http: HttpPort;
  page: PagePort;
  /** Null where the browser has none: then each tab stands alone. */
  locks: LocksPort | null;
  channel: ChannelPort | null;
  storage: StoragePort;
}
