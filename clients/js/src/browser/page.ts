import type { PageEvent, PagePort } from "../core/ports.js";

const tickMs = 2_000;
/** A timer of a hidden page may be this late without anybody having slept: browsers slow them to one a minute. */
const hiddenLateMs = 90_000;
const visibleLateMs = 15_000;
/** The wall clock ran on while the page's own stood still. */
const clocksApartMs = 5_000;

/** Tells a sleep from a late timer, by two clocks: the wall clock, and one that many systems stop while they sleep. */
export class SleepWatch {
  private wall: number;
  private own: number;

  constructor(
    private readonly wallNow: () => number,
    private readonly ownNow: () => number,
  ) {
    this.wall = wallNow();
    this.own = ownNow();
  }

  /** To be called every few seconds. True when the machine has slept since the last call. */
  hasSlept(visible: boolean): boolean {
    const wall = this.wallNow();
    const own = this.ownNow();
    const passed = wall - this.wall;
    const apart = passed - (own - this.own);
    this.wall = wall;
    this.own = own;
    return apart > clocksApartMs || passed > tickMs + (visible ? visibleLateMs : hiddenLateMs);
  }
}

/** Where there is no document (a server, a worker), the page counts as visible and online. */
export function browserPage(): PagePort {
  const doc = typeof document === "undefined" ? null : document;
  return {
    get visible() {
      return doc === null || doc.visibilityState === "visible";
    },
    get online() {
      return typeof navigator === "undefined" || navigator.onLine !== false;
    },
    listen(listener) {
      if (doc === null) return () => {};
      const watch = new SleepWatch(() => Date.now(), () => performance.now());
      const check = (): void => {
        if (watch.hasSlept(doc.visibilityState === "visible")) listener("wake");
      };
      const timer = setInterval(check, tickMs);
      const cancels: (() => void)[] = [() => clearInterval(timer)];
      const follow = (target: EventTarget, type: string, event: () => PageEvent | null): void => {
        const handler = (e: Event): void => {
          // A page that goes away for good takes everything with it; one that is kept frozen must let go.
          if (type === "pagehide" && !(e as PageTransitionEvent).persisted) return;
          if (type === "pageshow" && !(e as PageTransitionEvent).persisted) return;
          check();
          const told = event();
          if (told !== null) listener(told);
        };
        target.addEventListener(type, handler);
        cancels.push(() => target.removeEventListener(type, handler));
      };
      follow(doc, "visibilitychange", () => (doc.visibilityState === "visible" ? "visible" : "hidden"));
      follow(doc, "freeze", () => "freeze");
      follow(doc, "resume", () => "resume");
      follow(window, "pagehide", () => "freeze");
      follow(window, "pageshow", () => "resume");
      follow(window, "online", () => "online");
      follow(window, "offline", () => "offline");
      return () => cancels.forEach((cancel) => cancel());
    },
  };
}
