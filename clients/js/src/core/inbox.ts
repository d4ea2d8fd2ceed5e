// What is known of one user's inbox. No network, no clock: operations in, a picture out. Every tab of the browser applies
// the same operations in the same order, so all show the same.
//
// Notifications are keyed by id and a row gives way only to a newer version of itself. A count is taken only when its
// version is newer. `synced` is the version up to which nothing is missing; versions are dense, so that a gap shows.
import type {
  AckSync,
  Notification,
  NotificationNew,
  NotificationPage,
  NotificationUpdated,
} from "@carillon/contracts/types";

import type { BellNotification, ConnectionState, ListState } from "../types.js";
import { compareVersions, following, isNewer, newest } from "./versions.js";

/** A change that the user asked for and the server has not answered yet. Doing it twice is doing it once. */
export type Mark =
  | { readonly id: string; readonly action: "read"; readonly notificationId: string }
  /** Up to that version; null: all there are. */
  | { readonly id: string; readonly action: "read-all"; readonly before: string | null };

interface PendingMark {
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
  | { op: "end"; id: string; answer: { unreadCount: number; version: string } | null; error: LinkStatus["error"] }
  | { op: "uncertain" }
  | { op: "list"; state: ListState }
  | { op: "more"; loading: boolean }
  | { op: "link"; status: LinkStatus };

/** All of it, to be sent to another tab. */
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

const readsKept = 500;
const aheadKept = 1_000;
const rowsKept = 1_000;

function newestFirst(a: Notification, b: Notification): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1;
  return a.notificationId < b.notificationId ? 1 : -1;
}

export class Inbox {
  private rows = new Map<string, Notification>();
  /** Newest first; made anew when a row comes or goes. */
  private order: Notification[] | null = null;
  /** Reads that were heard of, for rows that are fetched in an older state. */
  private reads = new Map<string, string>();
  private readAllBefore = "0";
  private count = 0;
  /** "" is older than any. */
  private countVersion = "";
  private synced: string | null = null;
  /** Versions above `synced` that were seen, with some below them missing. */
  private ahead = new Set<string>();
  /** Where the list goes on: null at the end, undefined when unknown (the top must be paged through again). */
  private cursor: string | null | undefined = null;
  private marks = new Map<string, PendingMark>();
  // What the marks say of the rows.
  private markedIds = new Set<string>();
  private markedBefore: string | null = "0";
  private views = new WeakMap<Notification, BellNotification>();
  private list: ListState = "loading";
  private more = false;
  private status: LinkStatus = { connection: "idle", error: null };

  get listState(): ListState {
    return this.list;
  }
  get loadingMore(): boolean {
    return this.more;
  }
  get link(): LinkStatus {
    return this.status;
  }
  get nextCursor(): string | null | undefined {
    return this.cursor;
  }
  get hasMore(): boolean {
    return this.cursor !== null;
  }
  get size(): number {
    return this.rows.size;
  }
  /** Null before the first page. */
  get syncedVersion(): string | null {
    return this.synced;
  }
  get newestCountVersion(): string {
    return this.countVersion;
  }
  /** The newest version of anything that is shown: what a read-all may cover. */
  get shownVersion(): string {
    let shown = this.synced ?? "0";
    for (const row of this.rows.values()) shown = newest(shown, row.version);
    return shown;
  }
  /** True when something that the server has counted is missing here. */
  get isBehind(): boolean {
    if (this.synced === null) return false;
    return this.ahead.size > 0 || isNewer(this.countVersion, this.synced);
  }

  has(id: string): boolean {
    return this.rows.has(id);
  }

  /** False also when it is not known. */
  isUnread(id: string): boolean {
    const row = this.rows.get(id);
    return row !== undefined && !this.isRead(row);
  }

  pending(): Mark[] {
    return [...this.marks.values()].map((pending) => pending.mark);
  }

