import type { Bell, BellNotification, BellOptions, BellState } from "@carillon/client";
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";

import { Announcer } from "./announcer.js";
import { bellStyles } from "./bell_css.js";
import { bellIcon, closeIcon } from "./icons.js";
import type { CarillonInbox, OpenDetail } from "./inbox_element.js";
import { linkOf } from "./links.js";
import { messagesFor, type Messages } from "./messages.js";
import { place } from "./placement.js";
import { BellController, languageOf, localeFor, type Source } from "./source.js";
import { Toasts, type Toast } from "./toasts.js";
import { tokens } from "./tokens_css.js";

const patienceMs = 3_000;
const ringMs = 900;

/**
 * The bell: a button with the unread count that opens the inbox, and toasts for what arrives.
 *
 * @fires carillon-open - Somebody chose a notification, in the inbox or a toast. Cancelable: then its link is not followed.
 * @csspart trigger, bell-icon, badge, panel, toasts, toast; and the parts of carillon-inbox
 */
export class CarillonBell extends LitElement implements Source {
  static override styles = [tokens, bellStyles];
  static override properties = {
    bell: { attribute: false },
    getToken: { attribute: false },
    messages: { attribute: false },
    url: {},
    tokenUrl: { attribute: "token-url" },
    lang: {},
    toasts: {},
    open: { type: Boolean, reflect: true },
    away: { state: true },
    ringing: { state: true },
    popping: { state: true },
  };

  declare bell: Bell | null;
  declare url: string | null;
  declare tokenUrl: string | null;
  declare getToken: BellOptions["getToken"] | null;
  /** Words that differ from the language's dictionary. */
  declare messages: Partial<Messages> | null;
  /** "off": none are shown. */
  declare toasts: string | null;
  declare open: boolean;
  declare away: boolean;
  declare ringing: boolean;
  declare popping: boolean;

  private readonly source = new BellController(this, (bell) => this.follow(bell));
  private readonly shown = new Toasts(
    () => this.requestUpdate(),
    () => document.visibilityState === "visible",
  );
  private readonly announcer = new Announcer<BellNotification>(
    (items) => (items.length === 1 && items[0] ? this.words.arrived(items[0].title) : this.words.arrivedMany(items.length)),
    (text) => this.announce(text),
  );
  private patience: ReturnType<typeof setTimeout> | undefined;
  private ringTimer: ReturnType<typeof setTimeout> | undefined;
  private popTimer: ReturnType<typeof setTimeout> | undefined;
  private frame = 0;

  constructor() {
    super();
    this.bell = null;
    this.url = null;
    this.tokenUrl = null;
    this.getToken = null;
    this.messages = null;
    this.toasts = null;
    this.open = false;
    this.away = false;
    this.ringing = false;
    this.popping = false;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stopFollowingPage();
    clearTimeout(this.patience);
    clearTimeout(this.ringTimer);
    clearTimeout(this.popTimer);
    this.announcer.stop();
    this.shown.clear();
    this.open = false;
  }

  /** The bell that is shown: `bell`, or the one made from the attributes. */
  get activeBell(): Bell | null {
    return this.source.current;
  }

  /** Opens the inbox and puts the focus there. */
  show(): void {
    this.open = true;
  }

  /** Closes the inbox. */
  hide(): void {
    this.open = false;
  }

  private get words(): Messages {
    return { ...messagesFor(languageOf(this)), ...this.messages };
  }

  private follow(bell: Bell): (() => void)[] {
    this.judge(bell.state);
    return [
      bell.on("connection", () => this.judge(bell.state)),
      bell.on("count", () => this.pop()),
      bell.on("new", ({ notification }) => this.ring(notification)),
      bell.on("state", ({ notifications }) => {
        if (this.shown.list.length === 0) return;
        const unread = new Set(notifications.flatMap(({ notificationId, read }) => (read ? [] : [notificationId])));
        this.shown.dropRead((id) => unread.has(id));
      }),
    ];
  }

  /** Looks away only when the connection stays away. */
  private judge({ connection }: BellState): void {
    clearTimeout(this.patience);
    const well = connection === "live" || connection === "fallback" || connection === "idle";
    if (well) this.away = false;
    else this.patience = setTimeout(() => (this.away = true), connection === "stopped" ? 0 : patienceMs);
  }

