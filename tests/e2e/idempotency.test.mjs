// Idempotency-Key, to the letter of the contract: what was answered once is answered again, and nothing is done twice.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { eventually } from './harness.mjs';
import { systems } from './cluster_server.mjs';

for (const { store, start } of systems) describe(`Idempotency-Key: ${store}`, () => {
  let server;
  let creator;
  before(async () => {
    server = await start();
    creator = await server.token(randomUUID(), '--permission', 'notification:create');
  });
  after(async () => assert.equal(await server.stop(), 0));

  const post = (path, key, options = {}) =>
    server.request('POST', path, { ...options, headers: { ...(key === undefined ? {} : { 'idempotency-key': key }), ...options.headers } });
  const newUser = async () => {
    const id = randomUUID();
    return { id, token: await server.token(id) };
  };
  const count = async (user) => (await server.request('GET', '/notifications/unread-count', { token: user.token })).body;
  const wanted = (user, title = 'once') => ({ userId: user.id, type: 'test', title, body: 'body', data: { url: '/x' } });

  function assertReplay(first, again) {
    assert.equal(first.headers.get('idempotency-replayed'), null);
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    assert.equal(again.status, first.status);
    assert.deepEqual(again.body, first.body);
    assert.equal(again.headers.get('location'), first.headers.get('location'));
  }

  test('a repeated creation is done once and answered alike', async () => {
    const user = await newUser();
    const key = randomUUID();
    const first = await post('/notifications', key, { token: creator, body: wanted(user) });
    assert.equal(first.status, 201);
    await server.request('POST', `/notifications/${first.body.notificationId}/read`, { token: user.token });
    const again = await post('/notifications', key, { token: creator, body: wanted(user) });
    assertReplay(first, again);
    assert.deepEqual(await count(user), { count: 0, version: '2' });
  });

  test('without a key, and with another, it is done again', async () => {
    const user = await newUser();
    for (const key of [undefined, undefined, 'a', 'b']) {
      const answer = await post('/notifications', key && `${user.id}-${key}`, { token: creator, body: wanted(user) });
      assert.equal(answer.headers.get('idempotency-replayed'), null);
    }
    assert.equal((await count(user)).count, 4);
  });

  test('reads are repeated with the counts of then', async () => {
    const user = await newUser();
    const made = [];
    for (let i = 0; i < 3; i += 1) made.push(await server.create(user.id, `n${i}`));
    const read = await post(`/notifications/${made[0].notificationId}/read`, 'read', { token: user.token });
    assert.equal(read.body.unreadCount, 2);
    const all = await post('/notifications/read-all', 'all', { token: user.token, body: { before: '2' } });
    assert.deepEqual(all.body, { updated: 1, unreadCount: 1, version: '5' });
    await server.create(user.id, 'later');
    assertReplay(read, await post(`/notifications/${made[0].notificationId}/read`, 'read', { token: user.token }));
    assertReplay(all, await post('/notifications/read-all', 'all', { token: user.token, body: { before: '2' } }));
    assert.deepEqual(await count(user), { count: 2, version: '6' });
  });

  test('not found is repeated too', async () => {
    const user = await newUser();
    const path = `/notifications/${randomUUID()}/read`;
    const first = await post(path, 'k', { token: user.token });
    assert.equal(first.status, 404);
    assertReplay(first, await post(path, 'k', { token: user.token }));
  });

  test('the same key with another request is refused', async () => {
    const user = await newUser();
    await post('/notifications', user.id, { token: creator, body: wanted(user) });
    const other = await post('/notifications', user.id, { token: creator, body: wanted(user, 'another') });
    assert.equal(other.status, 422);
    assert.equal(other.body.code, 'idempotency_mismatch');
    assert.match(other.headers.get('content-type'), /problem\+json/);
    assert.equal((await count(user)).count, 1);
  });

  test('a key is one caller\'s, and one route\'s', async () => {
    const user = await newUser();
    const other = await server.token(randomUUID(), '--permission', 'notification:create');
    const first = await post('/notifications', 'shared', { token: creator, body: wanted(user) });
    const anothers = await post('/notifications', 'shared', { token: other, body: wanted(user) });
    assert.equal(anothers.headers.get('idempotency-replayed'), null);
    assert.notEqual(anothers.body.notificationId, first.body.notificationId);
    assert.equal((await post('/notifications/read-all', 'shared', { token: user.token })).headers.get('idempotency-replayed'), null);
    assert.deepEqual(await count(user), { count: 0, version: '3' });
  });

  test('of many at once with one key, one is done', async () => {
    const user = await newUser();
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 40 }, () => post('/notifications', key, { token: creator, body: wanted(user) })));
    const ids = new Set();
    let done = 0;
    for (const answer of answers) {
      if (answer.status === 409) {
        assert.ok(Number(answer.headers.get('retry-after')) >= 1);
        continue;
      }
      assert.equal(answer.status, 201);
      ids.add(answer.body.notificationId);
      if (!answer.headers.get('idempotency-replayed')) done += 1;
    }
    assert.equal(done, 1);
    assert.equal(ids.size, 1);
    assert.deepEqual(await count(user), { count: 1, version: '1' });
  });

  test('of two processes that get one key at once, one does it', async () => {
    if (!server.postgres) return; // one process by nature
    const user = await newUser();
    const token = await server.internalToken();
    const bases = server.notifications.map(({ url }) => url);
    assert.equal(new Set(bases).size, 2);
    const refused = { conflicts: 0, replays: 0 };
    for (let round = 1; round <= 40; round += 1) {
      const body = wanted(user, `round ${round}`);
      const answers = await Promise.all([...bases, ...bases].map((base) => post('/notification', `${user.id}-${round}`, { token, base, body })));
      const done = answers.filter(({ status }) => status === 201);
      assert.equal(done.filter(({ headers }) => !headers.get('idempotency-replayed')).length, 1, 'one effect');
      assert.equal(new Set(done.map((answer) => JSON.stringify(answer.body))).size, 1, 'one answer');
      for (const answer of answers.filter(({ status }) => status !== 201)) {
        assert.equal(answer.status, 409, JSON.stringify(answer.body));
        assert.ok(Number(answer.headers.get('retry-after')) >= 1);
        refused.conflicts += 1;
      }
      refused.replays += done.length - 1;
    }
    assert.equal(refused.conflicts + refused.replays, 120);
    assert.deepEqual(await count(user), { count: 40, version: '40' });
    assert.equal(await server.postgres.sql(`SELECT count(*) FROM notification.notifications WHERE user_id = '${user.id}'`), '40');
  });

  test('a key outlives the process', async () => {
    const user = await newUser();
    const key = randomUUID();
    const first = await post('/notifications', key, { token: creator, body: wanted(user) });
    await server.kill();
    await server.launch();
    assertReplay(first, await post('/notifications', key, { token: creator, body: wanted(user) }));
    assert.equal((await count(user)).count, 1);
  });

  test('a key has 1 to 255 visible characters', async () => {
    const user = await newUser();
    for (const key of ['k'.repeat(255), '!~"{}']) {
      assert.equal((await post('/notifications/read-all', key, { token: user.token })).status, 200);
    }
    for (const key of ['k'.repeat(256), 'two words', 'gr\u00fc\u00df', '']) {
      const answer = await post('/notifications/read-all', key, { token: user.token });
      assert.equal(answer.status, 400, JSON.stringify(key));
      assert.equal(answer.body.code, 'bad_request');
    }
  });

  test('what was never tried has not used its key', async () => {
    const user = await newUser();
    const key = randomUUID();
    assert.equal((await post('/notifications', key, { token: creator, body: { userId: user.id } })).status, 422);
    assert.equal((await post('/notifications', key, { body: wanted(user) })).status, 401);
    assert.equal((await post('/notifications', key, { token: creator, body: '{' })).status, 400);
    assert.equal((await post('/notifications', key, { token: creator, body: wanted(user) })).status, 201);
  });

  test('the internal API repeats a bulk, each item with its result', async () => {
    const user = await newUser();
    const token = await server.internalToken();
    const base = server.notificationsUrl;
    const body = { notifications: [wanted(user, 'one'), { type: 'test' }, wanted(user, 'three')] };
    const first = await post('/notification/bulk', 'bulk', { token, base, body });
    assert.equal(first.status, 200);
    assert.deepEqual(first.body.results.map((result) => result.status), [201, 422, 201]);
    assertReplay(first, await post('/notification/bulk', 'bulk', { token, base, body }));
    await eventually('the count', async () => (await count(user)).count === 2);
    const other = await post('/notification/bulk', 'bulk', { token, base, body: { notifications: [wanted(user)] } });
    assert.equal(other.status, 422);
    assert.equal(other.body.code, 'idempotency_mismatch');
  });

  test('accounts take no key', async () => {
    const body = { email: `twice-${randomUUID()}@example.test`, password: 'correct horse' };
    assert.equal((await post('/auth/register', 'k', { body })).status, 201);
    assert.equal((await post('/auth/register', 'k', { body })).status, 409);
  });
});
