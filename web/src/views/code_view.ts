// How to get from here to a bell of one's own: the lines to copy.
import type { Client } from "../client.ts";
import { carillon } from "../carillon.ts";
import { h } from "../dom.ts";
import { icon } from "../icons.ts";
import { t } from "../prefs.ts";
import { effect, signal } from "../signal.ts";

const kCopiedMs = 2_000;

function snippet(title: () => string, lines: string, testid: string): HTMLElement {
  const copied = signal(false);
  async function copy(): Promise<void> {
    await navigator.clipboard.writeText(lines);
    copied.set(true);
    window.setTimeout(() => copied.set(false), kCopiedMs);
  }
  const label = () => `${t().copy}: ${title()}`;
  const button = h("button", {
    type: "button",
    class: "icon-button",
    "aria-label": label,
    title: () => t().copy,
    // The clipboard exists only on https and localhost.
    hidden: !window.isSecureContext,
    on: { click: () => void copy().catch(() => copied.set(false)) },
  });
  effect(() => button.replaceChildren(icon(copied.get() ? "check" : "copy")));
  return h(
    "div",
    { class: "snippet" },
    h("h3", { class: "step-title" }, title),
    h("div", { class: "terminal", dir: "ltr" }, h("code", { "data-testid": testid }, lines), button),
    h("p", { class: "visually-hidden", role: "status" }, () => (copied.get() ? t().copied : "")),
  );
}

export function codeView(client: Client): HTMLElement {
  const { origin } = location;
  const page = [
    `<script src="${origin}/carillon.js?v=${carillon().version}"></script>`,
    `<carillon-bell url="${origin}" token-url="/bell-token"></carillon-bell>`,
  ].join("\n");
  const terminal = `carillon send --user ${client.userId} --type demo.cli --title "Hello"`;
  return h(
    "section",
    { class: "card code-card", "aria-labelledby": "code-heading" },
    h("h2", { id: "code-heading", class: "card-title" }, () => t().codeTitle),
    h("p", { class: "card-lead" }, () => t().codeLead),
    snippet(() => t().codePage, page, "code-page"),
    snippet(() => t().tryTerminal, terminal, "code-terminal"),
  );
}