  /** The newest count, less the marks under way that it cannot include. */
  get unreadCount(): number {
    let count = this.count;
    for (const pending of this.marks.values()) {
      if (pending.uncertain && pending.countVersion !== this.countVersion) continue;
      if (pending.mark.action === "read-all") return this.unreadAfter(pending.mark.before);
      if (this.rows.get(pending.mark.notificationId)?.readAt === null) count -= 1;
    }
    return Math.max(0, count);
  }

  notifications(): BellNotification[] {
    return this.sorted().map((row) => this.view(row));
  }

  /** True when the rows cannot belong to the count: the list must be fetched again. */
  get contradictsCount(): boolean {
    if (this.list !== "ready") return false;
    let unread = 0;
    for (const row of this.rows.values()) if (!this.isRead(row)) unread += 1;
    return this.cursor === null ? unread !== this.unreadCount : unread > this.unreadCount;
  }

  /** Returns the notifications that have arrived by this operation, oldest first. */
  apply(operation: Operation): BellNotification[] {
    switch (operation.op) {
      case "new":
        return this.applyNew(operation.event);
      case "updated":
        this.applyUpdated(operation.event);
        return [];
      case "count":
        this.takeCount(operation.count, operation.version);
        return [];
      case "first":
        return this.applyFirst(operation.page);
      case "page":
        this.applyPage(operation.page);
        return [];
      case "sync":
        return this.applySync(operation.answer);
      case "begin":
        this.begin(operation.mark);
        return [];
      case "end":
        this.end(operation.id, operation.answer);
        return [];
      case "uncertain":
        for (const pending of this.marks.values()) pending.uncertain = true;
        return [];
      case "list":
        this.list = operation.state;
        return [];
      case "more":
        this.more = operation.loading;
        return [];
      case "link":
        this.status = operation.status;
        return [];
    }
  }

  snapshot(): Snapshot {
    return {
      rows: [...this.rows.values()],
      reads: [...this.reads],
      readAllBefore: this.readAllBefore,
      count: this.count,
      countVersion: this.countVersion,
      synced: this.synced,
      ahead: [...this.ahead],
      cursor: this.cursor,
      marks: [...this.marks.values()],
      list: this.list,
      loadingMore: this.more,
      link: this.status,
    };
  }

  restore(from: Snapshot): void {
    this.rows = new Map(
      from.rows.map((row) => {
        // An unchanged row stays the same object, and so does what the application holds of it.
        const known = this.rows.get(row.notificationId);
        const same = known !== undefined && known.version === row.version && known.readAt === row.readAt;
        return [row.notificationId, same ? known : row];
      }),
    );
    this.order = null;
    this.reads = new Map(from.reads);
    this.readAllBefore = from.readAllBefore;
    this.count = from.count;
    this.countVersion = from.countVersion;
    this.synced = from.synced;
    this.ahead = new Set(from.ahead);
    this.cursor = from.cursor;
    this.marks = new Map(from.marks.map((pending) => [pending.mark.id, { ...pending }]));
    this.retakeMarks();
    this.list = from.list;
    this.more = from.loadingMore;
    this.status = from.link;
  }

  private applyNew(event: NotificationNew): BellNotification[] {
    const { unreadCount, ...fields } = event;
    this.takeCount(unreadCount, event.version);
    this.see(event.version);
    const fresh = !this.rows.has(event.notificationId);
    this.put({ ...fields, readAt: null });
    this.trim();
    const row = this.rows.get(event.notificationId);
    return fresh && row !== undefined && row.readAt === null ? [this.view(row)] : [];
  }

  private applyUpdated(event: NotificationUpdated): void {
    this.takeCount(event.unreadCount, event.version);
    if (event.action === "read-all" && event.reset) {
      this.rows.clear();
      this.order = null;
      this.cursor = null;
      this.synced = null;
      this.ahead.clear();
      this.list = "loading";
    } else if (event.action === "read") {
      this.heardOfRead(event.notificationId, event.version);
      this.see(event.version);
    } else if (event.unreadCount === 0) {
      this.heardOfReadAll(event.version);
      this.see(event.version);
    } else {
      // Which ones stayed unread is not said: the version counts as missing, and a sync tells.
      this.ahead.add(event.version);
    }
  }

