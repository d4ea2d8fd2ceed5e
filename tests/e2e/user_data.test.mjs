// The duties to one user: everything that is kept is handed out, and erased for good.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Server, eventually } from './harness.mjs';

const secret = `never-to-be-found-${randomUUID()}`;

describe('the data of one user', () => {
  let server;
  let admin;
  before(async () => {
    server = await Server.start();
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

  test('is erased: account, notifications, answers, bytes; and every tab is told', async (t) => {
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
    const updated = await tab.event('notification:updated', ({ reset }) => reset === true);
    assert.equal(updated.action, 'read-all');
    assert.equal(updated.unreadCount, 0);
    await tab.event('unreadCount:updated', ({ count }) => count === 0);
    assert.ok(BigInt(updated.version) > BigInt(since));
    const synced = await tab.emit('notification:sync', { since });
    assert.equal(synced.reset, true);
    assert.deepEqual(synced.notifications, []);

    for (const { notificationId } of made) {
      assert.equal((await server.request('GET', `/notifications/${notificationId}`, { token: user.token })).status, 404);
    }
    assert.equal((await server.request('POST', `/notifications/${made[1].notificationId}/read`, { token: user.token })).status, 404);
    assert.deepEqual((await server.request('GET', '/notifications', { token: user.token })).body.data, []);
    assert.equal((await server.request('POST', '/auth/login', { body: { email: user.email, password: 'correct horse' } })).status, 401);
    assert.equal((await fetchData(user.id)).status, 404);
    assert.equal((await erase(user.id)).status, 204, 'again');
    const kept = await fetchData(other.id);
    assert.ok(kept.body.inbox.notifications.some(({ title }) => title === 'of another'));

    for (const name of await readdir(server.dataDir)) {
      const bytes = await readFile(join(server.dataDir, name)).catch((error) => (error.code === 'EISDIR' ? Buffer.alloc(0) : Promise.reject(error)));
      assert.ok(!bytes.includes(secret), `${name} still has the text`);
      assert.ok(!bytes.includes(user.email), `${name} still has the address`);
    }
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
