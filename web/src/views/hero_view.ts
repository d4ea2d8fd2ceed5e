// The first screen's picture: three windows of one user, whose bells ring together.
import { h, type Child } from "../dom.ts";
import { bell, icon } from "../icons.ts";
import { t } from "../prefs.ts";

function line(width: string): HTMLElement {
  return h("span", { class: `mini-line ${width}` });
}

function miniWindow(place: string, ...content: Child[]): HTMLElement {
  return h(
    "div",
    { class: `mini ${place}` },
    h(
      "div",
      { class: "mini-bar" },
      h("span", { class: "mini-tab" }),
      h("span", { class: "mini-bell" }, bell(), h("span", { class: "mini-badge" }, "1")),
    ),
    h("div", { class: "mini-page" }, ...content),
  );
}

function miniInbox(): HTMLElement {
  return h(
    "div",
    { class: "mini-inbox" },
    h("span", { class: "mini-dot" }),
    h("div", { class: "mini-page" }, h("span", { class: "mini-title" }, () => t().samples[1]?.[0] ?? ""), line("w90"), line("w50")),
  );
}

function picture(): HTMLElement {
  return h(
    "div",
    { class: "scene", "aria-hidden": "true" },
    miniWindow("mini-back", line("w70"), line("w90"), line("w50")),
    miniWindow("mini-front", line("w50"), line("w80"), line("w90"), line("w60"), line("w40"), miniInbox()),
    miniWindow("mini-phone", line("w80"), line("w60"), line("w90"), line("w50")),
  );
}

function fact(text: () => string): HTMLElement {
  return h("li", { class: "fact" }, icon("check"), h("span", {}, text));
}

export function heroView(): HTMLElement {
  return h(
    "section",
    { class: "hero" },
    h("h1", { class: "display" }, () => t().heroTitle),
    h("p", { class: "lead" }, () => t().heroLead),
    picture(),
    h("ul", { class: "facts" }, fact(() => t().factCount), fact(() => t().factMissed), fact(() => t().factOwn)),
  );
}
