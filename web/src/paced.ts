// Work that follows many events, done at most once per interval: at once when it is rare, gathered when it is not.

export class Paced {
  private lastAt = -Infinity;
  private timer = 0;

  constructor(
    private readonly intervalMs: number,
    private readonly work: () => void,
  ) {}

  /** Does the work now, or together with what else is asked for in this interval. */
  request(): void {
    if (this.timer !== 0) return;
    const wait = this.lastAt + this.intervalMs - Date.now();
    if (wait <= 0) this.now();
    else this.timer = window.setTimeout(() => this.now(), wait);
  }

  now(): void {
    this.cancel();
    this.lastAt = Date.now();
    this.work();
  }

  cancel(): void {
    window.clearTimeout(this.timer);
    this.timer = 0;
  }
}
