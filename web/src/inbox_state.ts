// What this tab knows of the inbox. No DOM, no network: events and pages in, a picture out.
//
// Notifications are keyed by id. A count is taken only when its version is newer than the last one taken. Pages and
// events may overtake each other: a row is replaced only by a newer version of itself, and updates that were seen are
// applied again to every page that arrives.
import type { Notification, NotificationPage, NewEvent, UpdatedEvent } from "./types.ts";

export interface InboxItem {
  readonly notification: Notification;
  /** Read, or about to be: a mark that the server has not answered yet counts. */
  readonly read: boolean;
}

const kUpdatesKept = 200;

function newestFirst(a: Notification, b: Notification): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1;
  return a.notificationId < b.notificationId ? 1 : -1;
}

interface PendingReadAll {
  ids: ReadonlySet<string>;
  countVersion: bigint;
}

export class InboxState {
  private rows = new Map<string, Notification>();
  private readonly updates: UpdatedEvent[] = [];
  private confirmedCount = 0;
  private countVersion = -1n;
  private seen: bigint | null = null;
  private cursor: string | null = null;
  /** By id: the count's version when the mark was asked for. */
  private readonly pendingReads = new Map<string, bigint>();
  private pendingReadAll: PendingReadAll | null = null;

  get nextCursor(): string | null {
    return this.cursor;
  }

  /** The newest version that a page or a notification brought; null before the first. Counts alone do not move it. */
  get seenVersion(): bigint | null {
    return this.seen;
  }

  /** Which of a page's notifications are unread, unknown here and newer than `since`; oldest first. */
  missedIn(page: NotificationPage, since: bigint | null): Notification[] {
    if (since === null) return [];
    return page.data
      .filter((row) => row.readAt === null && BigInt(row.version) > since && !this.rows.has(row.notificationId))
      .sort(newestFirst)
      .reverse();
  }

  /** The newest count less the marks under way that it cannot include yet. */
  get unreadCount(): number {
    if (this.pendingReadAll?.countVersion === this.countVersion) return 0;
    let count = this.confirmedCount;
    for (const [id, version] of this.pendingReads) {
      if (version === this.countVersion && this.rows.get(id)?.readAt === null) count -= 1;
    }
    return Math.max(0, count);
  }

  items(): InboxItem[] {
    return [...this.rows.values()]
      .sort(newestFirst)
      .map((notification) => ({ notification, read: this.isRead(notification) }));
  }

  isUnread(id: string): boolean {
    const row = this.rows.get(id);
    return row !== undefined && !this.isRead(row);
  }

  /** Returns false when this notification was known already. */
  applyNew(event: NewEvent): boolean {
    const { unreadCount, ...fields } = event;
    this.takeCount(unreadCount, event.version);
    this.see(event.version);
    if (this.rows.has(event.notificationId)) return false;
    this.putRow({ ...fields, readAt: null });
    return true;
  }

  applyUpdated(event: UpdatedEvent): void {
    this.takeCount(event.unreadCount, event.version);
    this.updates.push(event);
    if (this.updates.length > kUpdatesKept) this.updates.shift();
    for (const [id, row] of this.rows) this.rows.set(id, this.withUpdate(row, event));
  }

  takeCount(count: number, version: string): void {
    const candidate = BigInt(version);
    if (candidate <= this.countVersion) return;
    this.countVersion = candidate;
    this.confirmedCount = count;
  }

  /** Starts the list anew from its first page, keeping what arrived after that page was read from the store. */
  applyFirstPage(page: NotificationPage): void {
    const asOf = BigInt(page.version);
    this.see(page.version);
    const before = this.rows;
    this.rows = new Map();
    for (const row of before.values()) {
      const inPage = page.data.some((candidate) => candidate.notificationId === row.notificationId);
      if (inPage || BigInt(row.version) > asOf) this.rows.set(row.notificationId, row);
    }
    this.applyPage(page);
  }

  /** Adds an older page. */
  applyPage(page: NotificationPage): void {
    this.takeCount(page.unreadCount, page.version);
    for (const row of page.data) this.putRow(row);
    this.cursor = page.nextCursor;
  }

  /** Shows a notification as read until `endRead`. */
  beginRead(id: string): void {
    this.pendingReads.set(id, this.countVersion);
  }

  endRead(id: string, accepted: boolean): void {
    this.pendingReads.delete(id);
    const row = this.rows.get(id);
    if (accepted && row !== undefined) this.rows.set(id, this.asRead(row, row.version));
  }

  /** Shows all that are here now as read until `endReadAll`. */
  beginReadAll(): void {
    this.pendingReadAll = { ids: new Set(this.rows.keys()), countVersion: this.countVersion };
  }

  /** `version` is that of the read-all when it was accepted, null when it was refused. */
  endReadAll(version: string | null): void {
    this.pendingReadAll = null;
    if (version === null) return;
    const event: UpdatedEvent = { action: "read-all", unreadCount: this.confirmedCount, version };
    for (const [id, row] of this.rows) this.rows.set(id, this.withUpdate(row, event));
  }

  /** True when more rows are shown as unread than the count allows: the list must be fetched again. */
  get contradictsCount(): boolean {
    let unread = 0;
    for (const row of this.rows.values()) if (!this.isRead(row)) unread += 1;
    return this.cursor === null ? unread !== this.unreadCount : unread > this.unreadCount;
  }

  /** Differs whenever a count or a version does. */
  get fingerprint(): string {
    return `${this.countVersion}/${this.rows.size}`;
  }

  private see(version: string): void {
    const candidate = BigInt(version);
    if (this.seen === null || candidate > this.seen) this.seen = candidate;
  }

  private isRead(row: Notification): boolean {
    const id = row.notificationId;
    return row.readAt !== null || this.pendingReads.has(id) || (this.pendingReadAll?.ids.has(id) ?? false);
  }

  private putRow(row: Notification): void {
    const known = this.rows.get(row.notificationId);
    if (known !== undefined) {
      const age = BigInt(known.version) - BigInt(row.version);
      // Of two with one version the read one is later: a read-all need not touch its rows.
      if (age > 0n || (age === 0n && known.readAt !== null)) return;
    }
    let next = row;
    for (const event of this.updates) next = this.withUpdate(next, event);
    this.rows.set(row.notificationId, next);
  }

  private withUpdate(row: Notification, event: UpdatedEvent): Notification {
    if (row.readAt !== null || BigInt(row.version) > BigInt(event.version)) return row;
    if (event.action === "read" && event.notificationId !== row.notificationId) return row;
    return this.asRead(row, event.version);
  }

  private asRead(row: Notification, version: string): Notification {
    return row.readAt === null ? { ...row, readAt: new Date().toISOString(), version } : row;
  }
}
