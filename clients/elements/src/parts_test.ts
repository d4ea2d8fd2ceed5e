import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BellNotification } from "@carillon/client";

import { Announcer } from "./announcer.js";
import type { Clock } from "./clock.js";
import { groupByDay, timeLabel } from "./dates.js";
import { linkOf } from "./links.js";
import { addMessages, messagesFor, type Messages } from "./messages.js";
import { place } from "./placement.js";
import { Toasts } from "./toasts.js";

class HandClock implements Clock {
  private time = 0;
  private readonly timers = new Set<{ due: number; action(): void }>();

  now(): number {
    return this.time;
  }
  after(ms: number, action: () => void): () => void {
    const timer = { due: this.time + ms, action };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }
  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const [next] = [...this.timers].sort((a, b) => a.due - b.due);
      if (next === undefined || next.due > end) break;
      this.timers.delete(next);
      this.time = next.due;
      next.action();
    }
    this.time = end;
  }
}

const at = (createdAt: Date, id = "n"): BellNotification => ({
  notificationId: id,
  userId: "u",
  type: "t",
  title: id,
  createdAt: createdAt.toISOString(),
  readAt: null,
  version: "1",
  read: false,
});

test("links are followed only where they are harmless", () => {
  const base = "https://app.example/inbox/";
  for (const [url, target] of [
    ["https://other.example/x", "https://other.example/x"],
    ["HTTP://other.example/", "http://other.example/"],
    ["/orders/4?a=1#b", "https://app.example/orders/4?a=1#b"],
    ["orders", "https://app.example/inbox/orders"],
    ["?page=2", "https://app.example/inbox/?page=2"],
    ["javascript:alert(1)", null],
    ["JavaScript:alert(1)", null],
    ["\tjava\nscript:alert(1)", null],
    ["data:text/html,x", null],
    ["//other.example/x", null],
    ["/\\other.example/x", null],
    ["mailto:a@b.example", null],
    ["https://", null],
    ["", null],
  ] as const) {
    assert.equal(linkOf({ url }, base), target, url);
  }
  for (const data of [undefined, {}, { url: 7 }, { url: null }]) assert.equal(linkOf(data, base), null);
});

describe("dates", () => {
  const now = new Date(2026, 2, 10, 14, 30);
  const words = messagesFor("en");

  test("are grouped by the reader's days", () => {
    const rows = [
      at(new Date(2026, 2, 10, 15, 0), "ahead"),
      at(new Date(2026, 2, 10, 0, 0), "midnight"),
      at(new Date(2026, 2, 9, 23, 59), "late"),
      at(new Date(2026, 2, 8, 12, 0), "sunday"),
      at(new Date(2025, 11, 31, 12, 0), "last year"),
    ];
    const groups = groupByDay(rows, now, "en-GB", words);
    // Whether a comma stands after the weekday changes with the version of the locale data.
    assert.deepEqual(groups.map((group) => [group.label.replace(",", ""), group.notifications.map((row) => row.title)]), [
      ["Today", ["ahead", "midnight"]],
      ["Yesterday", ["late"]],
      ["Sunday 8 March", ["sunday"]],
      ["Wednesday 31 December 2025", ["last year"]],
    ]);
    assert.equal(groupByDay([at(new Date(2026, 2, 9))], now, "vi", messagesFor("vi"))[0]?.label, "Hôm qua");
  });

  test("say how long ago it was today, and the time of other days", () => {
    const label = (date: Date, language = "en-GB"): string => timeLabel(date.toISOString(), now, language);
    assert.equal(label(new Date(2026, 2, 10, 14, 29, 30)), "now");
    assert.equal(label(new Date(2026, 2, 10, 14, 35)), "now");
    assert.match(label(new Date(2026, 2, 10, 14, 0)), /^30 min ago$/);
    assert.match(label(new Date(2026, 2, 10, 9, 0)), /^5 ?hr? ago$/);
    assert.equal(label(new Date(2026, 2, 9, 23, 5)), "23:05");
    assert.equal(label(new Date(2026, 2, 10, 14, 0), "vi"), "30 phút trước");
  });
});

describe("words", () => {
  test("fall back from region to language to English", () => {
    assert.equal(messagesFor("vi-VN").title, "Thông báo");
    assert.equal(messagesFor("en-GB").title, "Notifications");
    assert.equal(messagesFor("xx").title, "Notifications");
    addMessages("de", { title: "Mitteilungen" });
    assert.equal(messagesFor("de-AT").title, "Mitteilungen");
    assert.equal(messagesFor("de-AT").today, "Today");
    addMessages("vi", { title: "Chuông" });
    assert.equal(messagesFor("vi").title, "Chuông");
    assert.equal(messagesFor("vi").today, "Hôm nay");
  });

  test("exist in both languages, all of them, and differ", () => {
    const [en, vi] = [messagesFor("en"), messagesFor("vi")];
    assert.deepEqual(Object.keys(en).sort(), Object.keys(vi).sort());
    const say = (words: Messages, key: keyof Messages): string => {
      const word = words[key] as string | ((value: never) => string);
      return typeof word === "string" ? word : word(7 as never);
    };
    for (const key of Object.keys(en) as (keyof Messages)[]) assert.notEqual(say(en, key), say(vi, key), key);
  });
});

