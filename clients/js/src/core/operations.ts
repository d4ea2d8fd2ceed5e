// What can happen to an inbox. Plain data: the tab that leads sends it to the others.
import type {
  AckSync,
  Notification,
  NotificationNew,
  NotificationPage,
  NotificationUpdated,
} from "@carillon/contracts/types";

import type { ConnectionState, ListState } from "../types.js";

/** A change that the user asked for and the server has not answered yet. Doing it twice is doing it once. */
export type Mark =
  | { readonly id: string; readonly action: "read"; readonly notificationId: string }
  /** Up to that version; null: all there are. */
  | { readonly id: string; readonly action: "read-all"; readonly before: string | null };

export interface PendingMark {
  mark: Mark;
  /** Of the count when the mark was made. */
  countVersion: string;
  /** The connection broke after it was sent: a newer count may include it or not. */
  uncertain: boolean;
}

export interface LinkStatus {
  connection: ConnectionState;
  /** Why it is "stopped", or refused for now. */
  error: { code: string; message: string } | null;
}

export interface MarkAnswer {
  unreadCount: number;
  version: string;
}

export type Operation =
  | { op: "new"; event: NotificationNew }
  | { op: "updated"; event: NotificationUpdated }
  | { op: "count"; count: number; version: string }
  /** The list anew, from its first page. */
  | { op: "first"; page: NotificationPage }
  /** An older page. */
  | { op: "page"; page: NotificationPage }
  | { op: "sync"; answer: AckSync }
  | { op: "begin"; mark: Mark }
  /** The mark was accepted, or refused and is taken back. */
  | { op: "end"; id: string; answer: MarkAnswer | null; error: LinkStatus["error"] }
  | { op: "uncertain" }
  | { op: "list"; state: ListState }
  | { op: "more"; loading: boolean }
  | { op: "link"; status: LinkStatus };

/** All of an inbox, to be sent to another tab. */
export interface Snapshot {
  rows: Notification[];
  reads: [id: string, version: string][];
  readAllBefore: string;
  count: number;
  countVersion: string;
  synced: string | null;
  ahead: string[];
  cursor: string | null | undefined;
  marks: PendingMark[];
  list: ListState;
  loadingMore: boolean;
  link: LinkStatus;
}
