import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AckSync, Notification, NotificationPage } from "@carillon/contracts/types";

import { Inbox } from "./inbox.js";

const row = (n: number, version = String(n), readAt: string | null = null): Notification => ({
  notificationId: `id-${n}`,
  userId: "user",
  type: "test",
  title: `n${n}`,
  createdAt: new Date(1_700_000_000_000 + n * 1_000).toISOString(),
  readAt,
  version,
});

const page = (rows: Notification[], version: number, unreadCount: number, nextCursor: string | null = null): NotificationPage => ({
  data: rows,
  nextCursor,
  unreadCount,
  version: String(version),
});

const synced = (rows: Notification[], version: number, unreadCount: number, more: Partial<AckSync> = {}): AckSync => ({
  ok: true,
  reset: false,
  version: String(version),
  unreadCount,
  notifications: rows,
  hasMore: false,
  ...more,
});

function inboxWith(rows: Notification[], version: number, unread: number, cursor: string | null = null): Inbox {
  const inbox = new Inbox();
  inbox.apply({ op: "first", page: page(rows, version, unread, cursor) });
  return inbox;
}

const arrived = (n: number, unreadCount: number, version = String(n)) => {
  const { readAt: _, ...event } = row(n, version);
  return { op: "new", event: { ...event, unreadCount } } as const;
};

const ids = (inbox: Inbox): string[] => inbox.notifications().map((n) => n.notificationId);
const unread = (inbox: Inbox): string[] => inbox.notifications().filter((n) => !n.read).map((n) => n.notificationId);

describe("counts", () => {
  test("are taken only when their version is newer, also beyond 2^53", () => {
    const inbox = inboxWith([], 5, 3);
    inbox.apply({ op: "count", count: 9, version: "4" });
    inbox.apply({ op: "count", count: 8, version: "5" });
    assert.equal(inbox.unreadCount, 3);
    inbox.apply({ op: "count", count: 7, version: "9007199254740993" });
    inbox.apply({ op: "count", count: 6, version: "9007199254740992" });
    assert.equal(inbox.unreadCount, 7);
    inbox.apply({ op: "count", count: 5, version: "10000000000000000" });
    assert.equal(inbox.unreadCount, 5);
  });

  test("without their event say that something is missing", () => {
    const inbox = inboxWith([], 5, 0);
    assert.equal(inbox.isBehind, false);
    inbox.apply({ op: "count", count: 1, version: "6" });
    assert.equal(inbox.isBehind, true);
    inbox.apply(arrived(6, 1));
    assert.equal(inbox.isBehind, false);
  });
});

describe("notifications", () => {
  test("are known by id: the same one twice is one, whatever its version", () => {
    const inbox = inboxWith([row(1)], 1, 1);
    assert.equal(inbox.apply(arrived(2, 2)).length, 1);
    assert.equal(inbox.apply(arrived(2, 2)).length, 0);
    assert.deepEqual(ids(inbox), ["id-2", "id-1"]);
  });

  test("one that comes late is not dropped because its version is old", () => {
    const inbox = inboxWith([row(1)], 1, 1);
    inbox.apply(arrived(3, 3));
    assert.equal(inbox.isBehind, true);
    assert.equal(inbox.apply(arrived(2, 2)).length, 1);
    assert.equal(inbox.isBehind, false);
    assert.equal(inbox.unreadCount, 3);
    assert.deepEqual(ids(inbox), ["id-3", "id-2", "id-1"]);
  });

  test("a page that was read before an event does not undo it", () => {
    const inbox = inboxWith([row(2)], 2, 2, "cursor");
    inbox.apply({ op: "updated", event: { action: "read", notificationId: "id-1", unreadCount: 1, version: "3" } });
    inbox.apply({ op: "page", page: page([row(1)], 2, 2) });
    assert.deepEqual(unread(inbox), ["id-2"]);
    inbox.apply({ op: "updated", event: { action: "read-all", unreadCount: 0, version: "4" } });
    inbox.apply({ op: "page", page: page([row(0, "1")], 2, 2) });
    assert.deepEqual(unread(inbox), []);
    assert.equal(inbox.unreadCount, 0);
  });

  test("one that became unread again after a read-all is unread", () => {
    const inbox = inboxWith([row(1)], 1, 1);
    inbox.apply({ op: "updated", event: { action: "read-all", unreadCount: 0, version: "2" } });
    inbox.apply({ op: "sync", answer: synced([row(1, "3")], 3, 1) });
    assert.deepEqual(unread(inbox), ["id-1"]);
    inbox.apply({ op: "page", page: page([row(1, "1", "2024-01-01T00:00:00.000Z")], 2, 0) });
    assert.deepEqual(unread(inbox), ["id-1"], "an older page does not bring the older state back");
  });

  test("a changed one from below the loaded pages leaves no hole", () => {
    const inbox = inboxWith([row(9), row(8)], 9, 5, "cursor");
    inbox.apply({ op: "sync", answer: synced([row(3, "10", "2024-01-01T00:00:00.000Z")], 10, 4) });
    assert.deepEqual(ids(inbox), ["id-9", "id-8"]);
    assert.equal(inbox.isBehind, false);
  });

  test("deleted ones go", () => {
    const inbox = inboxWith([row(2), row(1)], 2, 2);
    inbox.apply({ op: "sync", answer: synced([], 3, 1, { deleted: ["id-1"] }) });
    assert.deepEqual(ids(inbox), ["id-2"]);
  });

  test("keep their object as long as they do not change", () => {
    const inbox = inboxWith([row(2), row(1)], 2, 2);
    const [second, first] = inbox.notifications();
    inbox.apply({ op: "begin", mark: { id: "m", action: "read", notificationId: "id-1" } });
    assert.equal(inbox.notifications()[0], second);
    assert.notEqual(inbox.notifications()[1], first);
  });

  test("a list that grows for weeks is cut, and can be paged again", () => {
    const inbox = inboxWith([], 0, 0);
    for (let n = 1; n <= 1_200; n += 1) inbox.apply(arrived(n, n));
    assert.equal(inbox.size, 1_000);
    assert.equal(ids(inbox).at(-1), "id-201");
    assert.equal(inbox.hasMore, true);
    assert.equal(inbox.nextCursor, undefined);
    assert.equal(inbox.unreadCount, 1_200);
    assert.equal(inbox.isBehind, false);
  });
});

