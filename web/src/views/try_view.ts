// What to try, in order; each step ticks itself off when it has happened.
import type { Client } from "../client.ts";
import { h, type Child } from "../dom.ts";
import { icon } from "../icons.ts";
import { t } from "../prefs.ts";
import { persona } from "../session.ts";
import { listen, onCleanup, signal, type Signal } from "../signal.ts";

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
  );
}
