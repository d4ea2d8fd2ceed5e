// The public REST API and the internal one, to the letter of the contract.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { eventually } from './harness.mjs';
import { systems } from './cluster_server.mjs';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function assertProblem(answer, status, code) {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.match(answer.headers.get('content-type'), /^application\/problem\+json/);
  assert.equal(answer.body.status, status);
  assert.equal(answer.body.code, code);
  assert.equal(typeof answer.body.type, 'string');
  assert.equal(typeof answer.body.title, 'string');
}

for (const { store, start } of systems) describe(`public REST: ${store}`, () => {
  let server;
  let user;
  before(async () => {
    server = await start();
    user = await server.register();
    await eventually('the welcome', async () =>
      (await server.request('GET', '/notifications/unread-count', { token: user.token })).body.count === 1);
  });
  after(async () => assert.equal(await server.stop(), 0));

  const selfToken = () => server.token(user.id, ...['notification:read', 'notification:update', 'notification:create:self'].flatMap((name) => ['--permission', name]));

  test('registering answers with the user and a token that works', async () => {
    const email = `new-${randomUUID()}@example.test`;
    const made = await server.request('POST', '/auth/register', { body: { email, password: 'long enough', name: 'New' } });
    assert.equal(made.status, 201);
    assert.deepEqual({ ...made.body.user, id: undefined }, { id: undefined, email, name: 'New' });
    assert.equal(made.body.expiresIn, 3600);
    const [head, claims] = made.body.accessToken.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
    assert.equal(head.typ, 'at+jwt');
    assert.equal(claims.sub, made.body.user.id);
    // The demo of one process lets its users ring themselves.
    assert.deepEqual(claims.permissions.sort(), [...(server.postgres ? [] : ['notification:create:self']), 'notification:read', 'notification:update']);
    const me = await server.request('GET', '/auth/me', { token: made.body.accessToken });
    assert.equal(me.status, 200);
    assert.equal(me.body.id, made.body.user.id);
    assert.equal(me.body.email, email);
    const again = await server.request('POST', '/auth/register', { body: { email: email.toUpperCase(), password: 'long enough' } });
    assertProblem(again, 409, 'email_taken');
    const login = await server.request('POST', '/auth/login', { body: { email, password: 'long enough' } });
    assert.equal(login.status, 200);
    assert.equal(login.body.user.id, made.body.user.id);
    assert.equal((await server.request('POST', '/auth/login', { body: { email, password: 'wrong enough' } })).status, 401);
    assert.equal((await server.request('POST', '/auth/login', { body: { email: 'nobody@example.test', password: 'long enough' } })).status, 401);
  });

  test('a malformed registration names the field', async () => {
    const short = await server.request('POST', '/auth/register', { body: { email: 'a@example.test', password: 'x' } });
    assertProblem(short, 422, 'invalid_payload');
    assert.ok(short.body.errors.some((error) => /password/.test(error.path)), JSON.stringify(short.body));
    assertProblem(await server.request('POST', '/auth/register', { body: { email: 'nonsense', password: 'long enough' } }), 422, 'invalid_payload');
  });

  test('the list pages newest first, without gap or repeat, and filters', async () => {
    const reader = await server.register('Pages');
    const titles = [];
    await eventually('the welcome', async () =>
      (await server.request('GET', '/notifications/unread-count', { token: reader.token })).body.count === 1);
    for (let i = 0; i < 7; i += 1) {
      titles.unshift(`n${i}`);
      await server.create(reader.id, `n${i}`, { body: 'Grüße 🔔', data: { url: '/somewhere', n: i } });
    }
    const seen = [];
    let cursor = '';
    do {
      const page = await server.request('GET', `/notifications?limit=3${cursor && `&cursor=${encodeURIComponent(cursor)}`}`, { token: reader.token });
      assert.equal(page.status, 200);
      assert.equal(page.body.unreadCount, 8);
      seen.push(...page.body.data);
      cursor = page.body.nextCursor;
    } while (cursor);
    assert.deepEqual(seen.map((item) => item.title).slice(0, 7), titles);
    assert.equal(seen.length, 8);
    assert.deepEqual(seen[0].data, { url: '/somewhere', n: 6 });
    assert.equal(seen[0].readAt, null);
    await server.request('POST', `/notifications/${seen[0].notificationId}/read`, { token: reader.token });
    const read = await server.request('GET', '/notifications?status=read', { token: reader.token });
    assert.deepEqual(read.body.data.map((item) => item.notificationId), [seen[0].notificationId]);
    const unread = await server.request('GET', '/notifications?status=unread&limit=100', { token: reader.token });
    assert.equal(unread.body.data.length, 7);
    assert.equal(unread.body.nextCursor, null);
  });

  test('marking read twice gives the same answer, and read-all leaves what comes later', async () => {
    const made = await server.create(user.id, 'twice');
    const first = await server.request('POST', `/notifications/${made.notificationId}/read`, { token: user.token });
    const second = await server.request('POST', `/notifications/${made.notificationId}/read`, { token: user.token });
    assert.equal(first.status, 200);
    assert.deepEqual(first.body, second.body);
    assert.equal(first.body.notificationId, made.notificationId);
    assert.match(first.body.readAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const early = await server.create(user.id, 'early');
    const late = await server.create(user.id, 'late');
    const before = await server.request('POST', '/notifications/read-all', { token: user.token, body: { before: early.version } });
    assert.equal(before.status, 200);
    assert.equal(before.body.unreadCount, 1);
    const still = await server.request('GET', `/notifications/${late.notificationId}`, { token: user.token });
    assert.equal(still.body.readAt, null);
    const all = await server.request('POST', '/notifications/read-all', { token: user.token });
    assert.equal(all.body.unreadCount, 0);
    assert.equal(all.body.updated, 1);
    const none = await server.request('POST', '/notifications/read-all', { token: user.token });
    assert.deepEqual([none.body.updated, none.body.unreadCount, none.body.version], [0, 0, all.body.version]);
  });

  test('creating needs the permission, and to oneself the smaller one', async () => {
    const other = await server.register('Other');
    const body = { userId: user.id, type: 'test', title: 'to me' };
    const mine = await server.request('POST', '/notifications', { token: await selfToken(), body });
    assert.equal(mine.status, 201);
    assert.match(mine.body.notificationId, uuid);
    assert.equal(mine.headers.get('location'), `/notifications/${mine.body.notificationId}`);
    assertProblem(await server.request('POST', '/notifications', { token: other.token, body }), 403, 'forbidden');
    const reader = await server.token(user.id, '--permission', 'notification:read');
    assertProblem(await server.request('POST', '/notifications', { token: reader, body }), 403, 'forbidden');
    assertProblem(await server.request('POST', `/notifications/${mine.body.notificationId}/read`, { token: reader }), 403, 'forbidden');
    const none = await server.token(user.id, '--permission', 'something:else');
    for (const path of ['/notifications', '/notifications/unread-count', `/notifications/${mine.body.notificationId}`]) {
      assertProblem(await server.request('GET', path, { token: none }), 403, 'forbidden');
    }
  });

  test("another user's notification does not exist", async () => {
    const other = await server.register('Other');
    const made = await server.create(user.id, 'private');
    assertProblem(await server.request('GET', `/notifications/${made.notificationId}`, { token: other.token }), 404, 'not_found');
    assertProblem(await server.request('POST', `/notifications/${made.notificationId}/read`, { token: other.token }), 404, 'not_found');
    assertProblem(await server.request('GET', `/notifications/${randomUUID()}`, { token: user.token }), 404, 'not_found');
    assertProblem(await server.request('GET', '/notifications/not-a-uuid', { token: user.token }), 404, 'not_found');
  });

  test('bad input gets the error the contract names', async () => {
    const token = await selfToken();
    assertProblem(await server.request('GET', '/notifications'), 401, 'unauthorized');
    assertProblem(await server.request('GET', '/notifications', { token: 'garbage' }), 401, 'token_invalid');
    assertProblem(await server.request('GET', '/notifications', { token: await server.internalToken() }), 401, 'token_invalid');
    const expired = await server.token(user.id, '--expires-in', '0ms');
    assertProblem(await server.request('GET', '/notifications', { token: expired }), 401, 'token_expired');
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'cursor=nonsense', 'status=new', 'limit=']) {
      assertProblem(await server.request('GET', `/notifications?${query}`, { token }), 400, 'bad_request');
    }
    const send = (body, headers) => server.request('POST', '/notifications', { token, body, headers });
    assertProblem(await send('{"userId":'), 400, 'invalid_json');
    assertProblem(await send('{}'), 422, 'invalid_payload');
    assertProblem(await send({ userId: user.id, type: 'x', title: '' }), 422, 'invalid_payload');
    assertProblem(await send({ userId: user.id, type: 'x', title: 'a'.repeat(201) }), 422, 'invalid_payload');
    assertProblem(await send({ userId: user.id, type: 'x', title: 5 }), 422, 'invalid_payload');
    assertProblem(await send({ userId: user.id, type: 'x', title: 'x', body: 'b'.repeat(4001) }), 422, 'invalid_payload');
    assertProblem(await send({ userId: user.id, type: 'x', title: 'x', data: { a: 'b'.repeat(5000) } }), 422, 'invalid_payload');
    assertProblem(await send({ userId: user.id, type: 'x', title: 'x', data: { url: 'javascript:alert(1)' } }), 422, 'invalid_payload');
    assert.equal((await send({ userId: user.id, type: 'x', title: '🔔'.repeat(200) })).status, 201);
    assertProblem(await send({ userId: user.id, type: 'x', title: 'x', body: 'b'.repeat(1_200_000) }), 413, 'payload_too_large');
    assertProblem(await send('hello', { 'content-type': 'text/plain' }), 415, 'unsupported_media_type');
    assertProblem(await server.request('GET', '/nowhere', { token }), 404, 'not_found');
    const method = await server.request('DELETE', '/notifications/unread-count', { token });
    assertProblem(method, 405, 'method_not_allowed');
    assert.match(method.headers.get('allow'), /GET/);
  });

  test('REST requests of one user are limited, with the headers that say so', async () => {
    const busy = await server.register('Busy');
    const answers = await Promise.all(Array.from({ length: 300 }, () =>
      server.request('GET', '/notifications/unread-count', { token: busy.token })));
    const refused = answers.filter((answer) => answer.status === 429);
    assert.ok(refused.length > 0, 'none of 300 at once was refused');
    assertProblem(refused[0], 429, 'rate_limited');
    assert.ok(Number(refused[0].headers.get('retry-after')) >= 1);
    assert.ok(refused[0].headers.get('ratelimit'));
    assert.equal((await server.request('GET', '/notifications/unread-count', { token: user.token })).status, 200);
  });

  test('a read over REST clears the socket', async () => {
    const tab = await server.connect(user.token).connected();
    const made = await server.create(user.id, 'from the phone');
    await tab.event('notification:new', (payload) => payload.notificationId === made.notificationId);
    const answer = await server.request('POST', `/notifications/${made.notificationId}/read`, { token: user.token });
    const update = await tab.event('notification:updated', (payload) => payload.notificationId === made.notificationId);
    assert.equal(update.unreadCount, answer.body.unreadCount);
    tab.close();
  });

  test('the demo page, the probes and the metrics answer without a token', async () => {
    const page = await server.request('GET', '/');
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-type'), /text\/html/);
    assert.match(page.headers.get('content-security-policy'), /default-src 'none'/);
    const etag = page.headers.get('etag');
    assert.equal((await server.request('GET', '/', { headers: { 'if-none-match': etag } })).status, 304);
    for (const base of [server.url, server.authUrl, server.notificationsUrl]) {
      assert.equal((await server.request('GET', '/livez', { base })).status, 200);
      assert.equal((await server.request('GET', '/readyz', { base })).status, 200);
      assert.match((await server.request('GET', '/metrics', { base })).body, /^# HELP carillon_/m);
    }
    assert.equal((await server.request('GET', '/.well-known/jwks.json')).status, 200);
  });
});

