// The duties to one user: everything that is kept is handed out, and erased for good.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from './harness.mjs';
import { systems } from './cluster_server.mjs';

const secret = `never-to-be-found-${randomUUID()}`;

/** That no table has a row with the user's words or id, but for the counters, which hold none. */
async function assertGoneFromTables(postgres, user) {
  const tables = (await postgres.sql("SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_schema IN ('notification', 'auth')")).split('\n');
  assert.ok(tables.includes('notification.outbox') && tables.includes('auth.users'));
  for (const table of tables) {
    const words = [secret, user.email, ...(/user_state|consumed_events|revocations/.test(table) ? [] : [user.id])];
    const like = words.map((word) => `t::text LIKE '%${word}%'`).join(' OR ');
    await eventually(`${table} has nothing left`, async () => (await postgres.sql(`SELECT count(*) FROM ${table} t WHERE ${like}`)) === '0');
  }
}

for (const { store, start } of systems) describe(`the data of one user: ${store}`, () => {
  let server;
  let admin;
  before(async () => {
    server = await start();
    admin = await server.token(randomUUID(), '--permission', 'admin');
  });
  after(async () => assert.equal(await server.stop(), 0));

  const path = (user) => `/admin/users/${user}/data`;
  const fetchData = (user, query = '') => server.request('GET', path(user) + query, { token: admin });
  const erase = (user) => server.request('DELETE', path(user), { token: admin });
  async function pages(user, limit) {
    const all = [];
    for (let cursor = ''; cursor !== null;) {
      const page = await fetchData(user, `?limit=${limit}${cursor && `&cursor=${cursor}`}`);
      assert.equal(page.status, 200, JSON.stringify(page.body));
      all.push(page.body);
      cursor = page.body.inbox.nextCursor;
    }
    return all;
  }

  test('needs the permission admin', async () => {
    const user = await server.register();
    for (const method of ['GET', 'DELETE']) {
      assert.equal((await server.request(method, path(user.id))).status, 401);
      assert.equal((await server.request(method, path(user.id), { token: user.token })).status, 403);
      assert.equal((await server.request(method, path('no-uuid'), { token: admin })).status, 404);
    }
    assert.equal((await server.request('POST', path(user.id), { token: admin })).status, 405);
  });

  test('is handed out whole, in pages', async () => {
    const user = await server.register('Export');
    await eventually('the welcome', async () => (await server.request('GET', '/notifications/unread-count', { token: user.token })).body.count === 1);
    const made = [];
    for (let i = 0; i < 12; i += 1) made.push((await server.create(user.id, `n${i}`)).notificationId);
    for (const id of made.slice(0, 3)) {
      await server.request('POST', `/notifications/${id}/read`, { token: user.token, headers: { 'idempotency-key': id } });
    }
    for (const limit of [1, 5, 100]) {
      const all = await pages(user.id, limit);
      const rows = all.flatMap((page) => page.inbox.notifications);
      assert.equal(rows.length, 13);
      assert.equal(new Set(rows.map((row) => row.notificationId)).size, 13);
      assert.equal(rows.filter((row) => row.readAt).length, 3);
      const answers = all.flatMap((page) => page.inbox.idempotencyAnswers);
      assert.deepEqual(answers.map(({ answer }) => answer.notificationId), made.slice(0, 3));
      for (const page of all) {
        assert.equal(page.userId, user.id);
        assert.equal(page.account.email, user.email);
        assert.equal(page.inbox.unreadCount, 10);
        const things = page.inbox.notifications.length + page.inbox.pendingEvents.length + page.inbox.idempotencyAnswers.length;
        assert.ok(things <= limit);
      }
    }
    assert.ok(!JSON.stringify(await fetchData(user.id)).includes('argon2'), 'no password hash');
    assert.equal((await fetchData(user.id, '?limit=0')).status, 400);
    assert.equal((await fetchData(user.id, '?cursor=x1')).status, 400);
  });

  test('of an unknown user is 404, and erasing it is no error', async () => {
    const nobody = randomUUID();
    assert.equal((await fetchData(nobody)).status, 404);
    assert.equal((await erase(nobody)).status, 204);
    assert.equal((await fetchData(nobody)).status, 404);
  });

  test('is erased: account, notifications, answers, bytes, tokens; and its tabs are sent away', async (t) => {
    const user = await server.register('Erase');
    const other = await server.register('Other');
    const tab = await server.connect(user.token).connected();
    t.after(() => tab.close());
    const made = [];
    for (let i = 0; i < 30; i += 1) {
      made.push(await server.create(user.id, `title ${i}`, { body: secret.padEnd(3_000, '.') }));
    }
    await server.create(other.id, 'of another');
    await server.request('POST', `/notifications/${made[0].notificationId}/read`, { token: user.token, headers: { 'idempotency-key': 'k' } });
    await tab.event('unreadCount:updated', ({ count }) => count === 30);
    const since = tab.of('unreadCount:updated').at(-1).version;

    assert.equal((await erase(user.id)).status, 204);
    // It is told that all is gone, unless it was sent away before: the two travel apart.
    await eventually('the tab is sent away: its token is revoked', () => tab.disconnects.length > 0, 2_000);
    for (const updated of tab.of('notification:updated').filter(({ reset }) => reset)) {
      assert.deepEqual({ action: updated.action, unreadCount: updated.unreadCount }, { action: 'read-all', unreadCount: 0 });
      assert.ok(BigInt(updated.version) > BigInt(since));
    }
    assert.equal((await server.request('GET', '/notifications', { token: user.token })).status, 401);
    // A token made later, by somebody else's identity provider perhaps.
    const token = await eventually('a token that was made later', async () => {
      const made = await server.token(user.id, '--permission', 'notification:read', '--permission', 'notification:update');
      return (await server.request('GET', '/notifications', { token: made })).status === 200 && made;
    });
    tab.close();
    const after = await server.connect(token).connected();
    t.after(() => after.close());
    const synced = await after.emit('notification:sync', { since });
    assert.equal(synced.reset, true);
    assert.deepEqual(synced.notifications, []);

    for (const { notificationId } of made) {
      assert.equal((await server.request('GET', `/notifications/${notificationId}`, { token })).status, 404);
    }
    assert.equal((await server.request('POST', `/notifications/${made[1].notificationId}/read`, { token })).status, 404);
    assert.deepEqual((await server.request('GET', '/notifications', { token })).body.data, []);
    assert.equal((await server.request('POST', '/auth/login', { body: { email: user.email, password: 'correct horse' } })).status, 401);
    assert.equal((await fetchData(user.id)).status, 404);
    assert.equal((await erase(user.id)).status, 204, 'again');
    const kept = await fetchData(other.id);
    assert.ok(kept.body.inbox.notifications.some(({ title }) => title === 'of another'));

    if (server.postgres) return assertGoneFromTables(server.postgres, user);
    for (const name of await readdir(server.dataDir)) {
      const bytes = await readFile(join(server.dataDir, name)).catch((error) => (error.code === 'EISDIR' ? Buffer.alloc(0) : Promise.reject(error)));
      assert.ok(!bytes.includes(secret), `${name} still has the text`);
      assert.ok(!bytes.includes(user.email), `${name} still has the address`);
    }
    return undefined;
  });

  test('a gateway that never heard of it tells its tabs all the same', { timeout: 120_000 }, async (t) => {
    const user = randomUUID();
    const token = await server.token(user);
    const tab = await server.connect(token).connected();
    t.after(() => tab.close());
    for (let i = 0; i < 3; i += 1) await server.create(user, `n${i}`);
    await tab.event('unreadCount:updated', ({ count }) => count === 3);
    if (!server.postgres) {
      // Here gateway and service live and die together: the client comes back with what it knew.
      const { version } = tab.of('unreadCount:updated').at(-1);
      const erasing = erase(user).catch(() => {});
      await eventually('it is erased', async () => (await server.request('GET', '/notifications', { token })).body.data?.length === 0);
      await erasing;
      await server.kill();
      await server.launch();
      await eventually('the tab is back', () => tab.connects >= 2 && tab.socket.connected, 20_000);
      assert.equal((await tab.emit('notification:sync', { since: version })).reset, true);
      return;
    }
    // The event is lost: with NATS away it is in the outbox only, and it goes from there with those who knew of it dead.
    await server.nats.kill();
    assert.equal((await erase(user)).status, 204);
    await server.kill();
    await server.postgres.sql(`DELETE FROM notification.outbox WHERE user_id = '${user}'`);
    await server.nats.again();
    await server.launch();
    const updated = await tab.event('notification:updated', ({ reset }) => reset === true, 60_000);
    assert.deepEqual({ ...updated }, { action: 'read-all', unreadCount: 0, version: '4', reset: true });
    await eventually('the count is exact', () => tab.count === 0);
    assert.equal(tab.connects, 1, 'the socket was never closed');
    const later = await eventually('creating works again', () => server.create(user, 'later'));
    await tab.event('notification:new', ({ notificationId }) => notificationId === later.notificationId, 20_000);
    assert.equal(tab.count, 1);
  });

  test('a huge inbox goes too', async () => {
    const user = randomUUID();
    const token = await server.internalToken();
    const notifications = Array.from({ length: 1_000 }, (_, i) => ({ userId: user, type: 'bulk', title: `n${i}` }));
    for (let i = 0; i < 3; i += 1) {
      const answer = await server.request('POST', '/notification/bulk', { token, base: server.notificationsUrl, body: { notifications } });
      assert.equal(answer.status, 200);
    }
    assert.equal((await erase(user)).status, 204);
    const own = await server.token(user);
    assert.equal((await server.request('GET', '/notifications/unread-count', { token: own })).body.count, 0);
    assert.equal((await fetchData(user)).status, 404);
  });
});
