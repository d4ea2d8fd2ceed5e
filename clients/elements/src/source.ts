// Where an element gets its bell from: given as a property, or made from attributes and shared by all elements of the page
// that have the same.
import { createBell, type Bell, type BellOptions } from "@carillon/client";
import type { LitElement, ReactiveController } from "lit";

export interface Source extends LitElement {
  bell: Bell | null;
  url: string | null;
  tokenUrl: string | null;
  getToken: BellOptions["getToken"] | null;
}

export interface BellListener {
  /** The bell is another one, or there is none any more. */
  attach?(bell: Bell): (() => void)[];
}

const tokenMs = 8_000;

/** Asks the page's own back end: the token as text, or as JSON in `token` or `accessToken`. */
export async function fetchToken(tokenUrl: string): Promise<string | null> {
  const response = await fetch(tokenUrl, {
    headers: { accept: "application/json, text/plain" },
    cache: "no-store",
    signal: AbortSignal.timeout(tokenMs),
  });
  if (response.status === 401 || response.status === 403 || response.status === 204) return null;
  if (!response.ok) throw new Error(`${tokenUrl} answers ${response.status}`);
  const text = (await response.text()).trim();
  if (!text.startsWith("{") && !text.startsWith('"')) return text || null;
  const body = JSON.parse(text) as string | { token?: unknown; accessToken?: unknown };
  const token = typeof body === "string" ? body : (body.token ?? body.accessToken);
  return typeof token === "string" && token !== "" ? token : null;
}

interface Shared {
  url: string;
  token: unknown;
  bell: Bell;
  users: number;
}

const shared: Shared[] = [];

function borrow(url: string, token: string | BellOptions["getToken"]): Shared {
  let entry = shared.find((candidate) => candidate.url === url && candidate.token === token);
  if (entry === undefined) {
    const getToken = typeof token === "string" ? () => fetchToken(token) : token;
    entry = { url, token, bell: createBell({ url, getToken }), users: 0 };
    shared.push(entry);
  }
  entry.users += 1;
  return entry;
}

function giveBack(entry: Shared): void {
  entry.users -= 1;
  // An element that only moves within the page is back at once.
  setTimeout(() => {
    const place = shared.indexOf(entry);
    if (entry.users > 0 || place < 0) return;
    shared.splice(place, 1);
    entry.bell.close();
  }, 0);
}

/** Keeps an element with its bell, and draws it anew whenever the state changes. */
export class BellController implements ReactiveController {
  current: Bell | null = null;
  private borrowed: Shared | null = null;
  private cancels: (() => void)[] = [];
  private frame = 0;

  constructor(
    private readonly host: Source,
    private readonly attach: (bell: Bell) => (() => void)[] = () => [],
  ) {
    host.addController(this);
  }

  hostUpdate(): void {
    // An element is also drawn a last time after it has left the page.
    if (!this.host.isConnected) return;
    const { bell, url, tokenUrl, getToken } = this.host;
    const token = getToken ?? tokenUrl;
    if (bell !== null) {
      if (bell !== this.current) this.take(bell, null);
    } else if (url !== null && token !== null) {
      if (this.borrowed?.url !== url || this.borrowed.token !== token) {
        const entry = borrow(url, token);
        this.take(entry.bell, entry);
      }
    } else if (this.current !== null) {
      this.drop();
    }
  }

  hostConnected(): void {
    this.host.requestUpdate();
  }

  hostDisconnected(): void {
    this.drop();
  }

  private take(bell: Bell, entry: Shared | null): void {
    this.drop();
    this.current = bell;
    this.borrowed = entry;
    this.cancels = [bell.on("state", () => this.redraw()), ...this.attach(bell)];
  }

  private drop(): void {
    for (const cancel of this.cancels.splice(0)) cancel();
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (this.borrowed !== null) giveBack(this.borrowed);
    this.borrowed = null;
    this.current = null;
  }

  /** A burst is drawn once a frame; a hidden page, which has no frames, when it is shown. */
  private redraw(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.host.requestUpdate();
    });
  }
}

/** The language of an element: its own, its surroundings', the page's, the browser's. */
export function languageOf(element: HTMLElement): string {
  for (let node: Node | null = element; node !== null; node = (node.getRootNode() as ShadowRoot).host ?? null) {
    const found = (node as HTMLElement).closest?.("[lang]")?.getAttribute("lang");
    if (found) return found;
  }
  return document.documentElement.lang || navigator.language || "en";
}

/** For dates and numbers: "en" on the page of a reader who has "en-GB" means the latter. */
export function localeFor(language: string): string {
  const wanted = language.toLowerCase();
  return navigator.languages?.find((candidate) => candidate.toLowerCase().startsWith(`${wanted}-`)) ?? language;
}
