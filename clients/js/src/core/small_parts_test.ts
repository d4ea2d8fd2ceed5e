import assert from "node:assert/strict";
import { test } from "node:test";

import { SleepWatch } from "../browser/page.js";
import { retryAfterMs } from "../browser/socket_io.js";
import { FakeClock } from "../testing/fake_clock.js";
import { jwt } from "../testing/fake_browser.js";
import { backoffMs } from "./backoff.js";
import { Emitter } from "./emitter.js";
import { claimsOf, TokenSource } from "./tokens.js";
import { compareVersions, following, isVersion } from "./versions.js";

test("versions are compared as the numbers they are", () => {
  const sorted = ["0", "2", "9", "10", "99", "100", "9007199254740992", "9007199254740993", "9223372036854775807"];
  for (const [i, a] of sorted.entries()) for (const [j, b] of sorted.entries()) assert.equal(Math.sign(compareVersions(a, b)), Math.sign(i - j));
  assert.equal(following("9007199254740992"), "9007199254740993");
  for (const bad of ["", "-1", "1.5", "abc", 7, null, undefined]) assert.equal(isVersion(bad), false);
});

test("the backoff is anything up to a ceiling between 0.5 s and 30 s", () => {
  for (const [failures, ceiling] of [[1, 500], [2, 1_000], [6, 16_000], [7, 30_000], [5_000, 30_000]] as const) {
    assert.equal(backoffMs(failures, () => 0), 0);
    assert.ok(Math.abs(backoffMs(failures, () => 0.9999999) - ceiling) < 1);
  }
});

test("Retry-After is seconds or a date", () => {
  assert.equal(retryAfterMs("3"), 3_000);
  assert.equal(retryAfterMs("Thu, 01 Jan 1970 00:00:10 GMT", 4_000), 6_000);
  for (const none of [null, "", "0", "soon", "Thu, 01 Jan 1970 00:00:01 GMT"]) assert.equal(retryAfterMs(none, 4_000), undefined);
});

test("claims are read from any JWT, and from nothing else", () => {
  assert.deepEqual(claimsOf(jwt("Ünïcode-USER", 5_000)), { user: "ünïcode-user", expiresAt: 5_000 });
  for (const bad of ["", "a.b.c", "opaque", "e30.bnVsbA.x"]) assert.deepEqual(claimsOf(bad), { user: null, expiresAt: null });
});

test("getToken is asked once for all who want one, and again when the token is about to end", async () => {
  const clock = new FakeClock();
  const asked: boolean[] = [];
  const tokens = new TokenSource(({ fresh }) => {
    asked.push(fresh);
    return jwt("user", clock.now() + 60_000, asked.length);
  }, clock);
  const [a, b] = await Promise.all([tokens.get(), tokens.get()]);
  assert.equal(a, b);
  await clock.advance(25_000);
  assert.equal(await tokens.get(), a);
  await clock.advance(6_000);
  assert.notEqual(await tokens.get(), a);
  assert.deepEqual(asked, [false, true]);
});

test("a listener that throws does not keep the others from hearing", () => {
  const emitter = new Emitter<{ tick: number }>();
  const heard: number[] = [];
  const reported: unknown[] = [];
  globalThis.reportError = (error: unknown) => void reported.push(error);
  emitter.on("tick", () => {
    throw new Error("listener");
  });
  const off = emitter.on("tick", (n) => heard.push(n));
  emitter.emit("tick", 1);
  off();
  off();
  emitter.emit("tick", 2);
  assert.deepEqual(heard, [1]);
  assert.equal(reported.length, 2);
});

test("a sleep is told from a timer that is merely late", () => {
  let wall = 0;
  let own = 0;
  const watch = new SleepWatch(() => wall, () => own);
  const pass = (wallMs: number, ownMs: number): void => {
    wall += wallMs;
    own += ownMs;
  };
  pass(2_000, 2_000);
  assert.equal(watch.hasSlept(true), false);
  pass(60_000, 60_000);
  assert.equal(watch.hasSlept(false), false, "a hidden page's timers come once a minute");
  pass(60_000, 2_000);
  assert.equal(watch.hasSlept(false), true, "the page's own clock stood still");
  pass(3_600_000, 3_600_000);
  assert.equal(watch.hasSlept(false), true);
  pass(30_000, 30_000);
  assert.equal(watch.hasSlept(true), true);
  pass(-3_600_000, 2_000);
  assert.equal(watch.hasSlept(true), false, "a clock that was set back");
});
