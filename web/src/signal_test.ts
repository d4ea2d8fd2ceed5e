import assert from "node:assert/strict";
import { test } from "node:test";
import { derived, detached, effect, onCleanup, signal, untracked } from "./signal.ts";

const settled = () => new Promise<void>((done) => setTimeout(done, 0));

test("an effect reruns once for several changes", async () => {
  const a = signal(1);
  const b = signal(1);
  const seen: number[] = [];
  effect(() => void seen.push(a.get() + b.get()));
  a.set(2);
  b.set(3);
  await settled();
  assert.deepEqual(seen, [2, 5]);
});

test("an effect that ended stays quiet, and so do the effects inside it", async () => {
  const outer = signal(0);
  const inner = signal(0);
  const seen: string[] = [];
  const stop = effect(() => {
    const round = outer.get();
    effect(() => void seen.push(`${round}:${inner.get()}`));
    onCleanup(() => seen.push(`end ${round}`));
  });
  outer.set(1);
  await settled();
  inner.set(1);
  await settled();
  stop();
  inner.set(2);
  outer.set(2);
  await settled();
  assert.deepEqual(seen, ["0:0", "end 0", "1:0", "1:1", "end 1"]);
});

test("a change made by an effect reaches the others in the same turn", async () => {
  const source = signal(1);
  const double = derived(() => source.get() * 2);
  const seen: number[] = [];
  effect(() => void seen.push(double.get()));
  source.set(4);
  await settled();
  assert.deepEqual(seen, [2, 8]);
});

test("untracked reads do not subscribe", async () => {
  const value = signal(1);
  let runs = 0;
  effect(() => {
    runs += 1;
    untracked(() => value.get());
  });
  value.set(2);
  await settled();
  assert.equal(runs, 1);
});

test("a detached scope outlives the effect it was made in", async () => {
  const outer = signal(0);
  const value = signal("a");
  const seen: string[] = [];
  let dispose = (): void => undefined;
  effect(() => {
    if (outer.get() > 0) return;
    dispose = detached(() => effect(() => void seen.push(value.get())));
  });
  outer.set(1);
  await settled();
  value.set("b");
  await settled();
  dispose();
  value.set("c");
  await settled();
  assert.deepEqual(seen, ["a", "b"]);
});
