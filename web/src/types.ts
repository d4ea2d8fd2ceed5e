// What the gateway sends, as far as this page reads it.

export interface Notification {
  notificationId: string;
  userId: string;
  type: string;
  title: string;
  body?: string;
  data?: Record<string, unknown>;
  createdAt: string;
  readAt: string | null;
  version: string;
}

export interface NotificationPage {
  data: Notification[];
  nextCursor: string | null;
  unreadCount: number;
  version: string;
}

/** `notification:new`: a notification that is not read yet, and the count with it. */
export type NewEvent = Omit<Notification, "readAt"> & { unreadCount: number };

export interface UpdatedEvent {
  action: "read" | "read-all";
  notificationId?: string;
  unreadCount: number;
  version: string;
}

export interface CountEvent {
  count: number;
  version: string;
}

/** The answer to a command. `unreadCount` and `version` are there when `ok` is true. */
export interface Ack {
  ok: boolean;
  unreadCount?: number;
  version?: string;
  error?: { code: string; message: string; retryAfterMs?: number };
}

export interface SignInAnswer {
  user: { id: string; email: string; name?: string | null };
  accessToken: string;
  expiresIn: number;
}

export type ConnectionState = "connecting" | "live" | "reconnecting" | "offline" | "error";
