// The demo page: whoever is signed in gets a client and a home, everybody else the welcome.
import { renew } from "./api.ts";
import { Client } from "./client.ts";
import { h } from "./dom.ts";
import { startPrefs, t } from "./prefs.ts";
import { session, startSession } from "./session.ts";
import { derived, effect, untracked } from "./signal.ts";
import { authView } from "./views/auth_view.ts";
import { headerView } from "./views/header_view.ts";
import { homeView } from "./views/home_view.ts";

function page(userId: string | null): HTMLElement[] {
  const client = userId === null ? null : new Client(userId);
  effect(() => {
    const unread = client === null ? 0 : client.state.get().unreadCount;
    document.title = unread > 0 ? `(${unread}) Carillon` : "Carillon";
  });
  return [
    h("a", { class: "skip", href: "#main" }, () => t().skip),
    headerView(client),
    h("main", { id: "main", tabindex: -1 }, client === null ? authView() : homeView(client)),
  ];
}

function start(): void {
  startSession(renew);
  const userId = derived(() => session.get()?.userId ?? null);
  let first = true;
  effect(() => {
    const id = userId.get();
    // What the views read while they are built is theirs to follow, not this effect's.
    untracked(() => document.body.replaceChildren(...page(id)));
    // The element that had the focus is gone; the reader goes on where the new page begins.
    if (!first) {
      window.scrollTo(0, 0);
      document.getElementById("main")?.focus({ preventScroll: true });
    }
    first = false;
  });
}

startPrefs();
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
