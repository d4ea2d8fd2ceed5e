import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { FakeBrowser, jwt } from "./testing/fake_browser.js";

describe("after a connection is lost", () => {
  test("what was missed arrives, page after page, and rings", async () => {
    const browser = new FakeBrowser();
    const old = browser.server.create("old");
    const tab = await browser.opened();
    browser.server.syncPage = 10;
    browser.server.drop();
    for (let i = 1; i <= 35; i += 1) browser.server.create(`missed${i}`);
    browser.server.read(old.notificationId);
    await browser.clock.advance(2_000);
    assert.equal(tab.bell.connection, "live");
    assert.equal(tab.bell.unreadCount, 35);
    assert.equal(tab.titles.length, 36);
    assert.equal(tab.bell.notifications.at(-1)?.read, true);
    assert.deepEqual(tab.arrivals.map((arrival) => arrival.title), Array.from({ length: 35 }, (_, i) => `missed${i + 1}`));
    assert.ok(tab.arrivals.every((arrival) => !arrival.live));
    assert.equal(browser.server.asked.filter((ask) => ask.event === "notification:sync").length, 4);
  });

  describe("and recovered by the server", () => {
    const syncs = (browser: FakeBrowser) => browser.server.asked.filter((ask) => ask.event === "notification:sync").length;

    /** Three creates and a read while the connection is gone; `spoil` takes part of it away. */
    async function recovered(spoil: (server: FakeBrowser["server"]) => void = () => {}) {
      const browser = new FakeBrowser();
      const old = browser.server.create("old");
      const tab = await browser.opened();
      browser.server.recovers = true;
      browser.server.missed = [];
      browser.server.drop();
      for (let i = 1; i <= 3; i += 1) browser.server.create(`missed${i}`);
      browser.server.read(old.notificationId);
      spoil(browser.server);
      await browser.clock.advance(10_000);
      assert.equal(tab.bell.connection, "live");
      assert.equal(tab.bell.unreadCount, 3);
      assert.deepEqual(tab.titles, ["missed3", "missed2", "missed1", "old"]);
      assert.deepEqual(tab.unreadTitles, ["missed3", "missed2", "missed1"]);
      assert.deepEqual(tab.arrivals.map((arrival) => arrival.title).sort(), ["missed1", "missed2", "missed3"]);
      return browser;
    }

    test("it is not asked for again", async () => assert.equal(syncs(await recovered()), 0));

    test("but for a hole, which is asked for", async () => {
      for (const name of ["notification:new", "notification:updated"]) {
        const browser = await recovered((server) => {
          server.missed.splice(server.missed.findIndex((event) => event.name === name), 1);
        });
        assert.equal(syncs(browser), 1, name);
      }
    });

    test("it is asked for when nothing comes", async () => {
      const browser = await recovered((server) => {
        server.missed = [];
        server.tellsCount = false;
      });
      assert.equal(syncs(browser), 1);
    });

    test("it is asked for when nothing was known", async () => {
      const browser = new FakeBrowser();
      browser.server.recovers = true;
      browser.server.rest = false;
      browser.server.create("old");
      const tab = browser.open();
      await browser.clock.advance(1_000);
      browser.server.rest = true;
      browser.server.drop();
      await browser.clock.advance(10_000);
      assert.deepEqual(tab.titles, ["old"]);
      assert.equal(tab.bell.unreadCount, 1);
    });
  });

  test("a read-all that was missed is applied by its watermark", async () => {
    const browser = new FakeBrowser();
    for (let i = 1; i <= 30; i += 1) browser.server.create(`n${i}`);
    const tab = await browser.opened();
    browser.server.drop();
    browser.server.readAll();
    browser.server.create("after");
    await browser.clock.advance(2_000);
    assert.deepEqual(tab.unreadTitles, ["after"]);
    assert.equal(tab.bell.unreadCount, 1);
  });

  test("too much to tell comes as a snapshot, and older pages can still be loaded", async () => {
    const browser = new FakeBrowser();
    browser.server.create("old");
    const tab = await browser.opened();
    browser.server.drop();
    for (let i = 1; i <= 600; i += 1) browser.server.create(`n${i}`);
    await browser.clock.advance(2_000);
    assert.equal(tab.bell.unreadCount, 601);
    assert.equal(tab.titles.length, 200);
    assert.equal(tab.titles[0], "n600");
    assert.equal(tab.bell.state.hasMore, true);
    for (let i = 0; i < 30 && tab.bell.state.hasMore; i += 1) {
      void tab.bell.loadMore();
      await browser.clock.advance(200);
    }
    assert.equal(tab.titles.length, 601);
    assert.equal(tab.titles.at(-1), "old");
    assert.equal(new Set(tab.titles).size, 601);
  });

  test("a server with another database is believed", async () => {
    const browser = new FakeBrowser();
    for (let i = 1; i <= 5; i += 1) browser.server.create(`old${i}`);
    const tab = await browser.opened();
    browser.server.drop();
    browser.server.startAnew();
    browser.server.create("new");
    await browser.clock.advance(2_000);
    assert.deepEqual(tab.titles, ["new"]);
    assert.equal(tab.bell.unreadCount, 1);
  });

  test("tries again with full jitter from 0.5 s to 30 s, and never gives up", async () => {
    const browser = new FakeBrowser();
    browser.random = 0.999;
    const tab = await browser.opened();
    browser.server.sockets = browser.server.rest = false;
    browser.server.drop();
    const waits: number[] = [];
    for (let i = 0; i < 12; i += 1) {
      const { attempts } = browser.server;
      let waited = 0;
      while (browser.server.attempts === attempts) {
        await browser.clock.advance(100);
        waited += 100;
      }
      waits.push(waited);
    }
    const expected = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000, 30_000];
    waits.forEach((wait, i) => assert.ok(Math.abs(wait - (expected[i] ?? 0)) <= 300, `${i}: ${wait}`));
    await browser.clock.advance(24 * 3_600_000);
    assert.equal(tab.bell.connection, "reconnecting");
    browser.server.sockets = true;
    await browser.clock.advance(30_100);
    assert.equal(tab.bell.connection, "live");
    browser.random = 0;
    browser.server.drop();
    await browser.clock.advance(50);
    assert.equal(tab.bell.connection, "live", "jitter may also mean at once");
  });

  test("a connection that does not last does not start the backoff anew", async () => {
    const browser = new FakeBrowser();
    await browser.opened();
    await browser.clock.advance(10_000);
    const { attempts } = browser.server;
    for (let elapsed = 0; elapsed < 60_000; elapsed += 20) {
      await browser.clock.advance(20);
      browser.server.drop();
    }
    assert.ok(browser.server.attempts - attempts < 15, String(browser.server.attempts - attempts));
  });

  test("waits as long as the server asks", async () => {
    const browser = new FakeBrowser();
    const tab = await browser.opened();
    browser.server.refusal = { message: "xhr poll error", retryAfterMs: 20_000 };
    browser.server.rest = false;
    browser.server.drop();
    await browser.clock.advance(1_000);
    const { attempts } = browser.server;
    tab.page.tell("online");
    await browser.clock.advance(18_000);
    assert.equal(browser.server.attempts, attempts);
    browser.server.refusal = null;
    await browser.clock.advance(7_000);
    assert.equal(tab.bell.connection, "live");
  });

  test("a server that is draining is left when it says so, and found again", async () => {
    const browser = new FakeBrowser();
    const tab = await browser.opened();
    const { attempts } = browser.server;
    browser.server.emit("server:draining", { retryAfterMs: 3_000 });
    await browser.clock.advance(2_900);
    assert.equal(browser.server.attempts, attempts);
    await browser.clock.advance(1_000);
    assert.equal(browser.server.attempts, attempts + 1);
    assert.equal(tab.bell.connection, "live");
    assert.equal(browser.server.connections, 1);
  });
});

