import type { BellNotification } from "@carillon/client";

import { realClock, type Clock } from "./clock.js";

export type Toast =
  | { readonly id: string; readonly notification: BellNotification; leaving: boolean }
  /** One for a burst. */
  | { readonly id: string; readonly notification: null; count: number; leaving: boolean };

const shownMost = 3;
const lifeMs = 7_000;
const leaveMs = 180;
/** So many within this time are a burst: one toast for all. */
const burstMost = 3;
const burstMs = 2_000;
const burstId = "many";

/** Which toasts are shown, and for how long. They wait while somebody is at them, or nobody can see them. */
export class Toasts {
  list: Toast[] = [];
  private held = false;
  private recent: number[] = [];
  private readonly timers = new Map<string, () => void>();

  constructor(
    private readonly changed: () => void,
    private readonly canBeSeen: () => boolean,
    private readonly clock: Clock = realClock,
  ) {}

  add(notification: BellNotification): void {
    const now = this.clock.now();
    this.recent = [...this.recent.filter((at) => now - at < burstMs), now];
    if (this.recent.length > burstMost) return this.addToBurst();
    const { notificationId: id } = notification;
    this.list = [...this.list.filter((toast) => toast.id !== id), { id, notification, leaving: false }].slice(-shownMost);
    this.expire(id);
    this.changed();
  }

  /** It was read, here or elsewhere. */
  dropRead(isUnread: (id: string) => boolean): void {
    for (const toast of this.list) if (toast.notification !== null && !isUnread(toast.id)) this.dismiss(toast.id);
  }

  dismiss(id: string): void {
    const toast = this.list.find((candidate) => candidate.id === id);
    if (toast === undefined || toast.leaving) return;
    toast.leaving = true;
    this.after(id, leaveMs, () => this.remove(id));
    this.changed();
  }

  clear(): void {
    for (const cancel of this.timers.values()) cancel();
    this.timers.clear();
    this.list = [];
    this.changed();
  }

  /** While held none of them goes by itself. */
  hold(held: boolean): void {
    if (this.held === held) return;
    this.held = held;
    for (const { id, leaving } of this.list) if (!leaving) this.expire(id);
  }

  private addToBurst(): void {
    const known = this.list.find((toast) => toast.id === burstId && !toast.leaving);
    if (known !== undefined && known.notification === null) {
      known.count += 1;
    } else {
      const shown = this.list.filter((toast) => !toast.leaving);
      for (const { id } of this.list) this.timers.get(id)?.();
      this.list = [{ id: burstId, notification: null, count: shown.length + 1, leaving: false }];
    }
    this.expire(burstId);
    this.changed();
  }

  private expire(id: string): void {
    if (this.held) this.timers.get(id)?.();
    else this.after(id, lifeMs, () => (this.canBeSeen() ? this.dismiss(id) : this.expire(id)));
  }

  private after(id: string, ms: number, action: () => void): void {
    this.timers.get(id)?.();
    this.timers.set(id, this.clock.after(ms, action));
  }

  private remove(id: string): void {
    this.timers.delete(id);
    this.list = this.list.filter((toast) => toast.id !== id);
    this.changed();
  }
}
