import type { Notification } from "@carillon/contracts/types";

import { compareVersions, newest } from "./versions.js";

const rowsKept = 1_000;
const readsKept = 500;

export function newestFirst(a: Notification, b: Notification): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1;
  return a.notificationId < b.notificationId ? 1 : -1;
}

/**
 * The notifications, by id: one gives way only to a newer version of itself. Remembers what was heard of reads, for those that are
 * fetched later in an older state.
 */
export class Rows {
  private rows = new Map<string, Notification>();
  /** Newest first; made anew when a row comes or goes. */
  private order: Notification[] | null = null;
  private reads = new Map<string, string>();
  private readAllBefore = "0";

  get size(): number {
    return this.rows.size;
  }

  has(id: string): boolean {
    return this.rows.has(id);
  }

  get(id: string): Notification | undefined {
    return this.rows.get(id);
  }

  values(): Iterable<Notification> {
    return this.rows.values();
  }

  sorted(): Notification[] {
    return (this.order ??= [...this.rows.values()].sort(newestFirst));
  }

  put(row: Notification): void {
    const known = this.rows.get(row.notificationId);
    if (known !== undefined) {
      const age = compareVersions(known.version, row.version);
      // Of two with one version the read one is later: a read-all does not touch each row.
      if (age > 0 || (age === 0 && (known.readAt !== null || row.readAt === null))) return;
    }
    this.set(this.settled(row));
  }

  drop(id: string): void {
    if (this.rows.delete(id)) this.order = null;
  }

  keep(wanted: (row: Notification) => boolean): void {
    this.rows = new Map([...this.rows].filter(([, row]) => wanted(row)));
    this.order = null;
  }

  /** A page that is open for weeks does not grow without end. True when the oldest had to go. */
  trim(): boolean {
    if (this.rows.size <= rowsKept) return false;
    for (const row of this.sorted().slice(rowsKept)) this.rows.delete(row.notificationId);
    this.order = null;
    return true;
  }

  clear(): void {
    this.rows.clear();
    this.order = null;
  }

  /** Nor is anything that was heard of reads true any more. */
  forget(): void {
    this.clear();
    this.reads.clear();
    this.readAllBefore = "0";
  }

  heardOfRead(id: string, version: string): void {
    this.reads.delete(id);
    this.reads.set(id, version);
    if (this.reads.size > readsKept) this.reads.delete(this.reads.keys().next().value as string);
    const row = this.rows.get(id);
    if (row !== undefined) this.set(this.settled(row));
  }

  heardOfReadAll(before: string): void {
    this.readAllBefore = newest(this.readAllBefore, before);
    for (const row of [...this.rows.values()]) this.set(this.settled(row));
  }

  snapshot(): { rows: Notification[]; reads: [id: string, version: string][]; readAllBefore: string } {
    return { rows: [...this.rows.values()], reads: [...this.reads], readAllBefore: this.readAllBefore };
  }

  restore(from: { rows: Notification[]; reads: [id: string, version: string][]; readAllBefore: string }): void {
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
  }

  private set(row: Notification): void {
    if (this.rows.get(row.notificationId) === row) return;
    this.rows.set(row.notificationId, row);
    this.order = null;
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
}
