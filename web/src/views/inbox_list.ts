// The list inside the inbox, with its empty, loading, offline and error states. Rows are kept by id, so that focus and
// scroll stay where they are while others arrive.
import type { Client } from "../client.ts";
import { h } from "../dom.ts";
import { bell, icon } from "../icons.ts";
import type { InboxItem } from "../inbox_state.ts";
import { fullTime, relativeTime, t } from "../prefs.ts";
import { detached, effect, onCleanup, signal, type Signal } from "../signal.ts";
import type { Notification } from "../types.ts";

interface Row {
  element: HTMLElement;
  read: Signal<boolean>;
  dispose: () => void;
}

/** `data.url` when it is http(s) or relative, else null: the server refuses the others, and so does the page. */
function linkOf(notification: Notification): string | null {
  const url = notification.data?.url;
  if (typeof url !== "string" || url === "") return null;
  try {
    const { protocol } = new URL(url, location.href);
    return protocol === "http:" || protocol === "https:" ? url : null;
  } catch {
    return null;
  }
}

function makeRow(client: Client, notification: Notification, read: Signal<boolean>): HTMLElement {
  const link = linkOf(notification);
  const id = notification.notificationId;
  const attributes = {
    class: "item",
    "data-testid": "inbox-item",
    "data-id": id,
    "data-read": () => String(read.get()),
    on: {
      click: (event: Event) => {
        (event.currentTarget as HTMLElement).classList.toggle("is-open");
        void client.markRead(id);
      },
    },
  };
  const content = [
    h("span", { class: "item-dot", "aria-hidden": "true" }),
    h(
      "span",
      { class: "item-text" },
      h("span", { class: "visually-hidden" }, () => (read.get() ? "" : `${t().unread} `)),
      h("span", { class: "item-title", "data-testid": "inbox-item-title" }, notification.title),
      notification.body ? h("span", { class: "item-body" }, notification.body) : null,
      h(
        "span",
        { class: "item-meta" },
        h("time", { datetime: notification.createdAt, title: () => fullTime(notification.createdAt) }, () =>
          relativeTime(notification.createdAt),
        ),
        h("span", { class: "item-type" }, notification.type),
        link === null ? null : h("span", { class: "item-link" }, icon("out"), h("span", { class: "visually-hidden" }, () => t().opensNewTab)),
      ),
    ),
  ];
  return h(
    "li",
    {},
    link === null
      ? h("button", { type: "button", ...attributes }, ...content)
      : h("a", { href: link, target: "_blank", rel: "noopener noreferrer", ...attributes }, ...content),
  );
}

function rows(client: Client): HTMLElement {
  const list = h("ul", { class: "items", hidden: () => client.inbox.get().items.length === 0 });
  const known = new Map<string, Row>();

  function rowOf(item: InboxItem): Row {
    const id = item.notification.notificationId;
    const existing = known.get(id);
    if (existing !== undefined) return existing;
    const read = signal(item.read);
    let element!: HTMLElement;
    const dispose = detached(() => {
      element = makeRow(client, item.notification, read);
    });
    const row = { element, read, dispose };
    known.set(id, row);
    return row;
  }

  effect(() => {
    const { items } = client.inbox.get();
    const present = new Set(items.map((item) => item.notification.notificationId));
    for (const [id, row] of known) {
      if (present.has(id)) continue;
      row.dispose();
      row.element.remove();
      known.delete(id);
    }
    items.forEach((item, index) => {
      const row = rowOf(item);
      row.read.set(item.read);
      const there = list.children[index];
      if (there !== row.element) list.insertBefore(row.element, there ?? null);
    });
  });
  onCleanup(() => {
    for (const row of known.values()) row.dispose();
  });
  return list;
}

function emptyState(client: Client): HTMLElement {
  const empty = () => client.inbox.get().items.length === 0;
  const skeleton = () =>
    h("div", { class: "skeleton" }, h("span", { class: "mini-line w60" }), h("span", { class: "mini-line w90" }));
  return h(
    "div",
    { class: "inbox-empty", hidden: () => !empty() },
    h(
      "div",
      { hidden: () => client.load.get() !== "loading" },
      h("p", { class: "visually-hidden" }, () => t().loading),
      skeleton(),
      skeleton(),
      skeleton(),
    ),
    h(
      "div",
      { class: "quiet", hidden: () => client.load.get() !== "ready" },
      h("span", { class: "quiet-bell" }, bell()),
      h("p", { class: "quiet-title" }, () => t().emptyTitle),
      h("p", { class: "quiet-text" }, () => t().emptyText),
    ),
  );
}

function notices(client: Client): HTMLElement[] {
  const away = () => ["offline", "reconnecting", "error"].includes(client.live.state.get());
  return [
    h("p", { class: "inbox-notice", role: "status", hidden: () => !away() }, () => (away() ? t().stale : "")),
    h(
      "div",
      { class: "inbox-notice is-error", role: "alert", hidden: () => client.load.get() !== "failed" || away() },
      h("span", {}, () => t().listFailed),
      h("button", { type: "button", class: "link", on: { click: () => void client.reload() } }, () => t().retry),
    ),
  ];
}

export function inboxList(client: Client): HTMLElement {
  const list = rows(client);
  const more = h(
    "button",
    {
      type: "button",
      class: "button quiet-button wide",
      "data-testid": "load-more",
      "aria-disabled": () => client.loadingMore.get() || null,
      hidden: () => !client.inbox.get().hasMore,
      on: { click: () => void showOlder() },
    },
    () => (client.loadingMore.get() ? t().loading : t().loadMore),
  );

  async function showOlder(): Promise<void> {
    const last = list.querySelector<HTMLElement>("li:last-child .item");
    await client.loadMore();
    // With the last page the button goes; whoever was on it stays in the list.
    if (!client.inbox.peek().hasMore && document.activeElement === more) last?.focus();
  }

  return h("div", { class: "inbox-scroll" }, ...notices(client), emptyState(client), list, h("div", { class: "inbox-foot" }, more));
}
