// What to try, in order; each step ticks itself off when it has happened.
import type { Client } from "../client.ts";
import { h, type Child } from "../dom.ts";
import { icon } from "../icons.ts";
import { t } from "../prefs.ts";
import { persona } from "../session.ts";
import { effect, listen, onCleanup, signal, type Signal } from "../signal.ts";

const kCopiedMs = 2_000;

/** Turns true once another tab of the same user has been heard of. */
function anotherTab(userId: string): Signal<boolean> {
  const seen = signal(false);
  const channel = new BroadcastChannel(`carillon.tabs.${userId}`);
  listen(channel, "message", (event) => {
    seen.set(true);
    if ((event as MessageEvent).data === "hello") channel.postMessage("here");
  });
  channel.postMessage("hello");
  onCleanup(() => channel.close());
  return seen;
}

/** "guest", then "guest-2", "guest-3": each opens a user that this tab is not. */
function nextPersona(): string {
  if (persona === null) return "guest";
  const [, stem, number] = /^(.*?)(?:-(\d+))?$/.exec(persona) ?? [];
  return `${stem || "guest"}-${Number(number ?? 1) + 1}`;
}

function step(done: () => boolean, title: Child, text: () => string): HTMLElement {
  return h(
    "li",
    { class: () => (done() ? "step is-done" : "step") },
    h("span", { class: "step-mark", "aria-hidden": "true" }, icon("check")),
    h(
      "div",
      {},
      h("p", { class: "step-title" }, title, h("span", { class: "visually-hidden" }, () => (done() ? ` (${t().done})` : ""))),
      h("p", { class: "step-text" }, text),
    ),
  );
}

function openLink(href: string, text: () => string, testid: string): HTMLElement {
  return h(
    "a",
    { class: "step-link", href, target: "_blank", rel: "noopener", "data-testid": testid },
    h("span", {}, text),
    icon("out"),
    h("span", { class: "visually-hidden" }, () => ` (${t().opensNewTab})`),
  );
}

/** How a back end would do it; the user's id is what a developer looks for here. */
function terminal(userId: string): HTMLElement {
  const command = `carillon send --user ${userId} --type demo.cli --title "Hello"`;
  const copied = signal(false);
  async function copy(): Promise<void> {
    await navigator.clipboard.writeText(command);
    copied.set(true);
    window.setTimeout(() => copied.set(false), kCopiedMs);
  }
  const button = h("button", {
    type: "button",
    class: "icon-button",
    "aria-label": () => t().copy,
    title: () => t().copy,
    // The clipboard exists only on https and localhost.
    hidden: !window.isSecureContext,
    on: { click: () => void copy().catch(() => copied.set(false)) },
  });
  effect(() => button.replaceChildren(icon(copied.get() ? "check" : "copy")));
  return h(
    "div",
    { class: "aside" },
    h("p", { class: "step-title" }, () => t().tryTerminal),
    h("div", { class: "terminal" }, h("code", {}, command), button),
    h("p", { class: "visually-hidden", role: "status" }, () => (copied.get() ? t().copied : "")),
  );
}

export function tryView(client: Client): HTMLElement {
  const tabs = anotherTab(client.userId);
  return h(
    "section",
    { class: "card try-card", "aria-labelledby": "try-heading" },
    h("h2", { id: "try-heading", class: "card-title" }, () => t().tryTitle),
    h(
      "ol",
      { class: "steps" },
      step(() => tabs.get(), openLink(location.pathname + location.search, () => t().tryOpen, "open-tab"), () => t().tryOpenText),
      step(() => client.sawSend.get(), () => t().trySend, () => t().trySendText),
      step(() => client.sawRead.get(), () => t().tryRead, () => t().tryReadText),
    ),
    h(
      "div",
      { class: "aside" },
      openLink(`${location.pathname}?as=${encodeURIComponent(nextPersona())}`, () => t().tryOther, "open-other"),
      h("p", { class: "step-text" }, () => t().tryOtherText),
    ),
    terminal(client.userId),
  );
}
