// What applications see. Payloads come from @carillon/contracts; here is what the client adds to them.
import type { Data } from "@carillon/contracts/types";

export type { Data };

/** A notification as it is shown. The object stays the same as long as nothing in it changes. */
export interface BellNotification {
  readonly notificationId: string;
  readonly userId: string;
  /** What kind of notification it is, for the application to tell apart. */
  readonly type: string;
  readonly title: string;
  readonly body?: string;
  /** Anything else from the sender; `data.url` is where a click leads. */
  readonly data?: Data;
  /** UTC, ISO 8601. */
  readonly createdAt: string;
  /** Null while unread, and while a mark is on its way: see `read`. */
  readonly readAt: string | null;
  readonly version: string;
  /** Read, or about to be: a mark that the server has not answered yet counts, and is taken back if it is refused. */
  readonly read: boolean;
}

/**
 * - `idle`: not started, or closed.
 * - `connecting`: for the first time.
 * - `live`: changes arrive as they happen.
 * - `reconnecting`: the connection is lost; trying again for as long as it takes.
 * - `fallback`: no socket gets through, so REST is asked now and then; the socket is still being tried.
 * - `offline`: the browser has no network.
 * - `stopped`: refused for a reason that does not pass by itself; `error` tells it, `connect()` tries again.
 */
export type ConnectionState = "idle" | "connecting" | "live" | "reconnecting" | "fallback" | "offline" | "stopped";

/** `loading` until the first page is here; `failed` when it could not be had so far (it is still being tried). */
export type ListState = "loading" | "ready" | "failed";

export interface BellState {
  /** Newest first: the pages that were loaded, and all that arrived since. */
  readonly notifications: readonly BellNotification[];
  /** Exact, and never of a page only. Marks under way are deducted. */
  readonly unreadCount: number;
  readonly connection: ConnectionState;
  /** Why `connection` is "stopped"; or, when the server has a reason to refuse it for now (such as
   * `too_many_connections`), why it is not "live" yet. */
  readonly error: BellError | null;
  readonly list: ListState;
  /** True when the server has older notifications: `loadMore()`. */
  readonly hasMore: boolean;
  readonly loadingMore: boolean;
}

/**
 * A code of the contract (`forbidden`, `not_found`, `rate_limited`, `token_invalid`, …), or one of the client's own:
 * `network` (no answer), `too_many_pending` (1,000 marks wait for a connection), `closed` (the bell was closed).
 */
export class BellError extends Error {
  override readonly name = "BellError";
  constructor(
    readonly code: string,
    message: string,
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

export interface ArrivalEvent {
  readonly notification: BellNotification;
  /** False when it came while this browser was not connected, and was caught up with. */
  readonly live: boolean;
}

export interface RefusedEvent {
  readonly action: "read" | "read-all";
  /** With `read`. */
  readonly notificationId?: string;
  readonly error: BellError;
}

export interface BellEvents {
  /** Anything in `state` has changed; at most once a microtask. */
  state: BellState;
  /** A notification arrived: once in each tab. */
  new: ArrivalEvent;
  count: number;
  connection: ConnectionState;
  /** A mark was refused and has been taken back. */
  refused: RefusedEvent;
}

export interface TokenRequest {
  /** True when the last token is expired, about to expire, or was refused: one from a cache will not do. */
  readonly fresh: boolean;
}

export interface BellOptions {
  /** The gateway's address: "https://bell.example.com"; a path in front of its paths ("/bell") may follow. */
  url: string;
  /**
   * Returns a JWT of the user, or null when nobody is signed in. Asked at the start, when the token is about to end, and
   * after a sleep that outlived it. A rejection is taken for a passing failure and asked again.
   */
  getToken(request: TokenRequest): Promise<string | null | undefined> | string | null | undefined;
  /** True by default in a browser and false elsewhere (a page rendered on a server): connects at once. */
  autoStart?: boolean;
  /**
   * Unread notifications of the first page that were created after this moment are told by `new`, too: those that came
   * while the user was signing up, or since the last visit. By default what is there already rings no bell.
   */
  newSince?: Date | string;
  /** False gives each tab a connection of its own. */
  shareConnection?: boolean;
  /** How many notifications a page has: 1 to 100, 20 by default. */
  pageSize?: number;
  /** The server's `--socketio-path`. */
  socketPath?: string;
}

export interface ListQuery {
  /** From the answer before; the newest without it. */
  cursor?: string | null;
  limit?: number;
  status?: "all" | "unread" | "read";
}

export interface ListAnswer {
  readonly notifications: readonly BellNotification[];
  /** Null at the end. */
  readonly nextCursor: string | null;
  readonly unreadCount: number;
}

/** The bell of one user. All bells of a user in one browser share one connection and show the same. */
export interface Bell {
  /** The state as it is; a new object whenever anything in it has changed, and only then. */
  readonly state: BellState;
  readonly notifications: readonly BellNotification[];
  readonly unreadCount: number;
  readonly connection: ConnectionState;
  /** Calls the listener on each such event until the result is called. */
  on<Name extends keyof BellEvents>(name: Name, listener: (event: BellEvents[Name]) => void): () => void;
  /** Connects, unless it has. After `close` it starts anew. */
  start(): void;
  /** Disconnects and forgets what it knows. Marks that were not answered are kept and sent with the next start. */
  close(): void;
  /** Tries to connect at once: after `stopped`, when the user has signed in again, or because somebody is impatient. */
  connect(): void;
  /**
   * Marks one as read: at once here, in every tab and device when the server has it. Resolves then; rejects with a
   * BellError when the server refuses, and the mark is taken back. While there is no connection it waits.
   */
  read(notificationId: string): Promise<void>;
  /** Marks all as read that are there now: what arrives meanwhile stays unread. Otherwise like `read`. */
  readAll(): Promise<void>;
  /** Adds the next page of older notifications to `state.notifications`. Resolves when it is there, or there is none. */
  loadMore(): Promise<void>;
  /** Looks whether anything is missing: rarely needed, as this happens by itself. */
  sync(): Promise<void>;
  /** One page straight from the server, without touching `state`: for lists of one's own, such as the unread only. */
  list(query?: ListQuery): Promise<ListAnswer>;
}