  /** Only where somebody looks: of many tabs the others stay quiet. */
  private ring(notification: BellNotification): void {
    if (document.visibilityState !== "visible") return;
    this.ringing = false;
    clearTimeout(this.ringTimer);
    void this.updateComplete.then(() => {
      this.ringing = true;
      this.ringTimer = setTimeout(() => (this.ringing = false), ringMs);
    });
    this.announcer.add(notification);
    if (this.toasts !== "off" && !this.open) this.shown.add(notification);
  }

  private pop(): void {
    this.popping = false;
    clearTimeout(this.popTimer);
    void this.updateComplete.then(() => {
      this.popping = true;
      this.popTimer = setTimeout(() => (this.popping = false), 420);
    });
  }

  private announce(text: string): void {
    const region = this.renderRoot.querySelector(".announcement");
    if (region !== null) region.textContent = text;
  }

  // --- The panel -----------------------------------------------------------------------------------------------------

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    if (changed.has("open") && (this.open || changed.get("open") === true)) this.onOpenChanged();
    this.raise(".toasts", this.shown.list.length > 0);
  }

  private onOpenChanged(): void {
    const panel = this.renderRoot.querySelector<HTMLElement>(".panel");
    if (panel === null) return;
    if (!this.open) {
      this.stopFollowingPage();
      this.raise(".panel", false);
      return;
    }
    this.shown.clear();
    this.placePanel();
    this.raise(".panel", true);
    panel.focus({ preventScroll: true });
    document.addEventListener("pointerdown", this.onOutside, true);
    window.addEventListener("resize", this.onMoved);
    window.addEventListener("scroll", this.onMoved, { capture: true, passive: true });
  }

  private stopFollowingPage(): void {
    cancelAnimationFrame(this.frame);
    document.removeEventListener("pointerdown", this.onOutside, true);
    window.removeEventListener("resize", this.onMoved);
    window.removeEventListener("scroll", this.onMoved, { capture: true });
  }

  /** Into the top layer, or out of it, where the browser has one. */
  private raise(selector: string, up: boolean): void {
    const part = this.renderRoot.querySelector<HTMLElement>(selector);
    if (part === null || typeof part.showPopover !== "function" || !part.isConnected) return;
    if (part.matches(":popover-open") === up) return;
    if (up) part.showPopover();
    else part.hidePopover();
  }

  private placePanel(): void {
    const panel = this.renderRoot.querySelector<HTMLElement>(".panel");
    const trigger = this.renderRoot.querySelector(".trigger");
    if (panel === null || trigger === null) return;
    const style = getComputedStyle(this);
    const wanted = Number.parseFloat(style.getPropertyValue("--carillon-panel-width")) || 408;
    const { clientWidth: width, clientHeight } = document.documentElement;
    const height = window.visualViewport?.height ?? clientHeight;
    const placement = place(trigger.getBoundingClientRect(), wanted, { width, height }, style.direction === "rtl");
    for (const side of ["top", "left", "width", "height"] as const) panel.style.setProperty(`--_${side}`, `${placement[side]}px`);
    panel.style.setProperty("--_origin", placement.origin);
    // One that opens upwards stands on the bell.
    panel.classList.toggle("is-above", placement.origin.endsWith("bottom"));
  }

  private readonly onMoved = (event: Event): void => {
    // Scrolling the list itself moves nothing.
    if (event.type === "scroll" && event.composedPath().includes(this)) return;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.placePanel());
  };

  private readonly onOutside = (event: Event): void => {
    if (!event.composedPath().includes(this)) this.open = false;
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !this.open) return;
    event.stopPropagation();
    this.open = false;
    this.renderRoot.querySelector<HTMLElement>(".trigger")?.focus();
  };

  /** Tabbing out of the panel closes it. */
  private readonly onBlur = (event: FocusEvent): void => {
    const to = event.relatedTarget as Node | null;
    if (!this.open || to === null || this.contains(to) || this.renderRoot.contains(to)) return;
    this.open = false;
  };

  private toggle(): void {
    this.open = !this.open;
  }

  /** The inbox is done: what follows happens elsewhere. */
  private onOpenedOne(event: CustomEvent<OpenDetail>): void {
    if (event.detail.url !== null) this.open = false;
  }

  // --- Toasts --------------------------------------------------------------------------------------------------------

  private openToast(event: MouseEvent, toast: Toast): void {
    if (toast.notification === null) {
      event.preventDefault();
      this.open = true;
      return;
    }
    const { notification } = toast;
    const url = linkOf(notification.data, location.href);
    void this.source.current?.read(notification.notificationId);
    const detail: OpenDetail = { notification, url };
    const told = new CustomEvent("carillon-open", { detail, bubbles: true, composed: true, cancelable: true });
    if (!this.dispatchEvent(told)) event.preventDefault();
    this.shown.dismiss(toast.id);
  }

  // --- What is drawn -------------------------------------------------------------------------------------------------

  protected override render(): TemplateResult {
    const { words } = this;
    const unread = this.source.current?.state.unreadCount ?? 0;
    const badge = new Intl.NumberFormat(localeFor(languageOf(this))).format(unread);
    return html`
      <button
        class="trigger ${this.away ? "is-away" : ""} ${this.ringing ? "is-ringing" : ""}"
        part="trigger"
        type="button"
        aria-haspopup="dialog"
        aria-expanded=${this.open}
        aria-controls="panel"
        aria-label=${words.bell(unread).replace(String(unread), badge)}
        @click=${this.toggle}
        @keydown=${this.onKey}
        @focusout=${this.onBlur}
      >
        ${bellIcon()}
        ${unread > 0 ? html`<span class="badge ${this.popping ? "is-popping" : ""}" part="badge" aria-hidden="true">${badge}</span>` : nothing}
      </button>
      <div
        class="panel"
        id="panel"
        part="panel"
        popover="manual"
        role="dialog"
        aria-label=${words.title}
        tabindex="-1"
        ?hidden=${!this.open}
        @keydown=${this.onKey}
        @focusout=${this.onBlur}
      >
        ${this.open ? this.inbox() : nothing}
      </div>
      <div class="announcement visually-hidden" role="status"></div>
      ${this.toastRegion()}
    `;
  }

  private inbox(): TemplateResult {
    return html`
      <carillon-inbox
        exportparts="head, title, count, read-all, notice, list, day, item, dot, item-title, item-body, time, read, empty, error"
        .bell=${this.source.current}
        .messages=${this.messages}
        @carillon-open=${this.onOpenedOne}
        @carillon-read-all=${() => this.announcer.now(this.words.allRead)}
      ></carillon-inbox>
    `;
  }

  private toastRegion(): TemplateResult {
    const { list } = this.shown;
    const hold = (held: boolean) => () => this.shown.hold(held);
    return html`
      <div
        class="toasts"
        part="toasts"
        popover="manual"
        role="region"
        aria-label=${this.words.toasts}
        ?hidden=${list.length === 0}
        @mouseenter=${hold(true)}
        @mouseleave=${hold(false)}
        @focusin=${hold(true)}
        @focusout=${hold(false)}
      >
        ${repeat(list, (toast) => toast.id, (toast) => this.toast(toast))}
      </div>
    `;
  }

  private toast(toast: Toast): TemplateResult {
    const { words } = this;
    const { notification } = toast;
    const url = notification === null ? null : linkOf(notification.data, location.href);
    const open = (event: MouseEvent): void => this.openToast(event, toast);
    const title = notification === null ? words.arrivedMany(toast.count) : notification.title;
    const inside = html`
      <span class="toast-title" dir="auto">${title}</span>
      ${notification?.body ? html`<span class="toast-body" dir="auto">${notification.body}</span>` : nothing}
    `;
    return html`
      <div class="toast ${toast.leaving ? "is-leaving" : ""}" part="toast">
        <span class="toast-icon is-ringing">${bellIcon()}</span>
        ${url === null
          ? html`<button class="toast-open" type="button" @click=${open}>${inside}</button>`
          : html`<a class="toast-open" href=${url} @click=${open}>${inside}</a>`}
        <button class="toast-close" type="button" aria-label=${words.dismiss} @click=${() => this.shown.dismiss(toast.id)}>${closeIcon()}</button>
      </div>
    `;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "carillon-bell": CarillonBell;
    "carillon-inbox": CarillonInbox;
  }
}