describe("refusals", () => {
  for (const code of ["token_invalid", "forbidden", "unauthorized"]) {
    test(`${code} stops it at once, until connect() is called`, async () => {
      const browser = new FakeBrowser();
      browser.server.refusal = { code, message: "No." };
      const tab = await browser.opened();
      assert.equal(tab.bell.connection, "stopped");
      assert.equal(tab.bell.state.error?.code, code);
      await browser.clock.advance(3_600_000);
      assert.equal(browser.server.attempts, 1);
      assert.equal(browser.server.requests.length, 0);
      browser.server.refusal = null;
      tab.bell.connect();
      await browser.clock.advance(200);
      assert.equal(tab.bell.connection, "live");
      assert.equal(tab.bell.state.error, null);
      assert.deepEqual(browser.tokenRequests, [{ fresh: false }, { fresh: true }]);
    });
  }

  test("marks that wait are refused with it", async () => {
    const browser = new FakeBrowser();
    const row = browser.server.create();
    const tab = await browser.opened();
    browser.server.refusal = { code: "forbidden", message: "No." };
    browser.server.drop();
    const reading = tab.bell.read(row.notificationId);
    await browser.clock.advance(5_000);
    await assert.rejects(reading, { code: "forbidden" });
    assert.equal(tab.bell.unreadCount, 1);
    await assert.rejects(tab.bell.read(row.notificationId), { code: "forbidden" });
  });

  test("a token that was good before is replaced once before it stops", async () => {
    const browser = new FakeBrowser();
    const tab = await browser.opened();
    browser.server.refusal = { code: "token_invalid", message: "No." };
    browser.server.rest = false;
    browser.server.drop();
    await browser.clock.advance(60_000);
    assert.equal(tab.bell.connection, "stopped");
    assert.equal(browser.server.attempts, 3);
    assert.deepEqual(browser.tokenRequests, [{ fresh: false }, { fresh: true }]);
    assert.notEqual(browser.server.tokens.at(-1), browser.server.tokens[0]);
  });

  test("token_expired asks for a fresh token at once", async () => {
    const browser = new FakeBrowser();
    const tab = await browser.opened();
    await browser.clock.advance(10_000);
    browser.server.refusal = { code: "token_expired", message: "Expired." };
    browser.server.drop();
    await browser.clock.advance(400);
    browser.server.refusal = null;
    await browser.clock.advance(3_000);
    assert.equal(tab.bell.connection, "live");
    assert.ok(browser.tokenRequests.slice(1).every((request) => request.fresh));
    assert.notEqual(browser.server.tokens.at(-1), browser.server.tokens[0]);
  });

  test("nobody signed in: stops without a request", async () => {
    const browser = new FakeBrowser();
    browser.giveToken = () => null;
    const tab = await browser.opened();
    assert.equal(tab.bell.connection, "stopped");
    assert.equal(tab.bell.state.error?.code, "unauthorized");
    assert.equal(tab.bell.state.list, "failed");
    assert.equal(browser.server.attempts, 0);
    browser.giveToken = () => jwt("user", browser.clock.now() + 3_600_000);
    tab.bell.connect();
    await browser.clock.advance(200);
    assert.equal(tab.bell.connection, "live");
  });

  test("a getToken that fails is asked again; one that never answers is not waited for", async () => {
    const browser = new FakeBrowser();
    browser.giveToken = () => Promise.reject(new Error("offline"));
    const tab = browser.open();
    await browser.clock.advance(3_000);
    assert.ok(browser.tokenRequests.length >= 2);
    assert.equal(tab.bell.connection, "connecting");
    assert.equal(tab.bell.state.list, "failed");
    browser.giveToken = () => new Promise(() => {});
    await browser.clock.advance(10_000);
    browser.giveToken = () => jwt("user", browser.clock.now() + 3_600_000);
    await browser.clock.advance(30_000);
    assert.equal(tab.bell.connection, "live");
  });

  test("too many connections passes: it tries on", async () => {
    const browser = new FakeBrowser();
    browser.server.refusal = { code: "too_many_connections", message: "Too many." };
    browser.server.rest = false;
    const tab = await browser.opened();
    await browser.clock.advance(60_000);
    assert.equal(tab.bell.connection, "connecting");
    assert.equal(tab.bell.state.error?.code, "too_many_connections");
    browser.server.refusal = null;
    await browser.clock.advance(31_000);
    assert.equal(tab.bell.connection, "live");
    assert.equal(tab.bell.state.error, null);
  });
});

