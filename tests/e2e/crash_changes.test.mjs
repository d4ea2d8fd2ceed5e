// The processes, or PostgreSQL, are killed without warning amid creations, reads and read-alls that come with idempotency keys and are sent again
// until they are answered: every change is made once, whichever side of a commit the kill came.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { eventually } from './harness.mjs';
import { systems } from './cluster_server.mjs';

const kills = 8;
const changes = 400;

for (const { store, start } of systems) test(`${kills} SIGKILLs amid ${changes} repeated changes, ${store}: each is made once`, { timeout: 240_000 }, async (t) => {
  const server = await start({ flags: ['--rest-rate-limit', '1000000'] });
  t.after(() => server.stop());
  const id = randomUUID();
  const token = await server.token(id, ...['notification:read', 'notification:update', 'notification:create'].flatMap((name) => ['--permission', name]));

  let restarted = Promise.resolve();
  // By turns the services and, where it is a process of its own, the database.
  const restart = (turn) => (restarted = restarted.then(async () => {
    if (server.postgres && turn % 2 === 0) {
      await server.postgres.kill();
      await server.postgres.again();
    } else {
      await server.kill();
      await server.launch();
    }
  }));
  let resent = 0;
  let replayed = 0;
  /** Sends with one key until there is an answer. */
  async function insist(path, body) {
    const key = randomUUID();
    return eventually(`an answer to ${path}`, async () => {
      const answer = await server.request('POST', path, { token, body, headers: { 'idempotency-key': key } }).catch(() => undefined);
      if (answer === undefined || answer.status === 409 || answer.status >= 500) {
        resent += 1;
        return undefined;
      }
      assert.ok(answer.status < 300, `${answer.status} ${JSON.stringify(answer.body)}`);
      if (answer.headers.get('idempotency-replayed')) replayed += 1;
      return answer.body;
    }, 30_000);
  }

  const created = new Map();
  const read = new Map();
  const counts = new Map();
  const learn = ({ unreadCount, version }) => {
    assert.equal(counts.get(version) ?? unreadCount, unreadCount, `version ${version} has one count`);
    counts.set(version, unreadCount);
  };
  const every = Math.floor(changes / (kills + 1));
  let next = 0;
  let killed = 0;
  async function work() {
    while (next < changes) {
      const n = (next += 1);
      const change = n % 10 === 0 ? insist('/notifications/read-all', { before: String(n / 2) }).then(learn)
        : n % 3 === 0 && created.size > 0 ? (() => {
          const one = [...created.keys()][n % created.size];
          return insist(`/notifications/${one}/read`).then((answer) => {
            learn(answer);
            assert.equal(read.get(one) ?? answer.readAt, answer.readAt, 'read once');
            read.set(one, answer.readAt);
          });
        })()
          : insist('/notifications', { userId: id, type: 'crash', title: `n${n}` }).then((row) => created.set(row.notificationId, n));
      if (n % every === 0 && killed < kills) {
        killed += 1;
        await restart(killed);
      }
      await change;
    }
  }
  await Promise.all(Array.from({ length: 6 }, work));
  assert.equal(killed, kills);

  const rows = [];
  let page;
  for (let cursor = ''; cursor !== null; cursor = page.nextCursor) {
    page = (await server.request('GET', `/notifications?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`, { token })).body;
    rows.push(...page.data);
  }
  assert.equal(rows.length, created.size, 'every creation is there once');
  assert.equal(new Set(rows.map((row) => row.title)).size, created.size);
  for (const row of rows) {
    assert.ok(created.has(row.notificationId));
    if (read.has(row.notificationId)) assert.equal(row.readAt, read.get(row.notificationId));
  }
  assert.equal(page.unreadCount, rows.filter((row) => !row.readAt).length, 'the counter is exact');
  for (const [version, count] of counts) {
    if (version === page.version) assert.equal(count, page.unreadCount);
  }
  await eventually('the events that were due went out', async () => (await server.metric('carillon_outbox_pending')) === 0);
  t.diagnostic(`${created.size} created, ${read.size} read, ${resent} sent again, ${replayed} of them had been done`);
});
