import type { Bell, BellNotification, BellOptions, BellState, RefusedEvent } from "@carillon/client";
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";

import { fullTime, groupByDay, timeLabel } from "./dates.js";
import { alertIcon, bellIcon, checkIcon, checksIcon, lockIcon, offlineIcon } from "./icons.js";
import { inboxStyles } from "./inbox_css.js";
import { linkOf } from "./links.js";
import { messagesFor, type Messages } from "./messages.js";
import { BellController, languageOf, localeFor, type Source } from "./source.js";
import { tokens } from "./tokens_css.js";

/** A connection that is back within this time was never missed. */
const patienceMs = 3_000;
const freshMs = 1_600;
const apologyMs = 6_000;
const tickMs = 30_000;

/** Detail of the event `carillon-open`: preventing it keeps the link from being followed. */
export interface OpenDetail {
  readonly notification: BellNotification;
  /** Null when the notification leads nowhere. */
  readonly url: string | null;
}

/**
 * The list of notifications: days, unread dots, read and read-all, older ones as one scrolls, and every state between.
 *
 * @fires carillon-open - Somebody chose a notification. Cancelable.
 * @csspart head, title, count, read-all, notice, list, day, item, dot, item-title, item-body, time, read, empty, error
 */
export class CarillonInbox extends LitElement implements Source {
  static override styles = [tokens, inboxStyles];
  static override properties = {
    bell: { attribute: false },
    getToken: { attribute: false },
    messages: { attribute: false },
    url: {},
    tokenUrl: { attribute: "token-url" },
    lang: {},
    heading: { type: Number },
    impatient: { state: true },
    apology: { state: true },
    moreFailed: { state: true },
  };

  declare bell: Bell | null;
  declare url: string | null;
  declare tokenUrl: string | null;
  declare getToken: BellOptions["getToken"] | null;
  /** Words that differ from the language's dictionary. */
  declare messages: Partial<Messages> | null;
  /** The level of the title; days are one below. */
  declare heading: number;
  /** The connection has been away for longer than one overlooks. */
  declare impatient: boolean;
  declare apology: string | null;
  declare moreFailed: boolean;

  private readonly source = new BellController(this, (bell) => this.follow(bell));
  /** Rows that show all of their text. */
  private readonly unfolded = new Set<string>();
  /** What has arrived while it was looked at. */
  private readonly fresh = new Set<string>();
  private active: string | null = null;
  private patience: ReturnType<typeof setTimeout> | undefined;
  private apologyTimer: ReturnType<typeof setTimeout> | undefined;
  private ticker: ReturnType<typeof setInterval> | undefined;
  private sentinel: IntersectionObserver | null = null;