for (const { store, start } of systems) describe(`internal API: ${store}`, () => {
  let server;
  before(async () => {
    server = await start();
  });
  after(async () => assert.equal(await server.stop(), 0));

  const call = async (method, path, options = {}) =>
    server.request(method, path, { base: server.notificationsUrl, token: await server.internalToken(), ...options });

  test('asks for the internal token, and takes no user token in its place', async () => {
    const user = await server.register();
    for (const token of [undefined, user.token, 'garbage']) {
      assert.equal((await call('GET', `/notification?userId=${user.id}`, { token })).status, 401);
      assert.equal((await server.request('POST', '/auth/register', { base: server.authUrl, token, body: {} })).status, 401);
    }
  });

  test('creates, lists, counts, reads and syncs', async () => {
    const userId = randomUUID();
    const made = await call('POST', '/notification', { body: { userId, type: 't', title: 'one' } });
    assert.equal(made.status, 201);
    assert.equal(made.body.version, '1');
    const bulk = await call('POST', '/notification/bulk', {
      body: { notifications: [{ userId, type: 't', title: 'two' }, { userId, type: 't' }, { userId, type: 't', title: 'three' }] },
    });
    assert.equal(bulk.status, 200);
    assert.deepEqual(bulk.body.results.map((result) => result.status), [201, 422, 201]);
    const list = await call('GET', `/notification?userId=${userId}&limit=2&status=unread`);
    assert.deepEqual(list.body.data.map((item) => item.title), ['three', 'two']);
    assert.equal((await call('GET', `/notification/unread-count?userId=${userId}`)).body.count, 3);
    const stranger = randomUUID();
    const counts = await call('POST', '/notification/unread-counts', { body: { userIds: [userId, stranger] } });
    assert.deepEqual(counts.body.counts, [{ userId, count: 3, version: '3' }, { userId: stranger, count: 0, version: '0' }]);
    const read = await call('POST', `/notification/${made.body.notificationId}/read`, { body: { userId } });
    assert.deepEqual([read.status, read.body.unreadCount, read.body.version], [200, 2, '4']);
    assert.equal((await call('POST', `/notification/${made.body.notificationId}/read`, { body: { userId: stranger } })).status, 404);
    const sync = await call('GET', `/notification/sync?userId=${userId}&since=3`);
    assert.deepEqual([sync.body.reset, sync.body.version, sync.body.unreadCount, sync.body.hasMore], [false, '4', 2, false]);
    assert.deepEqual(sync.body.notifications.map((item) => item.notificationId), [made.body.notificationId]);
    const all = await call('POST', '/notification/read-all', { body: { userId } });
    assert.deepEqual([all.body.updated, all.body.unreadCount, all.body.version], [2, 0, '5']);
    const after = await call('GET', `/notification/sync?userId=${userId}&since=4`);
    assert.equal(after.body.readAllBefore, '4');
    assert.equal((await call('GET', `/notification/sync?userId=${userId}&since=99`)).body.reset, true);
  });
});
