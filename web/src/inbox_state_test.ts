import assert from "node:assert/strict";
import { test } from "node:test";
import { InboxState } from "./inbox_state.ts";
import type { NewEvent, Notification, NotificationPage } from "./types.ts";

function row(id: number, version: number, read = false): Notification {
  return {
    notificationId: `id-${String(id).padStart(4, "0")}`,
    userId: "user",
    type: "test",
    title: `Notification ${id}`,
    createdAt: new Date(1_700_000_000_000 + id).toISOString(),
    readAt: read ? "2026-01-01T00:00:00.000Z" : null,
    version: String(version),
  };
}

function arrival(id: number, version: number, unreadCount: number): NewEvent {
  const { readAt: _, ...event } = row(id, version);
  return { ...event, unreadCount };
}

function page(rows: Notification[], unreadCount: number, version: number, nextCursor: string | null = null): NotificationPage {
  return { data: rows, nextCursor, unreadCount, version: String(version) };
}

const unreadIds = (state: InboxState) =>
  state.items().filter((item) => !item.read).map((item) => item.notification.notificationId);

test("a count is taken only with a newer version, and versions compare as numbers past 2^53", () => {
  const state = new InboxState();
  state.takeCount(4, "9007199254740993");
  state.takeCount(9, "9007199254740992");
  assert.equal(state.unreadCount, 4);
  state.takeCount(3, "10000000000000000");
  assert.equal(state.unreadCount, 3);
});

test("a notification is known by its id and rings once", () => {
  const state = new InboxState();
  assert.equal(state.applyNew(arrival(1, 1, 1)), true);
  assert.equal(state.applyNew(arrival(1, 1, 1)), false);
  assert.equal(state.items().length, 1);
});

test("an old version does not keep a notification out", () => {
  const state = new InboxState();
  state.takeCount(2, "5");
  assert.equal(state.applyNew(arrival(1, 3, 1)), true);
  assert.equal(state.unreadCount, 2);
});

test("the newest stands first, whatever the order of arrival", () => {
  const state = new InboxState();
  for (const id of [2, 3, 1]) state.applyNew(arrival(id, id, 3));
  assert.deepEqual(state.items().map((item) => item.notification.title), ["Notification 3", "Notification 2", "Notification 1"]);
});

test("a page read from the store before an update does not undo it", () => {
  const state = new InboxState();
  state.applyUpdated({ action: "read", notificationId: row(1, 1).notificationId, unreadCount: 1, version: "3" });
  state.applyFirstPage(page([row(2, 2), row(1, 1)], 2, 2));
  assert.deepEqual(unreadIds(state), ["id-0002"]);
  assert.equal(state.unreadCount, 1);
});

test("read-all leaves what came after it unread", () => {
  const state = new InboxState();
  state.applyNew(arrival(1, 1, 1));
  state.applyNew(arrival(2, 3, 1));
  state.applyUpdated({ action: "read-all", unreadCount: 0, version: "2" });
  assert.deepEqual(unreadIds(state), ["id-0002"]);
});

test("a fresh first page drops what it does not know, except what is newer than itself", () => {
  const state = new InboxState();
  state.applyFirstPage(page([row(1, 1)], 1, 1));
  state.applyNew(arrival(9, 9, 2));
  state.applyFirstPage(page([row(5, 5)], 1, 5));
  assert.deepEqual(unreadIds(state), ["id-0009", "id-0005"]);
  assert.equal(state.unreadCount, 2);
});

test("a mark shows at once, and a refused one is taken back", () => {
  const state = new InboxState();
  state.applyFirstPage(page([row(2, 2), row(1, 1)], 2, 2));
  state.beginRead("id-0001");
  assert.equal(state.unreadCount, 1);
  assert.deepEqual(unreadIds(state), ["id-0002"]);
  state.endRead("id-0001", false);
  assert.equal(state.unreadCount, 2);
  assert.deepEqual(unreadIds(state), ["id-0002", "id-0001"]);
});

test("a mark is not counted twice once the server's count includes it", () => {
  const state = new InboxState();
  state.applyFirstPage(page([row(2, 2), row(1, 1)], 2, 2));
  state.beginRead("id-0001");
  state.takeCount(1, "3");
  assert.equal(state.unreadCount, 1);
  state.endRead("id-0001", true);
  assert.equal(state.unreadCount, 1);
  assert.deepEqual(unreadIds(state), ["id-0002"]);
});

test("a refused read-all brings back rows and count", () => {
  const state = new InboxState();
  state.applyFirstPage(page([row(2, 2), row(1, 1)], 2, 2));
  state.beginReadAll();
  assert.equal(state.unreadCount, 0);
  assert.deepEqual(unreadIds(state), []);
  state.endReadAll(null);
  assert.equal(state.unreadCount, 2);
  assert.equal(unreadIds(state).length, 2);
});

test("what arrives during a read-all stays unread", () => {
  const state = new InboxState();
  state.applyFirstPage(page([row(1, 1)], 1, 1));
  state.beginReadAll();
  state.applyNew(arrival(2, 3, 1));
  state.takeCount(1, "3");
  state.endReadAll("2");
  assert.deepEqual(unreadIds(state), ["id-0002"]);
  assert.equal(state.unreadCount, 1);
});

test("rows and count that disagree are noticed", () => {
  const state = new InboxState();
  state.applyFirstPage(page([row(2, 2), row(1, 1)], 2, 2));
  assert.equal(state.contradictsCount, false);
  state.takeCount(1, "3");
  assert.equal(state.contradictsCount, true);
});

test("what was missed while away is told oldest first, and nothing is on the first load", () => {
  const state = new InboxState();
  assert.equal(state.seenVersion, null);
  const first = page([row(1, 1)], 1, 1);
  assert.deepEqual(state.missedIn(first, null), []);
  state.applyFirstPage(first);
  const later = page([row(4, 4), row(3, 3, true), row(2, 2), row(1, 1)], 3, 4);
  assert.deepEqual(state.missedIn(later, state.seenVersion).map((each) => each.title), ["Notification 2", "Notification 4"]);
});
