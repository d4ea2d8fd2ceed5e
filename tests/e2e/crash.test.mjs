// The process is killed without warning while notifications are created; nothing that was acknowledged may be missing.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Server, eventually } from './harness.mjs';

const kills = 20;
const creates = 500;

test(`${kills} SIGKILLs during ${creates} creates: every acknowledged one is listed, counted and rung`, { timeout: 300_000 }, async (t) => {
  const seed = Number(process.env.CARILLON_SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`seed ${seed}`);
  let state = seed;
  const random = () => ((state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648);

  const server = await Server.start({ flags: ['--rate-limit', '1000', '--rest-rate-limit', '100000'] });
  const user = await server.register();
  const creator = await server.token(randomUUID(), '--permission', 'notification:create');
  const tab = await server.connect(user.token).connected();
  await eventually('the welcome is counted', () => tab.count === 1);

  const rung = () => new Set(tab.of('notification:new').map((payload) => payload.notificationId));
  const synced = new Map();
  let since = '0';
  const sync = async () => {
    for (;;) {
      const page = await tab.emit('notification:sync', { since, limit: 500 });
      assert.equal(page.ok, true);
      for (const item of page.notifications) synced.set(item.notificationId, item);
      since = page.hasMore ? page.notifications.at(-1).version : page.version;
      if (!page.hasMore) return page;
    }
  };

  const acknowledged = new Map();
  const killAt = new Set();
  while (killAt.size < kills) killAt.add(1 + Math.floor(random() * (creates - 1)));
  let next = 0;
  // One restart at a time, whoever asks for it.
  let restarted = Promise.resolve();
  const restart = () => (restarted = restarted.then(() => server.kill()).then(() => server.launch()));
  const create = async () => {
    while (next < creates) {
      const n = (next += 1);
      try {
        const answer = await server.request('POST', '/notifications', {
          token: creator, body: { userId: user.id, type: 'crash', title: `n${n}` },
        });
        if (answer.status === 201) acknowledged.set(answer.body.notificationId, n);
      } catch {
        // The connection died with the process: this one was not acknowledged, and may or may not exist.
        await eventually('it is up again', async () => (await fetch(`${server.url}/livez`)).ok, 20_000);
      }
      if (killAt.delete(n)) {
        // Between commit and publish, too: some kills wait for nothing, some for a moment of their own.
        if (random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
        await restart();
      }
    }
  };
  await Promise.all([create(), create(), create()]);
  assert.equal(killAt.size, 0, 'every kill was made');

  const listed = new Map();
  let cursor = '';
  let unread;
  do {
    const page = await server.request('GET', `/notifications?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`, { token: user.token });
    assert.equal(page.status, 200);
    for (const item of page.body.data) listed.set(item.notificationId, item);
    cursor = page.body.nextCursor;
    unread = page.body.unreadCount;
  } while (cursor);

  assert.ok(acknowledged.size > creates / 2, `only ${acknowledged.size} were acknowledged`);
  for (const [id, n] of acknowledged) assert.ok(listed.has(id), `n${n} was acknowledged and is gone`);
  assert.equal(unread, listed.size, 'the counter is exact');
  const versions = [...listed.values()].map((item) => BigInt(item.version)).sort((a, b) => (a < b ? -1 : 1));
  assert.deepEqual(versions, versions.map((_, i) => BigInt(i + 1)), 'versions are dense');

  await eventually('the client is back', () => tab.socket.connected, 20_000);
  await eventually('the events that were due went out', async () => (await server.metric('carillon_outbox_pending')) === 0);
  await sync();
  const known = new Set([...rung(), ...synced.keys()]);
  for (const [id, n] of acknowledged) assert.ok(known.has(id), `n${n} never reached the client`);
  await eventually("the client's count is exact", () => tab.count === unread);
  // Once on each connection. On a later one it may ring again: the process that rang it died before its outbox knew.
  const news = tab.events.filter((event) => event.name === 'notification:new');
  const rings = news.map((event) => `${event.connection} ${event.payload.notificationId}`);
  const again = news.length - new Set(news.map((event) => event.payload.notificationId)).size;
  t.diagnostic(`${acknowledged.size} acknowledged, ${listed.size - 1} exist, ${rings.length} rung live, ${again} again on a later connection`);
  assert.equal(rings.length, new Set(rings).size, 'none rang twice on one connection');
  tab.close();
  assert.equal(await server.stop(), 0);
});

test('an event that was committed and not yet published goes out after the restart', { timeout: 60_000 }, async () => {
  const server = await Server.start();
  const user = await server.register();
  const made = [];
  for (let round = 0; round < 10; round += 1) {
    made.push((await server.create(user.id, `round ${round}`)).notificationId);
    await server.kill();
    await server.launch();
    server.creator = undefined;
  }
  const tab = await server.connect(user.token).connected();
  const page = await tab.emit('notification:sync', { since: '0' });
  for (const id of made) assert.ok(page.notifications.some((item) => item.notificationId === id));
  await eventually('the outbox is empty', async () => (await server.metric('carillon_outbox_pending')) === 0);
  await eventually('the count is exact', () => tab.count === page.unreadCount);
  assert.equal(page.unreadCount, made.length + 1);
  tab.close();
  assert.equal(await server.stop(), 0);
});
