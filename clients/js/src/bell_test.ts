import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { FakeBrowser, jwt } from "./testing/fake_browser.js";

describe("one tab", () => {
  test("shows the first page and the exact count, and is live", async () => {
    const browser = new FakeBrowser();
    for (let i = 1; i <= 25; i += 1) browser.server.create(`n${i}`);
    const tab = browser.open();
    assert.equal(tab.bell.connection, "connecting");
    assert.equal(tab.bell.state.list, "loading");
    await browser.clock.advance(200);
    assert.equal(tab.bell.connection, "live");
    assert.equal(tab.bell.state.list, "ready");
    assert.equal(tab.bell.unreadCount, 25);
    assert.equal(tab.bell.notifications.length, 20);
    assert.equal(tab.titles[0], "n25");
    assert.deepEqual(tab.arrivals, []);
  });

  test("newSince: what of the first page is newer rings, oldest first and once", async () => {
    const browser = new FakeBrowser();
    browser.server.create("long ago", { createdAt: "2020-01-01T00:00:00.000Z" });
    browser.server.create("read", { readAt: new Date().toISOString() });
    browser.server.create("a");
    browser.server.create("b");
    const tab = await browser.opened({ newSince: "2020-06-01T00:00:00Z" });
    assert.deepEqual(tab.arrivals, [{ title: "a", live: false }, { title: "b", live: false }]);
    browser.server.create("c");
    browser.server.drop();
    await browser.clock.advance(60_000);
    assert.deepEqual(tab.arrivals.map(({ title }) => title), ["a", "b", "c"]);
    // In a tab that has its first picture from another one as well.
    const second = await browser.opened({ newSince: new Date("2020-06-01") });
    assert.deepEqual(second.arrivals.map(({ title }) => title), ["a", "b", "c"]);
  });

  test("newSince: what arrives before the first page rings once", async () => {
    const browser = new FakeBrowser();
    const tab = browser.open({ newSince: new Date(0) });
    await browser.clock.advance(13);
    assert.equal(tab.bell.state.list, "loading");
    browser.server.create("early");
    await browser.clock.advance(300);
    assert.equal(tab.bell.state.list, "ready");
    assert.deepEqual(tab.arrivals.map(({ title }) => title), ["early"]);
  });

  test("an arrival brings everything with it: no request follows", async () => {
    const browser = new FakeBrowser();
    const tab = await browser.opened();
    const { requests, asked } = browser.server;
    const before = [requests.length, asked.length];
    for (let i = 1; i <= 100; i += 1) browser.server.create(`n${i}`);
    await browser.clock.advance(5_000);
    assert.equal(tab.bell.unreadCount, 100);
    assert.equal(tab.titles.length, 100);
    assert.equal(tab.arrivals.length, 100);
    assert.ok(tab.arrivals.every((arrival) => arrival.live));
    assert.deepEqual([requests.length, asked.length], before);
  });

  test("loads older pages until there are none", async () => {
    const browser = new FakeBrowser();
    for (let i = 1; i <= 45; i += 1) browser.server.create(`n${i}`);
    const tab = await browser.opened();
    assert.equal(tab.bell.state.hasMore, true);
    const more = tab.bell.loadMore();
    await browser.clock.advance(5);
    assert.equal(tab.bell.state.loadingMore, true);
    await browser.clock.advance(20);
    await more;
    browser.server.create("newest");
    await browser.clock.advance(10);
    void tab.bell.loadMore();
    await browser.clock.advance(20);
    assert.deepEqual(tab.titles, ["newest", ...Array.from({ length: 45 }, (_, i) => `n${45 - i}`)]);
    assert.equal(tab.bell.state.hasMore, false);
    assert.equal(tab.bell.state.loadingMore, false);
  });

  test("list() gives a page of one's own and leaves the state alone", async () => {
    const browser = new FakeBrowser();
    for (let i = 1; i <= 5; i += 1) browser.server.create(`n${i}`);
    const tab = await browser.opened();
    const { state } = tab.bell;
    const asking = tab.bell.list({ limit: 2 });
    await browser.clock.advance(20);
    const first = await asking;
    assert.deepEqual(first.notifications.map((n) => n.title), ["n5", "n4"]);
    const next = tab.bell.list({ limit: 10, cursor: first.nextCursor });
    await browser.clock.advance(20);
    assert.deepEqual((await next).notifications.map((n) => n.title), ["n3", "n2", "n1"]);
    assert.equal(tab.bell.state, state);
  });

  test("sync() asks whether anything is missing, and says when it cannot", async () => {
    const browser = new FakeBrowser();
    const tab = await browser.opened();
    browser.server.blackhole = true;
    browser.server.create("unheard");
    await browser.clock.advance(5);
    browser.server.blackhole = false;
    const asking = tab.bell.sync();
    await browser.clock.advance(50);
    await asking;
    assert.deepEqual(tab.titles, ["unheard"]);
    browser.server.refusal = { code: "forbidden", message: "No." };
    browser.server.drop();
    await browser.clock.advance(1_000);
    // A token that was good before is tried once more before it is given up.
    await browser.clock.advance(5_000);
    assert.equal(tab.bell.connection, "stopped");
    await assert.rejects(tab.bell.sync(), { code: "forbidden" });
    tab.bell.close();
    await assert.rejects(tab.bell.sync(), { code: "closed" });
  });

  test("close() disconnects and forgets; start() begins anew", async () => {
    const browser = new FakeBrowser();
    browser.server.create();
    const tab = await browser.opened();
    tab.bell.close();
    await browser.clock.advance(10);
    assert.equal(browser.server.connections, 0);
    assert.equal(tab.bell.connection, "idle");
    assert.equal(tab.bell.notifications.length, 0);
    await browser.clock.advance(120_000);
    assert.equal(browser.server.connections, 0);
    assert.equal(browser.clock.pending, 0);
    tab.bell.start();
    tab.bell.close();
    tab.bell.start();
    await browser.clock.advance(200);
    assert.equal(tab.bell.connection, "live");
    assert.equal(tab.bell.unreadCount, 1);
    assert.equal(browser.server.connections, 1);
  });

  test("state is a new object when, and only when, something has changed", async () => {
    const browser = new FakeBrowser();
    const row = browser.server.create();
    const tab = await browser.opened();
    const { state } = tab.bell;
    let told = 0;
    tab.bell.on("state", () => (told += 1));
    browser.server.emit("unreadCount:updated", { count: 1, version: "1" });
    await browser.clock.advance(10);
    assert.equal(tab.bell.state, state);
    assert.equal(told, 0);
    void tab.bell.read(row.notificationId);
    assert.notEqual(tab.bell.state, state);
    assert.equal(told, 0);
    await browser.settle();
    assert.equal(told, 1);
  });

  test("what was erased is forgotten at once", async () => {
    const browser = new FakeBrowser();
    for (let i = 1; i <= 30; i += 1) browser.server.create(`n${i}`);
    const tab = await browser.opened();
    const other = await browser.opened();
    browser.server.erase();
    await browser.clock.advance(5);
    assert.deepEqual(tab.titles, []);
    browser.server.create("after");
    await browser.clock.advance(500);
    for (const each of [tab, other]) {
      assert.deepEqual(each.titles, ["after"]);
      assert.equal(each.bell.unreadCount, 1);
      assert.equal(each.bell.state.list, "ready");
      assert.equal(each.bell.state.hasMore, false);
    }
  });

  test("a payload that breaks the contract is not believed, and what it stood for is fetched", async () => {
    const browser = new FakeBrowser();
    const tab = await browser.opened();
    const { emit } = browser.server;
    browser.server.emit = (name) => {
      if (name === "notification:new") emit.call(browser.server, name, { title: 7 });
    };
    browser.server.create("broken");
    browser.server.emit = emit;
    browser.server.create("next");
    await browser.clock.advance(2_000);
    assert.deepEqual(tab.titles, ["next", "broken"]);
    assert.equal(tab.bell.unreadCount, 2);
  });
});

