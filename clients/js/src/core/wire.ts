// What comes from outside is looked at before it is believed. A payload that breaks the contract counts as not sent; the
// versions show that it is missing, and a sync brings it.
import type {
  AckSync,
  NotificationNew,
  NotificationPage,
  NotificationUpdated,
  UnreadCountUpdated,
} from "@carillon/contracts/types";

import { BellError } from "../types.js";
import type { MarkAnswer } from "./operations.js";
import { isVersion } from "./versions.js";

type Fields = Record<string, unknown>;

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRow(value: unknown): boolean {
  const { notificationId, title, createdAt, version } = fieldsOf(value);
  return typeof notificationId === "string" && typeof title === "string" && typeof createdAt === "string" && isVersion(version);
}

function isRows(value: unknown): boolean {
  return Array.isArray(value) && value.every(isRow);
}

export function newEvent(payload: unknown): NotificationNew | null {
  return isRow(payload) && isCount(fieldsOf(payload).unreadCount) ? (payload as NotificationNew) : null;
}

export function updatedEvent(payload: unknown): NotificationUpdated | null {
  const { action, notificationId, unreadCount, version, before } = fieldsOf(payload);
  if (before !== undefined && !isVersion(before)) return null;
  const known = action === "read-all" || (action === "read" && typeof notificationId === "string");
  return known && isCount(unreadCount) && isVersion(version) ? (payload as NotificationUpdated) : null;
}

export function countEvent(payload: unknown): UnreadCountUpdated | null {
  const { count, version } = fieldsOf(payload);
  return isCount(count) && isVersion(version) ? (payload as UnreadCountUpdated) : null;
}

export function syncAnswer(payload: unknown): AckSync | null {
  const { notifications, version, unreadCount, hasMore } = fieldsOf(payload);
  const whole = isRows(notifications) && isVersion(version) && isCount(unreadCount) && typeof hasMore === "boolean";
  return whole ? (payload as AckSync) : null;
}

export function pageAnswer(payload: unknown): NotificationPage | null {
  const { data, nextCursor, unreadCount, version } = fieldsOf(payload);
  const whole = isRows(data) && isVersion(version) && isCount(unreadCount);
  return whole && (nextCursor === null || typeof nextCursor === "string") ? (payload as NotificationPage) : null;
}

export function markAnswer(payload: unknown): MarkAnswer | null {
  const { unreadCount, version } = fieldsOf(payload);
  return isCount(unreadCount) && isVersion(version) ? { unreadCount: unreadCount as number, version } : null;
}

/** The error of a refused ack, or of a problem answer; null for anything else. */
export function refusalOf(payload: unknown): BellError | null {
  const outer = fieldsOf(payload);
  const { code, message, detail, retryAfterMs } = "error" in outer ? fieldsOf(outer.error) : outer;
  if (typeof code !== "string") return null;
  const wait = typeof retryAfterMs === "number" && retryAfterMs >= 0 ? retryAfterMs : undefined;
  return new BellError(code, String(message ?? detail ?? code), wait);
}

export function isAccepted(payload: unknown): boolean {
  return fieldsOf(payload).ok === true;
}

export function retryAfterOf(payload: unknown): number {
  const { retryAfterMs } = fieldsOf(payload);
  return typeof retryAfterMs === "number" && retryAfterMs >= 0 ? retryAfterMs : 0;
}