describe("the token", () => {
  test("is kept over a reconnect and replaced when the server says that it ends", async () => {
    const browser = new FakeBrowser();
    const tab = await browser.opened();
    browser.server.drop();
    await browser.clock.advance(1_000);
    assert.equal(browser.tokenRequests.length, 1);
    browser.server.emit("auth:expiring", { expiresAt: new Date(browser.clock.now() + 60_000).toISOString() });
    await browser.clock.advance(100);
    assert.deepEqual(browser.tokenRequests.at(-1), { fresh: true });
    assert.equal(browser.server.asked.at(-1)?.event, "AUTH");
    assert.equal(browser.server.asked.at(-1)?.payload?.token, browser.server.tokens.at(-1));
    assert.equal(tab.bell.connection, "live");
    assert.equal(browser.server.connections, 1);
  });

  test("one that could not be had before the end is asked for again", async () => {
    const browser = new FakeBrowser();
    await browser.opened();
    browser.giveToken = () => Promise.reject(new Error("away"));
    browser.server.emit("auth:expiring", { expiresAt: new Date(browser.clock.now() + 60_000).toISOString() });
    await browser.clock.advance(100);
    browser.giveToken = () => jwt("user", browser.clock.now() + 3_600_000, 99);
    await browser.clock.advance(5_000);
    assert.equal(browser.server.asked.at(-1)?.event, "AUTH");
  });

  test("short-lived ones make no storm", async () => {
    const browser = new FakeBrowser();
    browser.giveToken = () => jwt("user", browser.clock.now() + 20_000, browser.tokenRequests.length);
    await browser.opened();
    const perform = browser.server.emit.bind(browser.server);
    for (let elapsed = 0; elapsed < 60_000; elapsed += 100) {
      const told = browser.server.asked.filter((ask) => ask.event === "AUTH").length;
      if (told * 8_000 <= elapsed) perform("auth:expiring", { expiresAt: new Date(browser.clock.now() + 20_000).toISOString() });
      await browser.clock.advance(100);
    }
    assert.ok(browser.tokenRequests.length <= 10, String(browser.tokenRequests.length));
  });

  test("of another user starts everything anew", async () => {
    const browser = new FakeBrowser();
    browser.server.create("secret");
    const tab = await browser.opened();
    browser.server.rows = [];
    browser.giveToken = () => jwt("somebody-else", browser.clock.now() + 3_600_000);
    browser.server.emit("auth:expiring", { expiresAt: new Date(browser.clock.now() + 60_000).toISOString() });
    await browser.clock.advance(1_000);
    assert.deepEqual(tab.titles, []);
    assert.equal(tab.bell.connection, "live");
    assert.equal(browser.server.asked.filter((ask) => ask.event === "AUTH").length, 0);
  });
});

