import type { BellNotification } from "@carillon/client";

import type { Messages } from "./messages.js";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

export interface DayGroup {
  /** The day, as it is in the reader's time zone. */
  readonly key: string;
  readonly label: string;
  readonly notifications: readonly BellNotification[];
}

function dayKey(date: Date): string {
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

function dayLabel(date: Date, now: Date, language: string, messages: Messages): string {
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (dayKey(date) === dayKey(now)) return messages.today;
  if (dayKey(date) === dayKey(yesterday)) return messages.yesterday;
  const sameYear = date.getFullYear() === now.getFullYear();
  return new Intl.DateTimeFormat(language, {
    weekday: "long",
    day: "numeric",
    month: "long",
    ...(sameYear ? {} : { year: "numeric" }),
  }).format(date);
}

/** Newest day first, as the notifications are. */
export function groupByDay(
  notifications: readonly BellNotification[],
  now: Date,
  language: string,
  messages: Messages,
): DayGroup[] {
  const groups: { key: string; label: string; notifications: BellNotification[] }[] = [];
  for (const notification of notifications) {
    const created = new Date(notification.createdAt);
    // A sender's clock that runs ahead does not open a day that has not come.
    const date = created > now ? now : created;
    const key = dayKey(date);
    const last = groups.at(-1);
    if (last?.key === key) last.notifications.push(notification);
    else groups.push({ key, label: dayLabel(date, now, language, messages), notifications: [notification] });
  }
  return groups;
}

/** Today: how long ago. Else the time of day: the day stands above it. */
export function timeLabel(createdAt: string, now: Date, language: string): string {
  const date = new Date(createdAt);
  const ago = Math.max(0, now.getTime() - date.getTime());
  if (dayKey(date) !== dayKey(now) && ago > 0) {
    return new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" }).format(date);
  }
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "narrow" });
  if (ago < minuteMs) return relative.format(0, "second");
  if (ago < hourMs) return relative.format(-Math.floor(ago / minuteMs), "minute");
  return relative.format(-Math.floor(ago / hourMs), "hour");
}

export function fullTime(createdAt: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" }).format(new Date(createdAt));
}
