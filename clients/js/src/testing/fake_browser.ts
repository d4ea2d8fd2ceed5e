// A browser with tabs: pages that show, hide, freeze and close, the lock and the channel they share, and their storage.
import { BellClient } from "../bell.js";
import type { ChannelPort, LocksPort, PageEvent, PagePort, Ports, StoragePort } from "../core/ports.js";
import type { BellOptions, TokenRequest } from "../types.js";
import { FakeClock, settle } from "./fake_clock.js";
import { FakeServer } from "./fake_server.js";

export function jwt(user: string, expiresAt: number, serial = 0): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ sub: user, exp: Math.floor(expiresAt / 1000), jti: String(serial) })}.x`;
}

class FakePage implements PagePort {
  visible = true;
  online = true;
  frozen = false;
  private readonly listeners = new Set<(event: PageEvent) => void>();

  listen(listener: (event: PageEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
  tell(event: PageEvent): void {
    if (event === "visible" || event === "hidden") this.visible = event === "visible";
    if (event === "online" || event === "offline") this.online = event === "online";
    for (const listener of [...this.listeners]) listener(event);
  }
}

interface Waiter {
  page: FakePage;
  held(): void;
  lost(): void;
}

export class Tab {
  readonly page = new FakePage();
  readonly bell: BellClient;
  /** Arrivals and refusals, as the application heard of them. */
  readonly arrivals: { title: string; live: boolean }[] = [];
  readonly refusals: { action: string; code: string }[] = [];

  constructor(browser: FakeBrowser, options: Partial<BellOptions>) {
    this.bell = new BellClient({ url: "http://server", getToken: (request) => browser.token(request), ...options }, browser.ports(this.page));
    this.bell.on("new", ({ notification, live }) => this.arrivals.push({ title: notification.title, live }));
    this.bell.on("refused", ({ action, error }) => this.refusals.push({ action, code: error.code }));
    this.bell.start();
  }

  get titles(): string[] {
    return this.bell.notifications.map((notification) => notification.title);
  }
  get unreadTitles(): string[] {
    return this.bell.notifications.filter((notification) => !notification.read).map((notification) => notification.title);
  }
}

export class FakeBrowser {
  readonly clock = new FakeClock();
  readonly server = new FakeServer(this.clock);
  readonly stored = new Map<string, string>();
  readonly tokenRequests: TokenRequest[] = [];
  /** What getToken gives; by default a token of an hour. */
  giveToken: () => string | null | Promise<string | null> = () => jwt("user", this.clock.now() + 3_600_000, this.tokenRequests.length);
  hasLocks = true;
  random = 0.5;

  private ids = 0;
  private holder: Waiter | null = null;
  private readonly queue: Waiter[] = [];
  /** Of frozen pages: what they hear of when they thaw. */
  private readonly robbed: Waiter[] = [];
  private readonly channels = new Map<FakePage, Set<(message: unknown) => void>>();

  open(options: Partial<BellOptions> = {}): Tab {
    return new Tab(this, options);
  }

  /** A tab, connected and with its list. */
  async opened(options: Partial<BellOptions> = {}): Promise<Tab> {
    const tab = this.open(options);
    await this.clock.advance(200);
    return tab;
  }

  /** The document is gone: nobody in it is told anything. */
  close(tab: Tab): void {
    const { page } = tab;
    this.channels.delete(page);
    page.frozen = true;
    for (const waiter of this.queue.filter((candidate) => candidate.page === page)) this.queue.splice(this.queue.indexOf(waiter), 1);
    if (this.holder?.page === page) this.release(this.holder);
    this.links.get(page)?.forEach((close) => close());
  }

  /** The page runs again. What it had to say meanwhile comes out before it hears that the lock is gone. */
  async thaw(tab: Tab): Promise<void> {
    tab.page.frozen = false;
    await this.clock.advance(50);
    for (const waiter of this.robbed.filter((candidate) => candidate.page === tab.page)) {
      this.robbed.splice(this.robbed.indexOf(waiter), 1);
      waiter.lost();
    }
  }

  token(request: TokenRequest): string | null | Promise<string | null> {
    this.tokenRequests.push(request);
    return this.giveToken();
  }

  private readonly links = new Map<FakePage, Set<() => void>>();

  ports(page: FakePage): Ports {
    const closers = new Set<() => void>();
    this.links.set(page, closers);
    return {
      clock: {
        now: () => this.clock.now(),
        after: (ms, action) => this.clock.after(ms, () => !page.frozen && action()),
      },
      random: () => this.random,
      id: () => `id-${(this.ids += 1)}`,
      socket: {
        open: (token, handlers) => {
          const link = this.server.socket.open(token, handlers);
          closers.add(() => link.close());
          return link;
        },
      },
      http: this.server.http,
      page,
      locks: this.hasLocks ? this.locks(page) : null,
      channel: this.channel(page),
      storage: this.storage,
    };
  }

  private readonly storage: StoragePort = {
    get: (key) => this.stored.get(key) ?? null,
    set: (key, value) => {
      this.stored.set(key, value);
      return true;
    },
    remove: (key) => void this.stored.delete(key),
    keys: (prefix) => [...this.stored.keys()].filter((key) => key.startsWith(prefix)),
  };

  private locks(page: FakePage): LocksPort {
    return {
      acquire: (_name, steal, held, lost) => {
        const waiter = { page, held, lost };
        if (steal && this.holder !== null) {
          const robbed = this.holder;
          this.holder = null;
          if (robbed.page.frozen) this.robbed.push(robbed);
          else queueMicrotask(() => robbed.lost());
        }
        if (steal) this.queue.unshift(waiter);
        else this.queue.push(waiter);
        this.grant();
        return () => {
          const place = this.queue.indexOf(waiter);
          if (place >= 0) this.queue.splice(place, 1);
          else this.release(waiter);
        };
      },
    };
  }

  private grant(): void {
    queueMicrotask(() => {
      if (this.holder !== null) return;
      const next = this.queue.shift();
      if (next === undefined) return;
      this.holder = next;
      next.held();
    });
  }

  private release(waiter: Waiter): void {
    if (this.holder !== waiter) return;
    this.holder = null;
    this.grant();
  }

  private channel(page: FakePage): ChannelPort {
    return {
      open: (_name, receive) => {
        const mine = this.channels.get(page) ?? new Set();
        this.channels.set(page, mine.add(receive));
        return {
          send: (message) => {
            // What is closed or frozen says nothing, whatever promise of it was kept.
            if (page.frozen) return;
            const copy = structuredClone(message);
            for (const [other, receivers] of this.channels) {
              if (other === page) continue;
              for (const receiver of receivers) this.clock.after(0.1, () => receivers.has(receiver) && !other.frozen && receiver(copy));
            }
          },
          close: () => void mine.delete(receive),
        };
      },
    };
  }

  async settle(): Promise<void> {
    await settle();
  }
}
