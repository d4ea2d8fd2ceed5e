import type { Notification } from "@carillon/contracts/types";

import type { Mark, PendingMark } from "./operations.js";
import { isNewer, newest } from "./versions.js";

/** The marks that the server has not answered yet, and what they say of a notification. */
export class Marks {
  private pending = new Map<string, PendingMark>();
  // The sum of them: these ids, and all up to that version (null: all).
  private ids = new Set<string>();
  private before: string | null = "0";

  list(): PendingMark[] {
    return [...this.pending.values()];
  }

  begin(mark: Mark, countVersion: string): void {
    if (this.pending.has(mark.id)) return;
    this.pending.set(mark.id, { mark, countVersion, uncertain: false });
    this.include(mark);
  }

  /** Returns the mark, unless it was not under way. */
  end(id: string): Mark | undefined {
    const mark = this.pending.get(id)?.mark;
    if (this.pending.delete(id)) this.sumUp();
    return mark;
  }

  /** Whether a newer count includes them is not known any more. */
  doubt(): void {
    for (const each of this.pending.values()) each.uncertain = true;
  }

  covers(row: Notification): boolean {
    return this.ids.has(row.notificationId) || this.before === null || !isNewer(row.version, this.before);
  }

  restore(from: PendingMark[]): void {
    this.pending = new Map(from.map((each) => [each.mark.id, { ...each }]));
    this.sumUp();
  }

  private include(mark: Mark): void {
    if (mark.action === "read") this.ids.add(mark.notificationId);
    else if (this.before !== null) this.before = mark.before && newest(this.before, mark.before);
  }

  private sumUp(): void {
    this.ids.clear();
    this.before = "0";
    for (const { mark } of this.pending.values()) this.include(mark);
  }
}
