// The bell in the bar and the inbox on the page: the elements of @carillon/elements, with this page's language and bell.
import type { Client } from "../client.ts";
import { h } from "../dom.ts";
import { language, t } from "../prefs.ts";

/** A demo is not left by a click: what leads away opens beside it. */
function openBeside(event: Event): void {
  const { url } = (event as CustomEvent<{ url: string | null }>).detail;
  if (url === null) return;
  event.preventDefault();
  window.open(url, "_blank", "noopener");
}

const shared = () => ({ lang: () => language.get(), on: { "carillon-open": openBeside } });

export function bellView(client: Client): HTMLElement {
  const element = h("carillon-bell", { "data-testid": "bell", ...shared() });
  element.bell = client.bell;
  return element;
}

export function inboxView(client: Client): HTMLElement {
  const element = h("carillon-inbox", { "data-testid": "inbox", ...shared() });
  element.bell = client.bell;
  return h("section", { class: "card inbox-card", "aria-label": () => t().inboxLabel }, element);
}
