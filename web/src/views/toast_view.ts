// What arrives is said once, at the edge of the screen: never more than three, and not gone while it is being read.
import type { Bulletin, Client } from "../client.ts";
import { h } from "../dom.ts";
import { bell, icon } from "../icons.ts";
import { t } from "../prefs.ts";
import { detached, effect, listen, onCleanup } from "../signal.ts";

const kMost = 3;
const kShownMs = 7_000;
const kLeaveMs = 180;

interface Toast {
  element: HTMLElement;
  /** Milliseconds still to be shown, as of the last pause. */
  left: number;
  startedAt: number;
  timer: number;
  dispose: () => void;
}

function content(bulletin: Bulletin): HTMLElement {
  if (bulletin.kind !== "arrival") {
    return h("div", { class: "toast-text" }, h("p", { class: "toast-title" }, () => t()[bulletin.kind]));
  }
  const { title, body } = bulletin.notification;
  return h(
    "div",
    { class: "toast-text" },
    h("p", { class: "toast-title" }, title),
    body ? h("p", { class: "toast-body" }, body) : null,
  );
}

function toastElement(bulletin: Bulletin, dismiss: () => void): HTMLElement {
  const arrival = bulletin.kind === "arrival";
  return h(
    "div",
    {
      class: arrival ? "toast" : "toast is-error",
      "data-testid": arrival ? "toast" : "notice",
    },
    h("span", { class: "toast-icon" }, arrival ? bell() : icon("alert")),
    content(bulletin),
    h(
      "button",
      { type: "button", class: "icon-button toast-close", "aria-label": () => t().dismiss, on: { click: dismiss } },
      icon("close"),
    ),
  );
}

export function toastView(client: Client): HTMLElement {
  const toasts: Toast[] = [];
  const region = h("div", { class: "toasts", role: "region", "aria-live": "polite", "aria-label": () => t().toasts });
  let held = false;

  function remove(toast: Toast): void {
    const at = toasts.indexOf(toast);
    if (at < 0) return;
    toasts.splice(at, 1);
    window.clearTimeout(toast.timer);
    toast.dispose();
    toast.element.remove();
    if (toasts.length === 0) held = false;
  }

  function leave(toast: Toast): void {
    toast.element.classList.add("is-leaving");
    window.clearTimeout(toast.timer);
    toast.timer = window.setTimeout(() => remove(toast), kLeaveMs);
  }

  function start(toast: Toast): void {
    toast.startedAt = Date.now();
    toast.timer = window.setTimeout(() => leave(toast), toast.left);
  }

  function paused(): boolean {
    return held || document.hidden;
  }

  /** Holds all of them while one is hovered or focused, or the tab is not looked at. */
  function follow(next: boolean): void {
    const before = paused();
    held = next;
    if (paused() !== before) restart();
  }

  function restart(): void {
    for (const toast of toasts) {
      if (toast.element.classList.contains("is-leaving")) continue;
      window.clearTimeout(toast.timer);
      if (paused()) toast.left = Math.max(1_000, toast.left - (Date.now() - toast.startedAt));
      else start(toast);
    }
  }

  function show(bulletin: Bulletin): void {
    for (const oldest of toasts.slice(0, Math.max(0, toasts.length - kMost + 1))) remove(oldest);
    const toast: Toast = {
      element: region,
      left: kShownMs,
      startedAt: Date.now(),
      timer: 0,
      dispose: () => undefined,
    };
    toast.dispose = detached(() => {
      toast.element = toastElement(bulletin, () => remove(toast));
    });
    toasts.push(toast);
    region.append(toast.element);
    if (!paused()) start(toast);
  }

  client.onBulletin(show);
  effect(() => {
    // They are the first rows of what has just been opened.
    if (client.inboxOpen.get()) for (const toast of [...toasts]) remove(toast);
  });
  region.addEventListener("pointerenter", () => follow(true));
  region.addEventListener("pointerleave", () => follow(region.contains(document.activeElement)));
  region.addEventListener("focusin", () => follow(true));
  region.addEventListener("focusout", () => follow(region.matches(":hover")));
  listen(document, "visibilitychange", restart);
  onCleanup(() => {
    for (const toast of [...toasts]) remove(toast);
  });
  return region;
}
