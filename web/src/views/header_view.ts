// The bar at the top: brand, connection, language, theme; the bell and the account when somebody is signed in.
import { api } from "../api.ts";
import type { ConnectionState } from "../carillon.ts";
import type { Client } from "../client.ts";
import { h, type Child } from "../dom.ts";
import { brandMark, icon } from "../icons.ts";
import { chooseLanguage, chooseTheme, language, t, theme } from "../prefs.ts";
import { persona, session, signOut } from "../session.ts";
import { derived, effect } from "../signal.ts";
import { bellView } from "./bell_view.ts";

function stateName(state: ConnectionState): string {
  if (state === "idle") return t().connecting;
  return state === "stopped" ? t().connectionError : t()[state];
}

function connectionPill(client: Client): HTMLElement {
  const state = derived(() => client.state.get().connection);
  return h(
    "span",
    { class: "pill", role: "status", "data-testid": "connection", "data-state": () => state.get() },
    h("span", { class: "pill-dot", "aria-hidden": "true" }),
    h("span", { class: "pill-text" }, () => stateName(state.get())),
  );
}

function languageToggle(): HTMLElement {
  const other = () => (language.get() === "en" ? "vi" : "en");
  return h(
    "button",
    {
      type: "button",
      class: "icon-button language",
      "data-testid": "lang-toggle",
      lang: other,
      title: () => t().switchTo,
      on: { click: () => chooseLanguage(other()) },
    },
    h("span", { "aria-hidden": "true" }, () => other().toUpperCase()),
    h("span", { class: "visually-hidden" }, () => t().switchTo),
  );
}

function themeToggle(): HTMLElement {
  const label = () => (theme.get() === "dark" ? t().useLight : t().useDark);
  const button = h("button", {
    type: "button",
    class: "icon-button",
    "data-testid": "theme-toggle",
    "aria-label": label,
    title: label,
    on: { click: () => chooseTheme(theme.peek() === "dark" ? "light" : "dark") },
  });
  effect(() => button.replaceChildren(icon(theme.get() === "dark" ? "sun" : "moon")));
  return button;
}

function leave(): void {
  signOut(null);
  // The page keeps nothing of the refresh cookie; the server is asked to forget it too.
  api.logout().catch(() => undefined);
}

function account(): HTMLElement {
  const who = () => session.get()?.name || session.get()?.email || "";
  return h(
    "div",
    { class: "account" },
    h("span", { class: "account-name", title: () => t().signedInAs(session.get()?.email ?? "") }, who),
    h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "data-testid": "sign-out",
        "aria-label": () => t().signOut,
        title: () => t().signOut,
        on: { click: leave },
      },
      icon("leave"),
    ),
  );
}

/** `client` is null while nobody is signed in. */
export function headerView(client: Client | null): HTMLElement {
  const tools: Child[] = client === null ? [] : [connectionPill(client)];
  tools.push(languageToggle(), themeToggle());
  if (client !== null) tools.push(bellView(client), account());
  return h(
    "header",
    { class: "topbar" },
    h(
      "div",
      { class: "topbar-inner" },
      h("div", { class: "brand" }, brandMark(), h("span", { class: "brand-name" }, "Carillon")),
      persona === null ? null : h("span", { class: "chip", title: persona }, persona),
      h("div", { class: "tools" }, ...tools),
    ),
  );
}
