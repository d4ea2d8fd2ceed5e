import type { Clock } from "../core/ports.js";

interface Timer {
  due: number;
  order: number;
  action(): void;
}

/** Lets everything run that waits for a promise only. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
}

/** Time that stands still until it is moved. */
export class FakeClock implements Clock {
  private wall = 1_700_000_000_000;
  private elapsed = 0;
  private order = 0;
  private readonly timers = new Set<Timer>();

  now(): number {
    return this.wall;
  }

  after(ms: number, action: () => void): () => void {
    const timer = { due: this.elapsed + Math.max(0, ms), order: (this.order += 1), action };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  /** Runs what is due in the next `ms`, in order. */
  async advance(ms: number): Promise<void> {
    const end = this.elapsed + ms;
    await settle();
    for (;;) {
      const [next] = [...this.timers].sort((a, b) => a.due - b.due || a.order - b.order);
      if (next === undefined || next.due > end) break;
      this.timers.delete(next);
      this.wall += next.due - this.elapsed;
      this.elapsed = next.due;
      next.action();
      await settle();
    }
    this.wall += end - this.elapsed;
    this.elapsed = end;
  }

  /** The machine sleeps: the wall clock goes on, no timer does. */
  sleep(ms: number): void {
    this.wall += ms;
  }

  get pending(): number {
    return this.timers.size;
  }

  /** How long until the next timer. */
  get untilNext(): number {
    return Math.min(...[...this.timers].map((timer) => timer.due)) - this.elapsed;
  }
}