describe("marks", () => {
  test("are shown at once and confirmed later", async () => {
    const browser = new FakeBrowser();
    const row = browser.server.create();
    browser.server.create();
    const tab = await browser.opened();
    const reading = tab.bell.read(row.notificationId);
    assert.equal(tab.bell.unreadCount, 1);
    assert.equal(tab.bell.notifications[1]?.read, true);
    assert.equal(tab.bell.notifications[1]?.readAt, null);
    await browser.clock.advance(20);
    await reading;
    assert.equal(tab.bell.unreadCount, 1);
    assert.notEqual(tab.bell.notifications[1]?.readAt, null);
    assert.equal(browser.server.unread, 1);
    await tab.bell.read(row.notificationId);
    assert.equal(browser.server.asked.filter((ask) => ask.event === "notification:read").length, 1);
  });

  test("are taken back when the server refuses, and the application is told", async () => {
    const browser = new FakeBrowser();
    const row = browser.server.create();
    const tab = await browser.opened();
    browser.server.nextAcks.push({ ok: false, error: { code: "forbidden", message: "The token lacks notification:update." } });
    const reading = tab.bell.read(row.notificationId);
    assert.equal(tab.bell.unreadCount, 0);
    await browser.clock.advance(20);
    await assert.rejects(reading, { code: "forbidden" });
    assert.equal(tab.bell.unreadCount, 1);
    assert.equal(tab.bell.notifications[0]?.read, false);
    assert.deepEqual(tab.refusals, [{ action: "read", code: "forbidden" }]);
    assert.equal(tab.bell.connection, "live");
    assert.equal(browser.stored.size, 0);
  });

  test("the count stays right when another notification comes before the answer", async () => {
    const browser = new FakeBrowser();
    const row = browser.server.create();
    const tab = await browser.opened();
    void tab.bell.read(row.notificationId);
    browser.server.create("meanwhile");
    await browser.clock.advance(3);
    assert.equal(tab.bell.unreadCount, 1);
    await browser.clock.advance(20);
    assert.equal(tab.bell.unreadCount, 1);
    assert.equal(browser.server.unread, 1);
  });

  test("read-all covers what was there: what arrives meanwhile stays unread", async () => {
    const browser = new FakeBrowser();
    for (let i = 1; i <= 3; i += 1) browser.server.create(`n${i}`);
    const tab = await browser.opened();
    const reading = tab.bell.readAll();
    assert.equal(tab.bell.unreadCount, 0);
    browser.server.create("meanwhile");
    await browser.clock.advance(3);
    assert.equal(tab.bell.unreadCount, 1);
    await browser.clock.advance(20);
    await reading;
    assert.deepEqual(tab.unreadTitles, ["meanwhile"]);
    assert.equal(tab.bell.unreadCount, 1);
    assert.equal(browser.server.unread, 1);
  });

  for (const tells of [true, false]) {
    test(`another device's read-all that spared the newest is understood ${tells ? "at once" : "by asking, when it does not say how far it went"}`, async () => {
      const browser = new FakeBrowser();
      browser.server.tellsBefore = tells;
      browser.server.create("old");
      const tab = await browser.opened();
      const syncs = () => browser.server.asked.filter(({ event }) => event === "notification:sync").length;
      const before = syncs();
      browser.server.create("new");
      browser.server.readAll("1");
      await browser.clock.advance(10);
      assert.equal(tab.bell.unreadCount, 1);
      if (tells) assert.deepEqual(tab.unreadTitles, ["new"]);
      await browser.clock.advance(5_000);
      assert.deepEqual(tab.unreadTitles, ["new"]);
      assert.equal(syncs() - before, tells ? 0 : 1);
    });
  }

  test("a notification that arrives while a read-all runs stays unread, whichever is told first", async () => {
    for (const tells of [true, false]) {
      const browser = new FakeBrowser();
      browser.server.tellsBefore = tells;
      browser.server.create("seen");
      const [tab, other] = [await browser.opened(), await browser.opened()];
      // Clicked before it is there, served after it.
      const marking = tab.bell.readAll();
      browser.server.create("unseen");
      await browser.clock.advance(5_000);
      await marking;
      for (const { unreadTitles, bell } of [tab, other]) {
        assert.deepEqual(unreadTitles, ["unseen"]);
        assert.equal(bell.unreadCount, 1);
      }
      assert.equal(browser.server.unread, 1);
    }
  });

  test("wait when the rate limit says so, and all of them get through", async () => {
    const browser = new FakeBrowser();
    const rows = Array.from({ length: 20 }, () => browser.server.create());
    const tab = await browser.opened();
    const limited = { ok: false, error: { code: "rate_limited", message: "Too many messages.", retryAfterMs: 700 } };
    browser.server.nextAcks.push(limited, limited, limited);
    const all = Promise.all(rows.map((row) => tab.bell.read(row.notificationId)));
    assert.equal(tab.bell.unreadCount, 0);
    await browser.clock.advance(600);
    assert.equal(browser.server.unread, 20);
    assert.equal(browser.server.asked.filter((ask) => ask.event === "notification:read").length, 3);
    await browser.clock.advance(1_000);
    await all;
    assert.equal(browser.server.unread, 0);
    assert.equal(tab.bell.unreadCount, 0);
    assert.deepEqual(tab.refusals, []);
  });

  test("are sent again when the store is away, for as long as it takes", async () => {
    const browser = new FakeBrowser();
    const row = browser.server.create();
    const tab = await browser.opened();
    for (let i = 0; i < 12; i += 1) browser.server.nextAcks.push({ ok: false, error: { code: "unavailable", message: "Away." } });
    const reading = tab.bell.read(row.notificationId);
    await browser.clock.advance(180_000);
    await reading;
    assert.equal(browser.server.unread, 0);
  });

  test("a server that fails inside is asked five times", async () => {
    const browser = new FakeBrowser();
    const row = browser.server.create();
    const tab = await browser.opened();
    for (let i = 0; i < 5; i += 1) browser.server.nextAcks.push({ ok: false, error: { code: "internal", message: "Failed." } });
    const reading = tab.bell.read(row.notificationId);
    await browser.clock.advance(60_000);
    await assert.rejects(reading, { code: "internal" });
    assert.equal(tab.bell.unreadCount, 1);
    assert.equal(browser.server.asked.filter((ask) => ask.event === "notification:read").length, 5);
  });

  test("made while offline are sent when there is a connection again", async () => {
    const browser = new FakeBrowser();
    const rows = [browser.server.create(), browser.server.create(), browser.server.create()];
    const tab = await browser.opened();
    browser.server.sockets = browser.server.rest = false;
    browser.server.drop();
    await browser.clock.advance(1_000);
    assert.equal(tab.bell.connection, "reconnecting");
    const all = Promise.all(rows.slice(0, 2).map((row) => tab.bell.read(row.notificationId)));
    assert.equal(tab.bell.unreadCount, 1);
    await browser.clock.advance(60_000);
    assert.equal(browser.server.unread, 3);
    browser.server.sockets = browser.server.rest = true;
    await browser.clock.advance(31_000);
    await all;
    assert.equal(browser.server.unread, 1);
    assert.equal(tab.bell.unreadCount, 1);
    assert.equal(browser.stored.size, 0);
  });

  test("an answer that was lost with its connection is asked for again; the count is not deducted twice", async () => {
    const browser = new FakeBrowser();
    const row = browser.server.create();
    browser.server.create();
    const tab = await browser.opened();
    const reading = tab.bell.read(row.notificationId);
    await browser.clock.advance(5.5);
    assert.equal(browser.server.unread, 1);
    browser.server.drop();
    await browser.settle();
    for (let i = 0; i < 300; i += 1) {
      await browser.clock.advance(2);
      assert.equal(tab.bell.unreadCount, 1);
    }
    await reading;
    assert.equal(tab.bell.unreadCount, 1);
  });

  test("survive the page: the next one sends them", async () => {
    const browser = new FakeBrowser();
    const row = browser.server.create();
    const tab = await browser.opened();
    browser.server.sockets = browser.server.rest = false;
    browser.server.drop();
    void tab.bell.read(row.notificationId);
    browser.close(tab);
    browser.server.sockets = browser.server.rest = true;
    assert.equal(browser.server.unread, 1);
    const next = await browser.opened();
    await browser.clock.advance(100);
    assert.equal(browser.server.unread, 0);
    assert.equal(next.bell.unreadCount, 0);
    assert.equal(browser.stored.size, 0);
  });

  test("of another user are not sent", async () => {
    const browser = new FakeBrowser();
    const row = browser.server.create();
    const tab = await browser.opened();
    browser.server.sockets = browser.server.rest = false;
    browser.server.drop();
    void tab.bell.read(row.notificationId);
    browser.close(tab);
    browser.server.sockets = browser.server.rest = true;
    browser.giveToken = () => jwt("somebody-else", browser.clock.now() + 3_600_000);
    await browser.opened();
    assert.equal(browser.server.unread, 1);
    assert.equal(browser.stored.size, 1);
  });

  test("are bounded: one too many is refused, not forgotten", async () => {
    const browser = new FakeBrowser();
    const tab = await browser.opened();
    browser.server.sockets = browser.server.rest = false;
    browser.server.drop();
    for (let i = 0; i < 1_000; i += 1) void tab.bell.read(`id-${i}`);
    await assert.rejects(tab.bell.read("one-more"), { code: "too_many_pending" });
    assert.deepEqual(tab.refusals, [{ action: "read", code: "too_many_pending" }]);
  });
});
