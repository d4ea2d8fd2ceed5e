// The tabs of one user in one browser. One of them leads: it alone has a connection, and tells the others what happens.
//
// Whoever holds the Web Lock leads; when its page goes away the browser gives the lock to the next in line. Messages go
// over a BroadcastChannel: a leader numbers its operations, so that a tab that missed one asks for the whole picture.
// A leader that does not answer a visible tab, because its page is frozen, loses the lock to that tab; so does a hidden one
// without a connection, because browsers slow the timers of hidden pages.
import { BellError } from "../types.js";
import type { Mark, Operation, Snapshot } from "./operations.js";
import type { Cancel, PageEvent, Ports } from "./ports.js";
import { Timers } from "./timers.js";

/** What any tab may want of the leader. */
export type Wish = { wish: "mark"; mark: Mark } | { wish: "more" } | { wish: "sync" } | { wish: "connect" };

export interface GroupHandlers {
  /** This tab leads from now on: its inbox goes on from where it is. */
  lead(): void;
  /** It does not lead any more. */
  follow(): void;
  /** From the leader. */
  apply(operation: Operation): void;
  adopt(snapshot: Snapshot): void;
  snapshot(): Snapshot;
  /** Of this tab or another, when leading. Rejects with a BellError. */
  fulfil(wish: Wish): Promise<void>;
}

interface Failure {
  code: string;
  message: string;
}

/** From the leader. A later leader has a greater term; `number` is that of its last operation. */
type News =
  /** From a new leader, or to a tab that asked (`to`). */
  | { type: "picture"; term: number; number: number; visible: boolean; snapshot: Snapshot; to?: string }
  | { type: "operation"; term: number; number: number; operation: Operation }
  | { type: "here"; term: number; number: number; visible: boolean }
  | { type: "answer"; term: number; id: string; error: Failure | null };

/** To the leader. */
type Request = { type: "hello"; from: string } | { type: "ping" } | { type: "wish"; id: string; wish: Wish };

type Message = News | Request;

interface OwnWish {
  wish: Wish;
  resolve(): void;
  reject(error: BellError): void;
}

const pingEveryMs = 5_000;
const answerMs = 3_000;
const takeOverMs = 1_000;
const answersKept = 1_000;

export class Group {
  private readonly timers: Timers<"ping" | "silence" | "takeOver">;
  private readonly me: string;
  private channel: { send(message: unknown): void; close(): void } | null = null;
  private letGo: Cancel | null = null;
  private unlisten: Cancel | null = null;
  private leading = false;
  private joined = false;
  /** Of the leader, this tab or another; 0 before the first was heard of. */
  private term = 0;
  private number = 0;
  /** Leading: the others have the picture that the operations go on from. */
  private announced = false;
  private leaderVisible = true;
  private connected = false;
  private readonly wishes = new Map<string, OwnWish>();
  /** Leading: the answers to wishes, so that one that is sent again is not done again. */
  private readonly answers = new Map<string, Promise<Failure | null>>();

  constructor(
    private readonly ports: Ports,
    private readonly name: string,
    /** False: alone, with a connection of its own. */
    private readonly shared: boolean,
    private readonly handlers: GroupHandlers,
  ) {
    this.timers = new Timers(ports.clock);
    this.me = ports.id();
  }

  get isLeading(): boolean {
    return this.leading;
  }

  /** Wishes of this tab that the leader has not answered. */
  ownMarks(): Mark[] {
    return [...this.wishes.values()].flatMap(({ wish }) => (wish.wish === "mark" ? [wish.mark] : []));
  }

  join(): void {
    this.unlisten = this.ports.page.listen((event) => this.onPage(event));
    this.enter();
  }

  /** For good. What was wished and not answered is rejected. */
  leave(): void {
    this.unlisten?.();
    this.exit();
    for (const own of this.wishes.values()) own.reject(new BellError("closed", "The bell was closed."));
    this.wishes.clear();
  }

  /** Resolves when the leader, whoever it is by then, has done it. */
  wish(wish: Wish): Promise<void> {
    return new Promise((resolve, reject) => {
      const id = wish.wish === "mark" ? wish.mark.id : this.ports.id();
      this.wishes.set(id, { wish, resolve, reject });
      this.send(id, wish);
    });
  }

  /** Leading: tells the others what was applied here. */
  tell(operation: Operation): void {
    if (!this.leading) return;
    this.number += 1;
    if (this.announced) this.post({ type: "operation", term: this.term, number: this.number, operation });
  }

  private enter(): void {
    const { locks, channel } = this.ports;
    this.joined = true;
    if (!this.shared || locks === null || channel === null) return this.elected();
    this.channel = channel.open(this.name, (message) => this.onMessage(message as Message));
    this.queue(false);
    this.greet();
  }

  /** Asks for the picture, and watches whether anybody answers. */
  private greet(): void {
    if (this.leading) return;
    this.post({ type: "hello", from: this.me });
    this.keepWatch();
    this.awaitAnswer();
  }

  private exit(): void {
    this.joined = false;
    this.timers.clearAll();
    this.depose();
    this.letGo?.();
    this.letGo = null;
    this.channel?.close();
    this.channel = null;
  }

  private queue(steal: boolean): void {
    const { locks } = this.ports;
    if (locks === null) return;
    this.letGo?.();
    this.letGo = locks.acquire(
      this.name,
      steal,
      () => this.elected(),
      () => {
        // Taken away: back in line.
        this.depose();
        if (!this.joined) return;
        this.queue(false);
        this.greet();
      },
    );
  }

