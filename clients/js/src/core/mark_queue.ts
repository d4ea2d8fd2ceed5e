import { BellError } from "../types.js";
import { backoffMs } from "./backoff.js";
import type { Mark, MarkAnswer } from "./operations.js";
import type { Clock, Random } from "./ports.js";
import { Timers } from "./timers.js";

export type Outcome =
  | { kind: "done"; answer: MarkAnswer }
  | { kind: "refused"; error: BellError }
  /** Not now: all wait that long. */
  | { kind: "busy"; retryAfterMs: number }
  /** It may pass: this one is sent again after a while. */
  | { kind: "failed"; error: BellError }
  /** No answer: it is sent again when there is a connection. */
  | { kind: "lost" };

export interface MarkSender {
  /** How many may be under way now; 0 without a connection. */
  capacity(): number;
  send(mark: Mark): Promise<Outcome>;
  ended(mark: Mark, answer: MarkAnswer | BellError): void;
}

interface Entry {
  mark: Mark;
  failures: number;
}

/** A server that fails inside is asked this often; one that is merely away is asked for ever. */
const internalFailuresMost = 5;

/** Marks wait here until the server has answered them, through refusals that pass and connections that break. */
export class MarkQueue {
  private readonly waiting: Entry[] = [];
  /** Waiting, under way, or to be sent again later. */
  private readonly known = new Map<string, Entry>();
  private readonly timers: Timers<string>;
  private underWay = 0;
  private paused = false;

  constructor(
    private readonly sender: MarkSender,
    clock: Clock,
    private readonly random: Random,
  ) {
    this.timers = new Timers(clock);
  }

  get size(): number {
    return this.known.size;
  }

  /** A mark that is here already is not added again. */
  add(mark: Mark): void {
    if (this.known.has(mark.id)) return;
    const entry = { mark, failures: 0 };
    this.known.set(mark.id, entry);
    this.waiting.push(entry);
    this.wake();
  }

  /** There is capacity again. */
  wake(): void {
    while (!this.paused && this.underWay < this.sender.capacity()) {
      const entry = this.waiting.shift();
      if (entry === undefined) return;
      void this.send(entry);
    }
  }

  /** Ends all of them. */
  refuseAll(error: BellError): void {
    this.timers.clearAll();
    this.paused = false;
    this.waiting.length = 0;
    for (const entry of [...this.known.values()]) this.end(entry, error);
  }

  close(): void {
    this.timers.clearAll();
    this.waiting.length = 0;
    this.known.clear();
  }

  private async send(entry: Entry): Promise<void> {
    this.underWay += 1;
    const outcome = await this.sender.send(entry.mark).catch((): Outcome => ({ kind: "lost" }));
    this.underWay -= 1;
    if (!this.known.has(entry.mark.id)) return;
    switch (outcome.kind) {
      case "done":
        this.end(entry, outcome.answer);
        break;
      case "refused":
        this.end(entry, outcome.error);
        break;
      case "busy":
        this.waiting.unshift(entry);
        this.pause(outcome.retryAfterMs);
        break;
      case "failed":
        this.retryLater(entry, outcome.error);
        break;
      case "lost":
        this.waiting.unshift(entry);
        // Without a connection `wake` finds no capacity; with one, the loss was the mark's own.
        if (this.sender.capacity() > 0) this.pause(1_000);
        return;
    }
    this.wake();
  }

  private retryLater(entry: Entry, error: BellError): void {
    entry.failures += 1;
    if (error.code === "internal" && entry.failures >= internalFailuresMost) return this.end(entry, error);
    const delay = Math.max(error.retryAfterMs ?? 0, backoffMs(entry.failures, this.random));
    this.timers.set(entry.mark.id, delay, () => {
      this.waiting.push(entry);
      this.wake();
    });
  }

  private pause(ms: number): void {
    this.paused = true;
    this.timers.set("pause", ms, () => {
      this.paused = false;
      this.wake();
    });
  }

  private end(entry: Entry, answer: MarkAnswer | BellError): void {
    if (this.known.delete(entry.mark.id)) this.sender.ended(entry.mark, answer);
  }
}
