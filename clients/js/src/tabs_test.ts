import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { FakeBrowser, type Tab } from "./testing/fake_browser.js";

async function openMany(browser: FakeBrowser, count: number): Promise<Tab[]> {
  const tabs = Array.from({ length: count }, () => browser.open());
  await browser.clock.advance(300);
  return tabs;
}

describe("tabs of one browser", () => {
  test("twenty share one connection, one list and one count", async () => {
    const browser = new FakeBrowser();
    browser.server.create("first");
    const tabs = await openMany(browser, 20);
    assert.equal(browser.server.connections, 1);
    assert.equal(browser.server.attempts, 1);
    assert.equal(browser.server.requests.length, 1);
    browser.server.create("second");
    await browser.clock.advance(10);
    for (const tab of tabs) {
      assert.equal(tab.bell.connection, "live");
      assert.deepEqual(tab.titles, ["second", "first"]);
      assert.equal(tab.bell.unreadCount, 2);
      assert.deepEqual(tab.arrivals, [{ title: "second", live: true }]);
    }
  });

  test("a mark in any of them is shown in all, and its promise kept where it was made", async () => {
    const browser = new FakeBrowser();
    const row = browser.server.create();
    const tabs = await openMany(browser, 3);
    const reading = tabs[2]?.bell.read(row.notificationId);
    assert.equal(tabs[2]?.bell.unreadCount, 0);
    await browser.clock.advance(1);
    for (const tab of tabs) assert.equal(tab.bell.unreadCount, 0);
    await browser.clock.advance(20);
    await reading;
    assert.equal(browser.server.unread, 0);
    browser.server.nextAcks.push({ ok: false, error: { code: "not_found", message: "Gone." } });
    const refused = tabs[1]?.bell.read("unknown");
    await browser.clock.advance(20);
    await assert.rejects(refused ?? Promise.resolve(), { code: "not_found" });
  });

  test("closing the leader moves the connection within a second, and nothing is missed", async () => {
    const browser = new FakeBrowser();
    browser.server.create("before");
    const tabs = await openMany(browser, 3);
    const [leader, ...others] = tabs as [Tab, ...Tab[]];
    browser.close(leader);
    browser.server.create("between");
    await browser.clock.advance(1_000);
    assert.equal(browser.server.connections, 1);
    browser.server.create("after");
    await browser.clock.advance(10);
    for (const tab of others) {
      assert.equal(tab.bell.connection, "live");
      assert.deepEqual(tab.titles, ["after", "between", "before"]);
      assert.deepEqual(tab.arrivals.map((arrival) => arrival.title), ["between", "after"]);
    }
    assert.equal(browser.server.requests.length, 1, "the list is inherited");
  });

  test("a mark that the old leader took with it is done by the new one, once", async () => {
    const browser = new FakeBrowser();
    const row = browser.server.create();
    const [leader, other] = (await openMany(browser, 2)) as [Tab, Tab];
    const reading = other.bell.read(row.notificationId);
    await browser.clock.advance(0.2);
    browser.close(leader);
    await browser.clock.advance(1_000);
    await reading;
    assert.equal(browser.server.unread, 0);
    assert.equal(browser.server.version, 2n);
    assert.equal(other.bell.unreadCount, 0);
    assert.equal(browser.stored.size, 0);
  });

  test("what other tabs wished for is done by whoever leads then", async () => {
    const browser = new FakeBrowser();
    for (let i = 1; i <= 30; i += 1) browser.server.create(`n${i}`);
    const [leader, next, third] = (await openMany(browser, 3)) as [Tab, Tab, Tab];
    const more = third.bell.loadMore();
    const reading = third.bell.readAll();
    await browser.clock.advance(1);
    browser.close(leader);
    await browser.clock.advance(1_000);
    await Promise.all([more, reading]);
    for (const tab of [next, third]) {
      assert.equal(tab.titles.length, 30);
      assert.equal(tab.bell.unreadCount, 0);
    }
    assert.equal(browser.server.unread, 0);
  });

  test("nobody listens to a leader that has lost the lead and does not know it", async () => {
    const browser = new FakeBrowser();
    const [first, second] = (await openMany(browser, 2)) as [Tab, Tab];
    for (const [frozen, other] of [[first, second], [second, first]] as const) {
      frozen.page.tell("hidden");
      other.page.tell("visible");
      await browser.clock.advance(10);
      frozen.page.frozen = true;
      await browser.clock.advance(12_000);
      browser.server.create("missed by the frozen one");
      await browser.clock.advance(10);
      // It runs again, and a new tab asks who leads, before it hears that it does not.
      const thawing = browser.thaw(frozen);
      const late = browser.open();
      await thawing;
      assert.deepEqual(late.titles, other.titles);
      await browser.clock.advance(1_000);
      assert.deepEqual(frozen.titles, other.titles);
      browser.server.create("heard by all");
      await browser.clock.advance(10);
      for (const tab of [first, second, late]) {
        assert.equal(tab.titles[0], "heard by all");
        assert.equal(tab.bell.connection, "live");
      }
      assert.equal(browser.server.connections, 1);
      browser.close(late);
    }
  });

  test("a tab that opens later gets everything from the leader", async () => {
    const browser = new FakeBrowser();
    for (let i = 1; i <= 30; i += 1) browser.server.create(`n${i}`);
    const first = await browser.opened();
    void first.bell.loadMore();
    await browser.clock.advance(50);
    const { length } = browser.server.requests;
    const second = await browser.opened();
    assert.equal(second.titles.length, 30);
    assert.equal(second.bell.state.hasMore, false);
    assert.equal(browser.server.requests.length, length);
    assert.deepEqual(second.arrivals, []);
  });

  test("a frozen leader loses the lead to a visible tab, and follows when it thaws", async () => {
    const browser = new FakeBrowser();
    const [leader, other] = (await openMany(browser, 2)) as [Tab, Tab];
    leader.page.tell("hidden");
    await browser.clock.advance(10);
    leader.page.frozen = true;
    browser.server.create("while frozen");
    await browser.clock.advance(12_000);
    assert.deepEqual(other.titles, ["while frozen"]);
    assert.equal(other.bell.connection, "live");
    await browser.thaw(leader);
    leader.page.tell("visible");
    await browser.clock.advance(100);
    assert.deepEqual(leader.titles, ["while frozen"]);
    assert.equal(browser.server.connections, 1);
  });

  test("a page that is put away lets go and comes back", async () => {
    const browser = new FakeBrowser();
    const [leader, other] = (await openMany(browser, 2)) as [Tab, Tab];
    leader.page.tell("freeze");
    await browser.clock.advance(1_000);
    assert.equal(browser.server.connections, 1);
    browser.server.create("meanwhile");
    await browser.clock.advance(10);
    assert.deepEqual(other.titles, ["meanwhile"]);
    leader.page.tell("resume");
    await browser.clock.advance(100);
    assert.deepEqual(leader.titles, ["meanwhile"]);
    assert.equal(browser.server.connections, 1);
  });

  test("a visible tab does not wait for a hidden leader to find the server again", async () => {
    const browser = new FakeBrowser();
    browser.random = 0.999;
    const [leader, other] = (await openMany(browser, 2)) as [Tab, Tab];
    leader.page.tell("hidden");
    await browser.clock.advance(10);
    browser.server.sockets = browser.server.rest = false;
    browser.server.drop();
    // The browser slows the timers of the hidden page.
    leader.page.frozen = true;
    await browser.clock.advance(5_000);
    browser.server.sockets = browser.server.rest = true;
    await browser.clock.advance(20_000);
    assert.equal(other.bell.connection, "live");
  });

  test("without locks each tab has its own connection, and still no tab lags", async () => {
    const browser = new FakeBrowser();
    browser.hasLocks = false;
    const tabs = await openMany(browser, 2);
    assert.equal(browser.server.connections, 2);
    browser.server.create("x");
    await browser.clock.advance(10);
    for (const tab of tabs) assert.deepEqual(tab.titles, ["x"]);
  });

  test("whatever happens, in the end all tabs agree with the server", async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const browser = new FakeBrowser();
      let state = seed * 2_654_435_761;
      const random = (below: number): number => {
        state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
        return state % below;
      };
      browser.server.syncPage = 3;
      const tabs = await openMany(browser, 3);
      for (let step = 0; step < 60; step += 1) {
        const tab = tabs[random(tabs.length)] as Tab;
        const rows = browser.server.rows;
        switch (random(12)) {
          case 0: case 1: case 2: case 3: browser.server.create(`s${step}`); break;
          case 4: case 5: if (rows.length > 0) void tab.bell.read(rows[random(rows.length)]?.notificationId ?? ""); break;
          case 6: void tab.bell.readAll(); break;
          case 7: if (rows.length > 0) browser.server.read(rows[random(rows.length)]?.notificationId ?? ""); break;
          case 8: browser.server.drop(); break;
          case 9: browser.server.sockets = random(3) > 0; if (!browser.server.sockets) browser.server.drop(); break;
          case 10: browser.server.nextAcks.push({ ok: false, error: { code: "rate_limited", message: "Slow.", retryAfterMs: 50 } }); break;
          case 11:
            browser.close(tab);
            tabs.splice(tabs.indexOf(tab), 1, browser.open());
            break;
        }
        await browser.clock.advance(random(40));
      }
      browser.server.sockets = true;
      await browser.clock.advance(120_000);
      assert.equal(browser.server.connections, 1, `seed ${seed}`);
      for (const tab of tabs) {
        for (let i = 0; i < 10 && tab.bell.state.hasMore; i += 1) {
          void tab.bell.loadMore();
          await browser.clock.advance(200);
        }
        assert.equal(tab.bell.connection, "live", `seed ${seed}`);
        assert.equal(tab.bell.unreadCount, browser.server.unread, `seed ${seed}`);
        assert.deepEqual(tab.titles, browser.server.rows.map((row) => row.title), `seed ${seed}`);
        assert.deepEqual(tab.unreadTitles, browser.server.rows.filter((row) => row.readAt === null).map((row) => row.title), `seed ${seed}`);
      }
    }
  });
});