  private elected(): void {
    if (!this.joined || this.leading) return;
    this.leading = true;
    // Greater than any before it, also than those that this tab has not heard of.
    this.term = Math.max(this.term + 1, this.ports.clock.now());
    this.number = 0;
    this.timers.clearAll();
    this.handlers.lead();
    this.announced = true;
    this.postPicture();
    for (const [id, { wish }] of this.wishes) this.send(id, wish);
  }

  private depose(): void {
    if (!this.leading) return;
    this.leading = false;
    this.announced = false;
    this.answers.clear();
    this.handlers.follow();
  }

  private send(id: string, wish: Wish): void {
    if (this.leading) void this.fulfil(id, wish);
    else this.post({ type: "wish", id, wish });
  }

  private async fulfil(id: string, wish: Wish): Promise<void> {
    let answer = this.answers.get(id);
    if (answer === undefined) {
      answer = this.handlers.fulfil(wish).then(
        () => null,
        (error: unknown) => ({ code: error instanceof BellError ? error.code : "internal", message: String((error as Error)?.message) }),
      );
      this.answers.set(id, answer);
      if (this.answers.size > answersKept) this.answers.delete(this.answers.keys().next().value as string);
    }
    const error = await answer;
    if (!this.leading) return;
    this.settle(id, error);
    this.post({ type: "answer", term: this.term, id, error });
  }

  private settle(id: string, error: Failure | null): void {
    const own = this.wishes.get(id);
    if (own === undefined) return;
    this.wishes.delete(id);
    if (error === null) own.resolve();
    else own.reject(new BellError(error.code, error.message));
  }

  private post(message: Message): void {
    this.channel?.send(message);
  }

  private postPicture(to?: string): void {
    if (this.channel === null) return;
    const { term, number } = this;
    const picture = { type: "picture", term, number, visible: this.ports.page.visible, snapshot: this.handlers.snapshot() } as const;
    this.post(to === undefined ? picture : { ...picture, to });
  }

  private postHere(): void {
    this.post({ type: "here", term: this.term, number: this.number, visible: this.ports.page.visible });
  }

  private onMessage(message: Message): void {
    if (!this.joined) return;
    if (message.type === "hello" || message.type === "ping" || message.type === "wish") {
      if (this.leading) this.onRequest(message);
    } else if (!this.leading) {
      this.onNews(message);
    }
  }

  private onRequest(message: Request): void {
    if (message.type === "hello") this.postPicture(message.from);
    else if (message.type === "ping") this.postHere();
    else void this.fulfil(message.id, message.wish);
  }

  private onNews(message: News): void {
    // From one that has lost the lock and does not know it yet.
    if (message.term < this.term) return;
    if (message.type === "picture") {
      if (message.to === undefined || message.to === this.me) this.onPicture(message);
    } else if (message.term > this.term) {
      this.post({ type: "hello", from: this.me });
    } else if (message.type === "answer") {
      this.settle(message.id, message.error);
    } else if (message.type === "operation") {
      this.onOperation(message.number, message.operation);
    } else {
      this.leaderVisible = message.visible;
      if (message.number !== this.number) this.post({ type: "hello", from: this.me });
    }
    this.keepWatch();
  }

  private onPicture(picture: News & { type: "picture" }): void {
    const isNew = picture.term !== this.term;
    this.term = picture.term;
    this.number = picture.number;
    this.leaderVisible = picture.visible;
    this.connected = isSettled(picture.snapshot.link.connection);
    this.handlers.adopt(picture.snapshot);
    // A new leader may not know what the old one was asked.
    if (isNew) for (const [id, { wish }] of this.wishes) this.send(id, wish);
  }

  private onOperation(number: number, operation: Operation): void {
    if (number > this.number + 1) return this.post({ type: "hello", from: this.me });
    if (number <= this.number) return;
    this.number = number;
    if (operation.op === "link") this.connected = isSettled(operation.status.connection);
    this.handlers.apply(operation);
  }

  // --- Who ought to lead ---------------------------------------------------------------------------------------------

  /** The leader has been heard: looks again in a while. Only visible tabs do; nobody waits for the others. */
  private keepWatch(): void {
    if (this.leading || !this.joined || this.channel === null) return;
    this.timers.clear("silence");
    if (!this.ports.page.visible) return this.timers.clearAll();
    this.timers.set("ping", pingEveryMs, () => this.ping());
    if (this.connected || this.leaderVisible || this.term === 0) this.timers.clear("takeOver");
    else if (!this.timers.has("takeOver")) this.timers.set("takeOver", this.aboutMs(takeOverMs), () => this.queue(true));
  }

  private ping(): void {
    this.post({ type: "ping" });
    this.awaitAnswer();
  }

  private awaitAnswer(): void {
    if (!this.ports.page.visible || this.leading) return;
    this.timers.set("silence", this.aboutMs(answerMs), () => this.queue(true));
  }

  /** So that two tabs do not take it from each other. */
  private aboutMs(ms: number): number {
    return ms * (1 + 0.5 * this.ports.random());
  }

  private onPage(event: PageEvent): void {
    if (event === "freeze" && this.joined) {
      this.exit();
    } else if (event === "resume" && !this.joined) {
      this.enter();
    } else if (event === "visible" || event === "hidden") {
      if (this.leading) return this.postHere();
      this.keepWatch();
      if (event === "visible" && this.joined && this.channel !== null) this.ping();
    }
  }
}

/** Live, or of no use to take over. */
function isSettled(connection: string): boolean {
  return connection === "live" || connection === "stopped" || connection === "offline";
}
