// The bell, its badge, and the inbox that opens from it: a dialog beside the page, not over it.
import type { Client } from "../client.ts";
import { h, play } from "../dom.ts";
import { bell, icon } from "../icons.ts";
import { t } from "../prefs.ts";
import { effect, listen, type Signal } from "../signal.ts";
import { inboxList } from "./inbox_list.ts";

function bellButton(client: Client, open: Signal<boolean>): HTMLButtonElement {
  const count = () => client.inbox.get().unreadCount;
  const drawing = h("span", { class: "bell-drawing" }, bell());
  const badge = h("span", { class: "badge", "data-testid": "bell-badge", hidden: () => count() === 0 }, () =>
    String(count()),
  );
  client.onBulletin((bulletin) => {
    if (bulletin.kind !== "arrival") return;
    play(drawing, "is-ringing");
    play(badge, "is-popping");
  });
  return h(
    "button",
    {
      type: "button",
      class: "icon-button bell-button",
      "data-testid": "bell",
      "aria-label": () => t().bell(count()),
      "aria-haspopup": "dialog",
      "aria-expanded": () => (open.get() ? "true" : "false"),
      "aria-controls": "inbox",
      on: {
        click: () => open.set(!open.peek()),
        keydown: (event) => {
          if ((event as KeyboardEvent).key !== "ArrowDown") return;
          event.preventDefault();
          open.set(true);
        },
      },
    },
    drawing,
    badge,
  );
}

function panelHead(client: Client): HTMLElement {
  const count = () => client.inbox.get().unreadCount;
  return h(
    "div",
    { class: "inbox-head" },
    h("h2", { id: "inbox-title", class: "inbox-title" }, () => t().inboxTitle),
    h("span", { class: "inbox-count" }, () =>
      count() > 0 || client.load.get() === "ready" ? t().unreadCount(count()) : "",
    ),
    h(
      "button",
      {
        type: "button",
        class: "link inbox-read-all",
        "data-testid": "read-all",
        // Not `disabled`: that would drop the focus of whoever has just pressed it.
        "aria-disabled": () => count() === 0 || null,
        on: { click: () => count() > 0 && void client.markAllRead() },
      },
      icon("checks"),
      h("span", {}, () => t().readAll),
    ),
  );
}

/** Arrow keys, Home and End walk along the items; Escape is handled where the dialog closes. */
function walk(event: KeyboardEvent, panel: HTMLElement): void {
  const items = [...panel.querySelectorAll<HTMLElement>(".item")];
  if (items.length === 0) return;
  const at = items.indexOf(document.activeElement as HTMLElement);
  const targets: Record<string, number> = {
    ArrowDown: Math.min(at + 1, items.length - 1),
    ArrowUp: Math.max(at - 1, 0),
    Home: 0,
    End: items.length - 1,
  };
  const next = targets[event.key];
  if (next === undefined) return;
  event.preventDefault();
  items[next]?.focus();
}

export function inboxView(client: Client): HTMLElement {
  const open = client.inboxOpen;
  const button = bellButton(client, open);
  const panel = h(
    "div",
    {
      id: "inbox",
      class: "inbox",
      role: "dialog",
      tabindex: -1,
      "aria-labelledby": "inbox-title",
      "data-testid": "inbox",
      hidden: () => !open.get(),
    },
    panelHead(client),
    inboxList(client),
  );
  const root = h("div", { class: "bell-anchor" }, button, panel);

  effect(() => {
    if (!open.get()) return;
    // The attribute that hides the panel may be taken off after this effect.
    panel.hidden = false;
    (panel.querySelector<HTMLElement>(".item") ?? panel).focus({ preventScroll: true });
  });
  panel.addEventListener("keydown", (event) => walk(event, panel));
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !open.peek()) return;
    open.set(false);
    button.focus();
  });
  root.addEventListener("focusout", (event) => {
    const next = event.relatedTarget;
    if (next instanceof Node && !root.contains(next) && !isToast(next)) open.set(false);
  });
  listen(document, "pointerdown", (event) => {
    const target = event.target;
    if (target instanceof Node && !root.contains(target) && !isToast(target)) open.set(false);
  });
  return root;
}

function isToast(node: Node): boolean {
  return node instanceof Element && node.closest(".toasts") !== null;
}