describe("the panel", () => {
  const window = { width: 1200, height: 800 };
  const bell = { left: 1000, right: 1040, top: 10, bottom: 50 };

  test("stands under the bell, its end at the bell's end", () => {
    assert.deepEqual(place(bell, 400, window, false), { top: 58, left: 640, width: 400, height: 620, origin: "380px top" });
    assert.equal(place({ ...bell, left: 100, right: 140 }, 400, window, true).left, 100);
  });

  test("never leaves the window", () => {
    for (const rtl of [false, true]) {
      for (const left of [-50, 0, 300, 1160, 1300]) {
        const { left: at, width } = place({ ...bell, left, right: left + 40 }, 400, window, rtl);
        assert.ok(at >= 12 && at + width <= 1188, `${left}: ${at}`);
      }
    }
    const narrow = place({ ...bell, left: 200, right: 240 }, 400, { width: 320, height: 640 }, false);
    assert.deepEqual([narrow.left, narrow.width], [8, 304]);
  });

  test("opens upwards when there is more room", () => {
    const up = place({ ...bell, top: 740, bottom: 780 }, 400, window, false);
    assert.equal(up.top + up.height, 732);
    assert.match(up.origin, /bottom$/);
  });
});

describe("toasts", () => {
  function made(visible = () => true) {
    const clock = new HandClock();
    return { clock, toasts: new Toasts(() => {}, visible, clock) };
  }
  const ids = (toasts: Toasts): string[] => toasts.list.map((toast) => toast.id);

  test("go after a while, the newest three are shown", () => {
    const { clock, toasts } = made();
    for (const id of ["a", "b", "c", "d"]) {
      toasts.add(at(new Date(), id));
      clock.advance(1_500);
    }
    assert.deepEqual(ids(toasts), ["b", "c", "d"]);
    clock.advance(3_000);
    assert.deepEqual(ids(toasts), ["c", "d"]);
    clock.advance(8_000);
    assert.deepEqual(ids(toasts), []);
  });

  test("a burst is one of them", () => {
    const { clock, toasts } = made();
    for (let i = 0; i < 100; i += 1) toasts.add(at(new Date(), `n${i}`));
    assert.deepEqual(toasts.list, [{ id: "many", notification: null, count: 100, leaving: false }]);
    clock.advance(8_000);
    assert.deepEqual(ids(toasts), []);
  });

  test("wait while somebody is at them, or nobody can see them", () => {
    let visible = false;
    const { clock, toasts } = made(() => visible);
    toasts.add(at(new Date(), "a"));
    clock.advance(60_000);
    assert.deepEqual(ids(toasts), ["a"]);
    visible = true;
    toasts.hold(true);
    clock.advance(60_000);
    assert.deepEqual(ids(toasts), ["a"]);
    toasts.hold(false);
    clock.advance(6_900);
    assert.deepEqual(ids(toasts), ["a"]);
    clock.advance(300);
    assert.deepEqual(ids(toasts), []);
  });

  test("go when they are read elsewhere", () => {
    const { clock, toasts } = made();
    toasts.add(at(new Date(), "a"));
    toasts.add(at(new Date(), "b"));
    toasts.dropRead((id) => id === "b");
    clock.advance(200);
    assert.deepEqual(ids(toasts), ["b"]);
  });
});

test("a screen reader hears one sentence for a burst, and none twice", () => {
  const clock = new HandClock();
  const said: string[] = [];
  const announcer = new Announcer<string>((items) => (items.length === 1 ? String(items[0]) : `${items.length} new`), (text) => said.push(text), clock);
  announcer.add("one");
  clock.advance(1_000);
  assert.deepEqual(said, ["one"]);
  clock.advance(6_000);
  for (let i = 0; i < 30; i += 1) {
    announcer.add(`n${i}`);
    clock.advance(100);
  }
  clock.advance(2_000);
  assert.deepEqual(said, ["one", "", "30 new"]);
  for (let i = 0; i < 100; i += 1) {
    announcer.add(`m${i}`);
    clock.advance(100);
  }
  assert.ok(said.length <= 6, "a stream that does not end is told every few seconds");
  announcer.stop();
});