  private applyFirst(page: NotificationPage): BellNotification[] {
    const before = this.rows;
    const since = this.synced;
    this.rows = new Map();
    this.order = null;
    for (const row of before.values()) {
      const inPage = page.data.some((candidate) => candidate.notificationId === row.notificationId);
      // What came after the page was read from the store is not in it.
      if (inPage || isNewer(row.version, page.version)) this.rows.set(row.notificationId, row);
    }
    this.applyPage(page);
    this.list = "ready";
    this.reached(page.version);
    return since === null ? [] : this.arrivals(page.data, since, before);
  }

  private applyPage(page: NotificationPage): void {
    this.takeCount(page.unreadCount, page.version);
    for (const row of page.data) this.put(row);
    this.cursor = page.nextCursor;
  }

  private applySync(answer: AckSync): BellNotification[] {
    const since = this.synced ?? "0";
    const before = new Map(this.rows);
    // Its versions are behind ours: another database. What we know belongs to the old one.
    if (answer.reset && isNewer(since, answer.version)) this.forget();
    if (answer.readAllBefore !== undefined) this.heardOfReadAll(answer.readAllBefore);
    for (const id of answer.deleted ?? []) this.drop(id);
    if (answer.reset) {
      this.rows = new Map([...this.rows].filter(([, row]) => isNewer(row.version, answer.version)));
      this.order = null;
      this.cursor = answer.notifications.length === 0 ? null : undefined;
    }
    const oldest = this.cursor === null ? undefined : this.sorted().at(-1);
    for (const row of answer.notifications) {
      // One from below the loaded pages would leave a hole above it; paging brings it in its turn.
      const below = !answer.reset && oldest !== undefined && newestFirst(row, oldest) > 0;
      if (!below || this.rows.has(row.notificationId)) this.put(row);
    }
    this.trim();
    if (!answer.hasMore) {
      this.takeCount(answer.unreadCount, answer.version);
      this.reached(answer.version);
      this.list = "ready";
    }
    return this.arrivals(answer.notifications, since, before);
  }

  /** Those of `rows` that are news: unread, here now, not here before. Oldest first. */
  private arrivals(rows: Notification[], since: string, before: Map<string, Notification>): BellNotification[] {
    return rows
      .map((row) => this.rows.get(row.notificationId))
      .filter((row) => row !== undefined)
      .filter((row) => !this.isRead(row) && isNewer(row.version, since) && !before.has(row.notificationId))
      .sort(newestFirst)
      .reverse()
      .map((row) => this.view(row));
  }

  private begin(mark: Mark): void {
    if (this.marks.has(mark.id)) return;
    this.marks.set(mark.id, { mark, countVersion: this.countVersion, uncertain: false });
    this.takeMark(mark);
  }

  private takeMark(mark: Mark): void {
    if (mark.action === "read") this.markedIds.add(mark.notificationId);
    else if (this.markedBefore !== null) this.markedBefore = mark.before && newest(this.markedBefore, mark.before);
  }

  private retakeMarks(): void {
    this.markedIds.clear();
    this.markedBefore = "0";
    for (const { mark } of this.marks.values()) this.takeMark(mark);
  }

  private end(id: string, answer: { unreadCount: number; version: string } | null): void {
    const pending = this.marks.get(id);
    if (answer !== null) this.takeCount(answer.unreadCount, answer.version);
    if (pending === undefined) return;
    this.marks.delete(id);
    this.retakeMarks();
    if (answer === null) return;
    const { mark } = pending;
    if (mark.action === "read") this.heardOfRead(mark.notificationId, answer.version);
    else this.heardOfReadAll(mark.before ?? answer.version);
  }

