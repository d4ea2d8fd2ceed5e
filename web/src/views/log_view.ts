// The last socket events, for developers.
import { h } from "../dom.ts";
import { eventLog, type LogEntry } from "../event_log.ts";
import { language, t } from "../prefs.ts";
import { effect } from "../signal.ts";

const kSigns = { in: "←", out: "→", system: "•" } as const;

const kClock: Intl.DateTimeFormatOptions = {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hour12: false,
};

function row(entry: LogEntry, clock: Intl.DateTimeFormat): HTMLElement {
  const direction = { in: t().logReceived, out: t().logSent, system: t().logSystem }[entry.direction];
  return h(
    "li",
    { class: `log-row is-${entry.direction}` },
    h("time", { class: "log-time", datetime: entry.at.toISOString() }, clock.format(entry.at)),
    h("span", { class: "log-sign", title: direction, "aria-hidden": "true" }, kSigns[entry.direction]),
    h("span", { class: "log-name" }, h("span", { class: "visually-hidden" }, `${direction}: `), entry.name),
    h("span", { class: "log-payload", title: entry.payload }, entry.payload),
  );
}

export function logView(): HTMLElement {
  const list = h("ol", { class: "log-rows", "data-testid": "event-log", dir: "ltr", tabindex: 0, "aria-labelledby": "log-heading" });
  effect(() => {
    const clock = new Intl.DateTimeFormat(language.get(), kClock);
    const rows = new Map<number, HTMLElement>();
    list.replaceChildren();
    effect(() => {
      const entries = eventLog.get();
      const oldest = entries.at(-1)?.serial ?? Infinity;
      for (const [serial, element] of rows) {
        if (serial >= oldest) continue;
        element.remove();
        rows.delete(serial);
      }
      for (const entry of [...entries].reverse()) {
        if (rows.has(entry.serial)) continue;
        const element = row(entry, clock);
        rows.set(entry.serial, element);
        list.prepend(element);
      }
    });
  });
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
