import type { Cancel, Clock } from "./ports.js";

/** Timers by name: setting one again replaces it. */
export class Timers<Name extends string> {
  private readonly running = new Map<Name, Cancel>();

  constructor(private readonly clock: Clock) {}

  set(name: Name, ms: number, action: () => void): void {
    this.clear(name);
    const cancel = this.clock.after(ms, () => {
      this.running.delete(name);
      action();
    });
    this.running.set(name, cancel);
  }

  has(name: Name): boolean {
    return this.running.has(name);
  }

  clear(name: Name): void {
    this.running.get(name)?.();
    this.running.delete(name);
  }

  clearAll(): void {
    for (const cancel of this.running.values()) cancel();
    this.running.clear();
  }
}