describe("sleep and network", () => {
  test("after a sleep that outlived the token and the connection, all is well within seconds", async () => {
    const browser = new FakeBrowser();
    const tab = await browser.opened();
    browser.server.blackhole = true;
    browser.clock.sleep(8 * 3_600_000);
    browser.server.create("in the night");
    browser.server.drop = () => {};
    tab.page.tell("wake");
    await browser.clock.advance(1_000);
    browser.server.blackhole = false;
    await browser.clock.advance(6_000);
    assert.equal(tab.bell.connection, "live");
    assert.deepEqual(tab.titles, ["in the night"]);
    assert.deepEqual(browser.tokenRequests.at(-1), { fresh: true });
    assert.notEqual(browser.server.tokens.at(-1), browser.server.tokens[0]);
  });

  test("a connection that survived the sleep is kept, and gets its new token", async () => {
    const browser = new FakeBrowser();
    const tab = await browser.opened();
    const { attempts } = browser.server;
    browser.clock.sleep(2 * 3_600_000);
    tab.page.tell("wake");
    await browser.clock.advance(10_000);
    assert.equal(browser.server.attempts, attempts);
    assert.ok(browser.server.asked.some((ask) => ask.event === "AUTH"));
    assert.equal(browser.server.asked.filter((ask) => ask.event === "notification:sync").length, 1);
  });

  test("a cable that was pulled without a word is noticed when the browser says offline", async () => {
    const browser = new FakeBrowser();
    const tab = await browser.opened();
    browser.server.blackhole = true;
    tab.page.tell("offline");
    await browser.clock.advance(6_000);
    assert.equal(tab.bell.connection, "offline");
    await browser.clock.advance(60_000);
    browser.server.blackhole = false;
    tab.page.tell("online");
    await browser.clock.advance(200);
    assert.equal(tab.bell.connection, "live");
  });

  test("a browser that is wrong about being offline loses nothing", async () => {
    const browser = new FakeBrowser();
    const tab = await browser.opened();
    const { attempts } = browser.server;
    tab.page.tell("offline");
    await browser.clock.advance(10_000);
    assert.equal(tab.bell.connection, "live");
    assert.equal(browser.server.attempts, attempts);
  });

  test("coming back to the tab does not wait for the backoff", async () => {
    const browser = new FakeBrowser();
    browser.random = 0.999;
    const tab = await browser.opened();
    browser.server.sockets = browser.server.rest = false;
    browser.server.drop();
    await browser.clock.advance(120_000);
    browser.server.sockets = browser.server.rest = true;
    tab.page.tell("visible");
    await browser.clock.advance(100);
    assert.equal(tab.bell.connection, "live");
  });
});

