// One short round of `./dev chaos`, and the proof that its judge would see what is lost.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pause, until } from '../cluster/servers.mjs';
import { System, round, troubles } from './chaos.mjs';
import { Load, makeUsers } from './load.mjs';
import { judge, outbox } from './judge.mjs';
import { Watcher } from './watcher.mjs';

const binary = process.env.CARILLON_BINARY ?? join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'build', 'release', 'carillon');
const size = { users: 6, tabs: 2, rate: 60, times: { before: 500, after: 500, away: 500, frozen: 2_000, cut: 2_000, settle: 60_000 } };

describe('chaos, a short round', { timeout: 400_000 }, () => {
  let system;
  before(async () => {
    system = await System.start(binary);
  });
  after(async () => assert.deepEqual(await system.stop(), [], 'every process stops with 0'));

  for (const name of Object.keys(troubles)) {
    test(name, async (t) => {
      const figures = await round(system, name, size);
      t.diagnostic(`${figures.created} created, ${figures.read} read, ${figures.reconnects} reconnects, longest away ${figures.awayMs.longest} ms, right after ${figures.rightAfterMs} ms`);
      assert.deepEqual(figures.faults, []);
      assert.ok(figures.created > 10 && figures.heard > 20, `${figures.created} created, ${figures.heard} heard`);
    });
  }

  describe('the judge', () => {
    let load, watchers;
    const settled = async () => watchers.every((watcher) => watcher.settled) && (await outbox(system.postgres)) === 0 &&
      (await judge({ load, clients: watchers, postgres: system.postgres })).length === 0;

    before(async () => {
      const users = makeUsers(2, system.secrets.user);
      watchers = users.map((user) => new Watcher(system.url, user, 'a tab'));
      load = new Load({ users, servicesUrls: system.notifications.map(({ url }) => url), frontUrl: system.url,
        internalSecret: system.secrets.internal, readOne: () => watchers[Math.floor(Math.random() * watchers.length)].readOne() });
      await until('the clients are connected', () => watchers.every((watcher) => watcher.settled));
      load.start({ rate: 100 });
      await pause(500);
      await load.stop();
      await until('all is right', settled);
    });
    after(() => watchers.forEach((watcher) => watcher.close()));

    test('sees an event that one client never had', async () => {
      const [id] = watchers[0].items.keys();
      const kept = watchers[0].items.get(id);
      watchers[0].items.delete(id);
      const faults = await judge({ load, clients: watchers, postgres: system.postgres });
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0], new RegExp(`does not have ${id}`));
      watchers[0].items.set(id, kept);
    });

    test('sees a count that is off by one, and a notification that rang twice', async () => {
      watchers[1].count += 1;
      const [ring] = watchers[1].rings.keys();
      watchers[1].rings.set(ring, 2);
      const faults = await judge({ load, clients: watchers, postgres: system.postgres });
      assert.equal(faults.length, 2, faults.join('\n'));
      assert.match(faults[0], /counts \d+ instead of \d+/);
      assert.match(faults[1], /heard 1 twice on one connection/);
      watchers[1].count -= 1;
      watchers[1].rings.set(ring, 1);
    });

    test('sees an acknowledged create that is gone, and the counter that is off with it', async () => {
      const [id] = [...load.created].find(([created, user]) => user === watchers[0].user.id && !watchers[0].items.get(created).read);
      await system.postgres.sql(`DELETE FROM notification.notifications WHERE id = '${id}'`);
      const faults = await judge({ load, clients: watchers, postgres: system.postgres });
      assert.equal(faults.length, 3, faults.join('\n'));
      assert.match(faults[0], new RegExp(`${id} was acknowledged and is not in the database`));
      assert.match(faults[1], /unread rows and the counter/);
      assert.match(faults[2], new RegExp(`has ${id}, which is not in the database`));
    });
  });
});
