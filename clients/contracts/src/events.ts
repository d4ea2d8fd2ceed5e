import type {
  AckAuth,
  AckError,
  AckRead,
  AckReadAll,
  AckSync,
  Auth,
  AuthExpiring,
  ErrorEvent,
  NotificationNew,
  NotificationRead,
  NotificationReadAll,
  NotificationSync,
  NotificationUpdated,
  ServerDraining,
  UnreadCountUpdated,
} from "./generated/types.js";

/** What the callback of a command gets: its answer, or why it was refused. */
export type Ack<Answer> = (answer: Answer | AckError) => void;

/** For `io<ServerToClientEvents, ClientToServerEvents>()` of socket.io-client. */
export interface ServerToClientEvents {
  "notification:new": (event: NotificationNew) => void;
  "notification:updated": (event: NotificationUpdated) => void;
  "unreadCount:updated": (event: UnreadCountUpdated) => void;
  "auth:expiring": (event: AuthExpiring) => void;
  "server:draining": (event: ServerDraining) => void;
  error: (event: ErrorEvent) => void;
}

export interface ClientToServerEvents {
  AUTH: (message: Auth, ack?: Ack<AckAuth>) => void;
  "notification:read": (command: NotificationRead, ack?: Ack<AckRead>) => void;
  "notification:read-all": (command: NotificationReadAll, ack?: Ack<AckReadAll>) => void;
  "notification:sync": (command: NotificationSync, ack?: Ack<AckSync>) => void;
}