describe("marks under way", () => {
  test("are deducted once, and not from a count that has them", () => {
    const inbox = inboxWith([row(2), row(1)], 2, 2);
    inbox.apply({ op: "begin", mark: { id: "m", action: "read", notificationId: "id-1" } });
    inbox.apply({ op: "begin", mark: { id: "m", action: "read", notificationId: "id-1" } });
    assert.equal(inbox.unreadCount, 1);
    inbox.apply({ op: "updated", event: { action: "read", notificationId: "id-1", unreadCount: 1, version: "3" } });
    assert.equal(inbox.unreadCount, 1);
    inbox.apply({ op: "end", id: "m", answer: { unreadCount: 1, version: "3" }, error: null });
    assert.equal(inbox.unreadCount, 1);
    assert.deepEqual(unread(inbox), ["id-2"]);
  });

  test("of a lost connection are not deducted from a count that may have them", () => {
    const inbox = inboxWith([row(1)], 1, 1);
    inbox.apply({ op: "begin", mark: { id: "m", action: "read", notificationId: "id-1" } });
    inbox.apply({ op: "uncertain" });
    assert.equal(inbox.unreadCount, 0);
    inbox.apply({ op: "count", count: 0, version: "2" });
    assert.equal(inbox.unreadCount, 0);
    inbox.apply(arrived(3, 1));
    assert.equal(inbox.unreadCount, 1);
  });

  test("a refused one is as if it had never been", () => {
    const inbox = inboxWith([row(2), row(1)], 2, 2);
    const before = inbox.notifications();
    inbox.apply({ op: "begin", mark: { id: "m", action: "read-all", before: "2" } });
    assert.equal(inbox.unreadCount, 0);
    inbox.apply({ op: "end", id: "m", answer: null, error: { code: "forbidden", message: "" } });
    assert.deepEqual(inbox.notifications(), before);
    assert.equal(inbox.unreadCount, 2);
  });

  test("a read-all before the list is known covers everything", () => {
    const inbox = new Inbox();
    inbox.apply({ op: "count", count: 7, version: "9" });
    inbox.apply({ op: "begin", mark: { id: "m", action: "read-all", before: null } });
    assert.equal(inbox.unreadCount, 0);
    inbox.apply({ op: "end", id: "m", answer: { unreadCount: 0, version: "10" }, error: null });
    inbox.apply({ op: "first", page: page([row(1)], 9, 7) });
    assert.deepEqual(unread(inbox), []);
    assert.equal(inbox.unreadCount, 0);
  });
});

test("a snapshot makes another inbox the same, and keeps the objects of what has not changed", () => {
  const inbox = inboxWith([row(3), row(2), row(1)], 3, 3, "cursor");
  inbox.apply({ op: "begin", mark: { id: "m", action: "read", notificationId: "id-2" } });
  inbox.apply(arrived(5, 4));
  inbox.apply({ op: "link", status: { connection: "live", error: null } });
  const other = inboxWith([row(3)], 3, 3);
  const [known] = other.notifications();
  other.restore(structuredClone(inbox.snapshot()));
  assert.deepEqual(other.notifications(), inbox.notifications());
  assert.equal(other.notifications()[1], known);
  assert.equal(other.unreadCount, inbox.unreadCount);
  assert.deepEqual(structuredClone(other.snapshot()), structuredClone(inbox.snapshot()));
  for (const each of [inbox, other]) each.apply(arrived(4, 3));
  assert.equal(other.isBehind, false);
  assert.deepEqual(other.notifications(), inbox.notifications());
});
