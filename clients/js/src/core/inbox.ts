// What is known of one user's inbox. No network, no clock: operations in, a picture out. Every tab of the browser applies
// the same operations in the same order, so all show the same. A count is taken only when its version is newer.
import type { AckSync, Notification, NotificationNew, NotificationPage, NotificationUpdated } from "@carillon/contracts/types";

import type { BellNotification, ListState } from "../types.js";
import { Marks } from "./marks.js";
import type { LinkStatus, Mark, MarkAnswer, Operation, Snapshot } from "./operations.js";
import { Progress } from "./progress.js";
import { newestFirst, Rows } from "./rows.js";
import { isNewer, newest } from "./versions.js";

export class Inbox {
  private readonly rows = new Rows();
  private readonly marks = new Marks();
  private readonly progress = new Progress();
  private count = 0;
  /** "" is older than any. */
  private countVersion = "";
  /** Where the list goes on: null at the end, undefined when unknown (the top must be paged through again). */
  private cursor: string | null | undefined = null;
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
    return this.progress.synced;
  }
  get newestCountVersion(): string {
    return this.countVersion;
  }
  /** The newest version of anything that is shown: what a read-all may cover. */
  get shownVersion(): string {
    let shown = this.progress.synced ?? "0";
    for (const row of this.rows.values()) shown = newest(shown, row.version);
    return shown;
  }
  /** True when something that the server has counted is missing here. */
  get isBehind(): boolean {
    return this.progress.isBehind(this.countVersion);
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
    return this.marks.list().map((pending) => pending.mark);
  }

  /** The newest count, less the marks under way that it cannot include. */
  get unreadCount(): number {
    let count = this.count;
    for (const { mark, uncertain, countVersion } of this.marks.list()) {
      if (uncertain && countVersion !== this.countVersion) continue;
      if (mark.action === "read-all") return this.unreadAfter(mark.before);
      if (this.rows.get(mark.notificationId)?.readAt === null) count -= 1;
    }
    return Math.max(0, count);
  }

  notifications(): BellNotification[] {
    return this.rows.sorted().map((row) => this.view(row));
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
        this.marks.begin(operation.mark, this.countVersion);
        return [];
      case "end":
        this.end(operation.id, operation.answer);
        return [];
      case "uncertain":
        this.marks.doubt();
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
      ...this.rows.snapshot(),
      ...this.progress.snapshot(),
      count: this.count,
      countVersion: this.countVersion,
      cursor: this.cursor,
      marks: this.marks.list(),
      list: this.list,
      loadingMore: this.more,
      link: this.status,
    };
  }

  restore(from: Snapshot): void {
    this.rows.restore(from);
    this.progress.restore(from);
    this.marks.restore(from.marks);
    this.count = from.count;
    this.countVersion = from.countVersion;
    this.cursor = from.cursor;
    this.list = from.list;
    this.more = from.loadingMore;
    this.status = from.link;
  }

  private applyNew(event: NotificationNew): BellNotification[] {
    const { unreadCount, ...fields } = event;
    this.takeCount(unreadCount, event.version);
    this.progress.see(event.version);
    const fresh = !this.rows.has(event.notificationId);
    this.rows.put({ ...fields, readAt: null });
    this.trim();
    const row = this.rows.get(event.notificationId);
    return fresh && row !== undefined && row.readAt === null ? [this.view(row)] : [];
  }

  private applyUpdated(event: NotificationUpdated): void {
    this.takeCount(event.unreadCount, event.version);
    if (event.action === "read") {
      this.rows.heardOfRead(event.notificationId, event.version);
      this.progress.see(event.version);
      return;
    }
    if (event.reset) {
      this.rows.clear();
      this.cursor = null;
      this.progress.forget();
      this.list = "loading";
      return;
    }
    const before = event.before ?? (event.unreadCount === 0 ? event.version : null);
    if (before === null) {
      // Which ones stayed unread is not said.
      this.progress.distrust(event.version);
    } else {
      this.rows.heardOfReadAll(before);
      this.progress.see(event.version);
    }
  }

  private applyFirst(page: NotificationPage): BellNotification[] {
    const before = new Set([...this.rows.values()].map((row) => row.notificationId));
    const since = this.progress.synced;
    const inPage = new Set(page.data.map((row) => row.notificationId));
    // What came after the page was read from the store is not in it.
    this.rows.keep((row) => inPage.has(row.notificationId) || isNewer(row.version, page.version));
    this.applyPage(page);
    this.list = "ready";
    this.progress.reached(page.version);
    return since === null ? [] : this.arrivals(page.data, since, before);
  }

  private applyPage(page: NotificationPage): void {
    this.takeCount(page.unreadCount, page.version);
    for (const row of page.data) this.rows.put(row);
    this.cursor = page.nextCursor;
  }

  private applySync(answer: AckSync): BellNotification[] {
    const since = this.progress.synced ?? "0";
    const before = new Set([...this.rows.values()].map((row) => row.notificationId));
    // Its versions are behind ours: another database. What we know belongs to the old one.
    if (answer.reset && isNewer(since, answer.version)) {
      this.rows.forget();
      this.progress.forget();
      this.countVersion = "";
    }
    if (answer.readAllBefore !== undefined) this.rows.heardOfReadAll(answer.readAllBefore);
    for (const id of answer.deleted ?? []) this.rows.drop(id);
    if (answer.reset) {
      this.rows.keep((row) => isNewer(row.version, answer.version));
      this.cursor = answer.notifications.length === 0 ? null : undefined;
    }
    const oldest = this.cursor === null ? undefined : this.rows.sorted().at(-1);
    for (const row of answer.notifications) {
      // One from below the loaded pages would leave a hole above it; paging brings it in its turn.
      const below = !answer.reset && oldest !== undefined && newestFirst(row, oldest) > 0;
      if (!below || this.rows.has(row.notificationId)) this.rows.put(row);
    }
    this.trim();
    if (!answer.hasMore) {
      this.takeCount(answer.unreadCount, answer.version);
      this.progress.reached(answer.version);
      this.list = "ready";
    }
    return this.arrivals(answer.notifications, since, before);
  }

  /** Those of `rows` that are news: unread, here now, not here before. Oldest first. */
  private arrivals(rows: Notification[], since: string, before: Set<string>): BellNotification[] {
    return rows
      .map((row) => this.rows.get(row.notificationId))
      .filter((row) => row !== undefined)
      .filter((row) => !this.isRead(row) && isNewer(row.version, since) && !before.has(row.notificationId))
      .sort(newestFirst)
      .reverse()
      .map((row) => this.view(row));
  }

  private end(id: string, answer: MarkAnswer | null): void {
    if (answer !== null) this.takeCount(answer.unreadCount, answer.version);
    const mark = this.marks.end(id);
    if (mark === undefined || answer === null) return;
    if (mark.action === "read") this.rows.heardOfRead(mark.notificationId, answer.version);
    else this.rows.heardOfReadAll(mark.before ?? answer.version);
  }

  private takeCount(count: number, version: string): void {
    if (!isNewer(version, this.countVersion)) return;
    this.countVersion = version;
    this.count = count;
  }

  private trim(): void {
    if (this.rows.trim()) this.cursor = undefined;
  }

  private isRead(row: Notification): boolean {
    return row.readAt !== null || this.marks.covers(row);
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
