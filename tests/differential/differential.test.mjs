// The same random packets and requests to the reference and to our server: what comes back is the same, but for the
// differences that are on purpose (differences.mjs). CARILLON_FULL=1 runs many more; CARILLON_SEED=N runs one case alone.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { startOurs, startReference } from './server_process.mjs';
import { difference, requestDifference } from './compare.mjs';
import { differences, requestDifferences, together } from './differences.mjs';

const full = process.env.CARILLON_FULL === '1';
const only = process.env.CARILLON_SEED;
const lanes = 6;

describe('beside the reference server', () => {
  let reference;
  let ours;
  before(async () => {
    reference = await startReference({ maxPayload: 100_000 });
    ours = await startOurs({ maxPayload: 100_000, threads: 2 });
  });
  after(async () => {
    await reference?.stop();
    await ours?.stop();
  });

  /** Runs the cases and returns how many each rule explained. The first differences that none explains fail the test. */
  async function compare(t, run, rules, count) {
    const explained = new Map(rules.map((rule) => [rule.name, 0]));
    const unexplained = [];
    const seeds = only ? [Number(only)] : Array.from({ length: count }, (_, i) => i + 1);
    const work = seeds.values();
    const lane = async () => {
      for (const seed of work) {
        if (unexplained.length >= 5) return;
        const found = await run(reference, ours, seed).catch((error) => ({ seed, error: error.stack }));
        if (!found) continue;
        const rule = found.error ? undefined : found.together ? together : rules.find((one) => one.applies(found));
        if (rule) explained.set(rule.name, explained.get(rule.name) + 1);
        else unexplained.push(found);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    assert.deepEqual(unexplained.map((found) => JSON.stringify(found)), []);
    assert.ok(!ours.exited(), 'our server has gone');
    const counts = [...explained].map(([name, n]) => `${name} ${n}`).join(', ');
    t.diagnostic(`${seeds.length} cases; differences on purpose: ${counts}`);
    if (full && !only) assert.deepEqual([...explained].filter(([, n]) => n === 0), [], 'rules that nothing needs');
  }

  test('packets, over polling and WebSocket', async (t) => {
    await compare(t, difference, [...differences, together], full ? 30_000 : 1_000);
  });

  test('requests', async (t) => {
    await compare(t, requestDifference, requestDifferences, full ? 5_000 : 200);
  });
});
