// The page of somebody who is signed in.
import type { Client } from "../client.ts";
import { h } from "../dom.ts";
import { icon } from "../icons.ts";
import { now, t } from "../prefs.ts";
import { session, signOut } from "../session.ts";
import { inboxView } from "./bell_view.ts";
import { codeView } from "./code_view.ts";
import { logView } from "./log_view.ts";
import { sendView } from "./send_view.ts";
import { tryView } from "./try_view.ts";

function expiryBanner(client: Client): HTMLElement {
  const minutes = () => Math.ceil(((session.get()?.expiresAt ?? 0) - Math.max(now.get(), Date.now())) / 60_000);
  return h(
    "div",
    { class: "banner", role: "status", hidden: () => !client.expiring.get() },
    icon("alert"),
    h("span", {}, () => (client.expiring.get() ? t().expiring(minutes()) : "")),
    h("button", { type: "button", class: "link", on: { click: () => signOut(null) } }, () => t().signInAgain),
  );
}

function refusalBanner(client: Client): HTMLElement {
  const refusal = () => client.state.get().error;
  const text = () => {
    const value = refusal();
    if (value === null) return "";
    if (value.code === "forbidden") return t().refusedForbidden;
    if (value.code === "too_many_connections") return t().refusedTooMany;
    return t().refusedOther(value.message);
  };
  return h(
    "div",
    { class: "banner is-error", role: "alert", hidden: () => refusal() === null },
    icon("alert"),
    h("span", {}, text),
  );
}

export function homeView(client: Client): HTMLElement {
  const title = () => {
    const name = session.get()?.name ?? "";
    return name === "" ? t().homeTitle : t().homeGreeting(name);
  };
  return h(
    "div",
    { class: "home" },
    expiryBanner(client),
    refusalBanner(client),
    h("div", { class: "home-head" }, h("h1", { class: "title" }, title), h("p", { class: "lead" }, () => t().homeLead)),
    h("div", { class: "home-grid" }, sendView(client), tryView(client)),
    h("div", { class: "home-grid" }, inboxView(client), codeView(client)),
    logView(),
  );
}
