import { realClock, type Clock } from "./clock.js";

const quietMs = 1_000;
const longestMs = 4_000;
const shownMs = 6_000;

/** Gathers what arrives, so that a screen reader says one sentence for a burst and nothing twice. */
export class Announcer<Item> {
  private readonly items: Item[] = [];
  private firstAt = 0;
  private cancel = (): void => {};

  constructor(
    private readonly sentence: (items: readonly Item[]) => string,
    /** Says it; "" takes it back, so that nobody comes upon it later. */
    private readonly say: (text: string) => void,
    private readonly clock: Clock = realClock,
  ) {}

  add(item: Item): void {
    const now = this.clock.now();
    if (this.items.length === 0) this.firstAt = now;
    this.items.push(item);
    this.cancel();
    this.cancel = this.clock.after(Math.min(quietMs, Math.max(0, this.firstAt + longestMs - now)), () => this.flush());
  }

  /** At once, for what the user has done. */
  now(text: string): void {
    this.cancel();
    this.say(text);
    this.cancel = this.clock.after(shownMs, () => this.say(""));
  }

  stop(): void {
    this.cancel();
    this.items.length = 0;
  }

  private flush(): void {
    this.now(this.sentence(this.items.splice(0)));
  }
}