  constructor() {
    super();
    this.bell = null;
    this.url = null;
    this.tokenUrl = null;
    this.getToken = null;
    this.messages = null;
    this.heading = 2;
    this.impatient = false;
    this.apology = null;
    this.moreFailed = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.ticker = setInterval(() => this.requestUpdate(), tickMs);
    this.sentinel = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) void this.loadMore();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.ticker);
    clearTimeout(this.patience);
    clearTimeout(this.apologyTimer);
    this.sentinel?.disconnect();
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    // Observed anew after each change: an end that stays in sight after a page asks for the next one.
    this.sentinel?.disconnect();
    const end = this.renderRoot.querySelector(".end");
    if (end !== null) this.sentinel?.observe(end);
  }

  /** The bell that is shown: `bell`, or the one made from the attributes. */
  get activeBell(): Bell | null {
    return this.source.current;
  }

  private get state(): BellState | null {
    return this.source.current?.state ?? null;
  }

  private get words(): Messages {
    return { ...messagesFor(languageOf(this)), ...this.messages };
  }

  private follow(bell: Bell): (() => void)[] {
    this.judge(bell.state);
    return [
      bell.on("connection", () => this.judge(bell.state)),
      bell.on("new", ({ notification }) => this.showFresh(notification.notificationId)),
      bell.on("refused", (event) => this.apologise(event)),
    ];
  }

  /** Says that the connection is lost only when it stays so. */
  private judge({ connection }: BellState): void {
    clearTimeout(this.patience);
    const well = connection === "live" || connection === "fallback" || connection === "idle";
    if (well) this.impatient = false;
    else if (connection === "stopped" || connection === "offline") this.impatient = true;
    else this.patience = setTimeout(() => (this.impatient = true), patienceMs);
  }

  private showFresh(id: string): void {
    this.fresh.add(id);
    setTimeout(() => {
      this.fresh.delete(id);
      this.requestUpdate();
    }, freshMs);
  }

  private apologise({ action }: RefusedEvent): void {
    this.apology = action === "read" ? this.words.readRefused : this.words.readAllRefused;
    clearTimeout(this.apologyTimer);
    this.apologyTimer = setTimeout(() => (this.apology = null), apologyMs);
  }

  private async loadMore(): Promise<void> {
    const { current } = this.source;
    if (current === null || !current.state.hasMore || current.state.loadingMore || this.moreFailed) return;
    await this.loadMoreNow();
  }

  private async loadMoreNow(): Promise<void> {
    this.moreFailed = false;
    try {
      await this.source.current?.loadMore();
    } catch {
      this.moreFailed = true;
    }
  }

  // --- What the user does --------------------------------------------------------------------------------------------

  private open(event: MouseEvent, notification: BellNotification): void {
    const url = linkOf(notification.data, location.href);
    void this.source.current?.read(notification.notificationId);
    const detail: OpenDetail = { notification, url };
    const told = new CustomEvent("carillon-open", { detail, bubbles: true, composed: true, cancelable: true });
    if (!this.dispatchEvent(told)) event.preventDefault();
    if (url !== null) return;
    const { notificationId } = notification;
    if (!this.unfolded.delete(notificationId)) this.unfolded.add(notificationId);
    this.requestUpdate();
  }

  private read(event: Event, notification: BellNotification): void {
    event.stopPropagation();
    // The button goes with the mark; the row stays.
    (event.currentTarget as HTMLElement).closest("li")?.querySelector<HTMLElement>(".item")?.focus();
    void this.source.current?.read(notification.notificationId);
  }

  private readAll(): void {
    const { current } = this.source;
    if (current === null || current.unreadCount === 0) return;
    void current.readAll();
    this.dispatchEvent(new CustomEvent("carillon-read-all", { bubbles: true, composed: true }));
  }

  /** One row is in the tab order; the arrows go from row to row. */
  private onKey(event: KeyboardEvent): void {
    const items = [...this.renderRoot.querySelectorAll<HTMLElement>(".item")];
    const at = items.findIndex((item) => item === event.target || item.parentElement?.contains(event.target as Node));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const next = items[Math.min(items.length - 1, Math.max(0, to))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  private onFocus(event: FocusEvent): void {
    const id = (event.target as HTMLElement).closest("li")?.dataset.id;
    if (id === undefined || id === this.active) return;
    this.active = id;
    this.requestUpdate();
  }

  // --- What is drawn -------------------------------------------------------------------------------------------------

  protected override render(): TemplateResult {
    const { state, words } = this;
    const unread = state?.unreadCount ?? 0;
    const rows = state?.notifications.length ?? 0;
    const formatted = new Intl.NumberFormat(localeFor(languageOf(this))).format(unread);
    return html`
      <div class="head" part="head">
        <div class="head-text">
          <div class="title" part="title" role="heading" aria-level=${this.heading}>${words.title}</div>
          ${rows > 0 || unread > 0
            ? html`<span class="count" part="count">${words.unreadCount(unread).replace(String(unread), formatted)}</span>`
            : nothing}
        </div>
        ${rows > 0
          ? html`
              <button class="text-button" part="read-all" type="button" aria-disabled=${unread === 0} @click=${this.readAll}>
                ${checksIcon()} ${words.readAll}
              </button>
            `
          : nothing}
      </div>
      ${this.notice()}
      <div class="scroll" part="list" aria-busy=${state === null || state.list === "loading"} @keydown=${this.onKey} @focusin=${this.onFocus}>
        ${this.content()}
      </div>
    `;
  }

  private notice(): TemplateResult | typeof nothing {
    const { state, words } = this;
    if (this.apology !== null) return this.noticeOf(alertIcon(), this.apology, true);
    if (state === null || !this.impatient) return nothing;
    const { connection, error } = state;
    if (connection === "stopped") {
      const text = error?.code === "forbidden" ? words.forbidden : words.signedOut;
      return state.notifications.length === 0 ? nothing : this.noticeOf(alertIcon(), text, true, true);
    }
    if (state.notifications.length === 0 && state.list !== "ready") return nothing;
    if (connection === "offline") return this.noticeOf(offlineIcon(), words.offline, false);
    return this.noticeOf(offlineIcon(), words.reconnecting, false);
  }

  private noticeOf(icon: unknown, text: string, isError: boolean, retry = false): TemplateResult {
    return html`
      <div class="notice ${isError ? "is-error" : ""}" part="notice" role="status">
        ${icon}
        <span class="notice-text">${text}</span>
        ${retry ? html`<button class="text-button" type="button" @click=${this.connect}>${this.words.retry}</button>` : nothing}
      </div>
    `;
  }

  private connect(): void {
    this.source.current?.connect();
  }

  private content(): TemplateResult | TemplateResult[] {
    const { state, words } = this;
    if (state !== null && state.notifications.length > 0) return this.groups(state);
    if (state?.list === "ready" && !state.hasMore) return this.quiet(bellIcon(), words.emptyTitle, words.emptyText);
    if (state?.connection === "stopped") {
      return state.error?.code === "forbidden"
        ? this.quiet(lockIcon(), words.forbiddenTitle, words.forbidden, true)
        : this.quiet(lockIcon(), words.signedOutTitle, words.signedOut, true);
    }
    if (state?.list === "failed" && (this.impatient || state.connection === "live")) return this.quiet(alertIcon(), words.failedTitle, words.failedText, true);
    const row = html`<div class="skeleton"><span></span><span><i></i><i></i></span></div>`;
    return html`<span class="visually-hidden">${words.loading}</span><div aria-hidden="true">${row}${row}${row}${row}</div>`;
  }

  private quiet(icon: unknown, title: string, text: string, isError = false): TemplateResult {
    return html`
      <div class="quiet" part=${isError ? "error" : "empty"}>
        <span class="quiet-icon ${isError ? "is-error" : ""}">${icon}</span>
        <p class="quiet-title">${title}</p>
        <p class="quiet-text">${text}</p>
        ${isError ? html`<button class="button" type="button" @click=${this.connect}>${this.words.retry}</button>` : nothing}
      </div>
    `;
  }

  private groups(state: BellState): TemplateResult {
    const language = localeFor(languageOf(this));
    const now = new Date();
    const groups = groupByDay(state.notifications, now, language, this.words);
    const first = state.notifications[0]?.notificationId;
    const known = state.notifications.some((notification) => notification.notificationId === this.active);
    const active = known ? this.active : first;
    return html`
      ${repeat(groups, (group) => group.key, (group) => html`
        <div role="group" aria-labelledby=${`day-${group.key}`}>
          <div class="day" part="day" role="heading" aria-level=${this.heading + 1} id=${`day-${group.key}`}>${group.label}</div>
          <ul role="list">
            ${repeat(group.notifications, (each) => each.notificationId, (each) => this.row(each, each.notificationId === active, now, language))}
          </ul>
        </div>
      `)}
      ${this.end(state)}
    `;
  }

  private end(state: BellState): TemplateResult | typeof nothing {
    const { words } = this;
    if (this.moreFailed) {
      return html`
        <div class="more" role="status">
          <span>${words.moreFailed}</span>
          <button class="text-button" type="button" @click=${this.loadMoreNow}>${words.retry}</button>
        </div>
      `;
    }
    if (!state.hasMore) return nothing;
    return html`<div class="more end"><span class="spinner"></span><span class="visually-hidden">${words.loadingMore}</span></div>`;
  }

  private row(notification: BellNotification, active: boolean, now: Date, language: string): TemplateResult {
    const { notificationId, title, body, createdAt, read, data } = notification;
    const url = linkOf(data, location.href);
    const tabindex = active ? 0 : -1;
    const open = (event: MouseEvent): void => this.open(event, notification);
    const unfolded = this.unfolded.has(notificationId);
    const classes = [read && "is-read", unfolded && "is-open", this.fresh.has(notificationId) && "is-new"].filter(Boolean).join(" ");
    const inside = html`
      <span class="dot" part="dot">${read ? nothing : html`<span class="visually-hidden">${this.words.unread}</span>`}</span>
      <span class="item-title" part="item-title" dir="auto">${title}</span>
      <time part="time" datetime=${createdAt} title=${fullTime(createdAt, language)}>${timeLabel(createdAt, now, language)}</time>
      ${body ? html`<span class="item-body" part="item-body" dir="auto">${body}</span>` : nothing}
    `;
    return html`
      <li class=${classes} data-id=${notificationId}>
        ${url === null
          ? html`<button class="item" part="item" type="button" tabindex=${tabindex} aria-expanded=${body ? unfolded : nothing} @click=${open}>${inside}</button>`
          : html`<a class="item" part="item" href=${url} tabindex=${tabindex} @click=${open}>${inside}</a>`}
        ${read
          ? nothing
          : html`<button class="read" part="read" type="button" tabindex=${tabindex} aria-label=${this.words.read} title=${this.words.read}
              @click=${(event: Event) => this.read(event, notification)}>${checkIcon()}</button>`}
      </li>
    `;
  }
}
