// The last socket events, for developers.
import { h } from "../dom.ts";
import { eventLog, type LogEntry } from "../event_log.ts";
import { language, t } from "../prefs.ts";
import { effect } from "../signal.ts";

const kSigns = { in: "←", out: "→", system: "•" } as const;

function clock(at: Date): string {
  return new Intl.DateTimeFormat(language.get(), {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    hour12: false,
  }).format(at);
}

function row(entry: LogEntry): HTMLElement {
  const direction = { in: t().logReceived, out: t().logSent, system: t().logSystem }[entry.direction];
  return h(
    "li",
    { class: `log-row is-${entry.direction}` },
    h("time", { class: "log-time", datetime: entry.at.toISOString() }, clock(entry.at)),
    h("span", { class: "log-sign", title: direction, "aria-hidden": "true" }, kSigns[entry.direction]),
    h("span", { class: "log-name" }, h("span", { class: "visually-hidden" }, `${direction}: `), entry.name),
    h("span", { class: "log-payload", title: entry.payload }, entry.payload),
  );
}

export function logView(): HTMLElement {
  const list = h("ol", { class: "log-rows", "data-testid": "event-log", tabindex: 0, "aria-labelledby": "log-heading" });
  effect(() => list.replaceChildren(...eventLog.get().map(row)));
  return h(
    "section",
    { class: "log" },
    h(
      "div",
      { class: "log-head" },
      h("h2", { id: "log-heading", class: "card-title" }, () => t().logTitle),
      h("p", { class: "log-lead" }, () => t().logLead),
    ),
    list,
    h("p", { class: "log-empty", hidden: () => eventLog.get().length > 0 }, () => t().logEmpty),
  );
}