  private takeCount(count: number, version: string): void {
    if (!isNewer(version, this.countVersion)) return;
    this.countVersion = version;
    this.count = count;
  }

  /** An event with this version was applied. */
  private see(version: string): void {
    if (this.synced === null || !isNewer(version, this.synced)) return;
    this.ahead.add(version);
    this.closeGap();
    // Too much is missing to keep track of: the newest alone still says so.
    if (this.ahead.size > aheadKept) this.ahead = new Set([version]);
  }

  /** Nothing up to this version is missing. */
  private reached(version: string): void {
    this.synced = newest(this.synced ?? version, version);
    for (const seen of this.ahead) if (!isNewer(seen, this.synced)) this.ahead.delete(seen);
    this.closeGap();
  }

  private forget(): void {
    this.rows.clear();
    this.reads.clear();
    this.readAllBefore = "0";
    this.countVersion = "";
    this.synced = null;
    this.ahead.clear();
  }

  private closeGap(): void {
    while (this.synced !== null && this.ahead.delete(following(this.synced))) this.synced = following(this.synced);
  }

  private heardOfRead(id: string, version: string): void {
    this.reads.delete(id);
    this.reads.set(id, version);
    if (this.reads.size > readsKept) this.reads.delete(this.reads.keys().next().value as string);
    const row = this.rows.get(id);
    if (row !== undefined) this.replace(row, this.settled(row));
  }

  private heardOfReadAll(before: string): void {
    this.readAllBefore = newest(this.readAllBefore, before);
    for (const row of [...this.rows.values()]) this.replace(row, this.settled(row));
  }

  /** The row with what was heard of it. */
  private settled(row: Notification): Notification {
    if (row.readAt !== null) return row;
    const read = this.reads.get(row.notificationId);
    if (read !== undefined && compareVersions(row.version, read) <= 0) {
      return { ...row, readAt: new Date().toISOString(), version: read };
    }
    if (compareVersions(row.version, this.readAllBefore) <= 0) return { ...row, readAt: new Date().toISOString() };
    return row;
  }

  private put(row: Notification): void {
    const known = this.rows.get(row.notificationId);
    if (known !== undefined) {
      const age = compareVersions(known.version, row.version);
      // Of two with one version the read one is later: a read-all does not touch each row.
      if (age > 0 || (age === 0 && (known.readAt !== null || row.readAt === null))) return;
    }
    this.rows.set(row.notificationId, this.settled(row));
    this.order = null;
  }

  private replace(old: Notification, row: Notification): void {
    if (old === row) return;
    this.rows.set(row.notificationId, row);
    this.order = null;
  }

  private drop(id: string): void {
    if (this.rows.delete(id)) this.order = null;
  }

  /** A page that is open for weeks does not grow without end. */
  private trim(): void {
    if (this.rows.size <= rowsKept) return;
    for (const row of this.sorted().slice(rowsKept)) this.rows.delete(row.notificationId);
    this.order = null;
    this.cursor = undefined;
  }

  private sorted(): Notification[] {
    return (this.order ??= [...this.rows.values()].sort(newestFirst));
  }

  private isRead(row: Notification): boolean {
    if (row.readAt !== null || this.markedIds.has(row.notificationId)) return true;
    return this.markedBefore === null || !isNewer(row.version, this.markedBefore);
  }

  private unreadAfter(version: string | null): number {
    let unread = 0;
    if (version === null) return 0;
    for (const row of this.rows.values()) if (isNewer(row.version, version) && !this.isRead(row)) unread += 1;
    return unread;
  }

  private view(row: Notification): BellNotification {
    const read = this.isRead(row);
    const known = this.views.get(row);
    if (known !== undefined && known.read === read) return known;
    const view = Object.freeze({ ...row, read });
    this.views.set(row, view);
    return view;
  }
}