describe("where sockets are blocked", () => {
  test("REST takes over: list, count, marks; and the socket when it is let through", async () => {
    const browser = new FakeBrowser();
    const rows = [browser.server.create("a"), browser.server.create("b")];
    browser.server.sockets = false;
    const tab = await browser.opened();
    await browser.clock.advance(3_000);
    assert.equal(tab.bell.connection, "fallback");
    assert.deepEqual(tab.titles, ["b", "a"]);
    assert.equal(tab.bell.unreadCount, 2);
    const reading = tab.bell.read(rows[0]?.notificationId ?? "");
    await browser.clock.advance(100);
    await reading;
    assert.equal(browser.server.unread, 1);
    assert.equal(browser.server.keys.length, 1);
    browser.server.create("c");
    await browser.clock.advance(40_000);
    assert.deepEqual(tab.titles, ["c", "b", "a"]);
    assert.deepEqual(tab.unreadTitles, ["c", "b"]);
    assert.deepEqual(tab.arrivals, [{ title: "c", live: false }]);
    await browser.clock.advance(600_000);
    assert.equal(tab.bell.connection, "fallback");
    assert.ok(browser.server.requests.length < 60, `polls ${browser.server.requests.length} times in ten minutes`);
    browser.server.sockets = true;
    await browser.clock.advance(30_100);
    assert.equal(tab.bell.connection, "live");
    const { length } = browser.server.requests;
    await browser.clock.advance(300_000);
    assert.equal(browser.server.requests.length, length);
  });

  test("REST that stops answering is told, too", async () => {
    const browser = new FakeBrowser();
    browser.server.sockets = false;
    const tab = await browser.opened();
    await browser.clock.advance(3_000);
    assert.equal(tab.bell.connection, "fallback");
    browser.server.rest = false;
    await browser.clock.advance(40_000);
    assert.equal(tab.bell.connection, "connecting");
  });

  test("a first page that cannot be had is said to have failed, and asked for again", async () => {
    const browser = new FakeBrowser();
    browser.server.create("a");
    browser.server.rest = false;
    const tab = await browser.opened();
    assert.equal(tab.bell.connection, "live");
    assert.equal(tab.bell.state.list, "failed");
    assert.equal(tab.bell.unreadCount, 1);
    browser.server.rest = true;
    await browser.clock.advance(30_000);
    assert.equal(tab.bell.state.list, "ready");
    assert.deepEqual(tab.titles, ["a"]);
  });
});
