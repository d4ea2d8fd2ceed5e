// Commands, tokens and limits on a live socket.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Server, eventually } from './harness.mjs';

const refused = (ack, code) => {
  assert.equal(ack.ok, false, JSON.stringify(ack));
  assert.equal(ack.error.code, code);
  assert.equal(typeof ack.error.message, 'string');
};

describe('sockets', () => {
  let server;
  before(async () => {
    server = await Server.start({ flags: ['--auth-timeout', '1s', '--max-sockets-per-user', '3'] });
  });
  after(async () => assert.equal(await server.stop(), 0));

  const connectError = (tab) => eventually('the refusal', () => tab.errors.at(-1));

  test('a bad token is refused for good, with the code that says why', async () => {
    const user = randomUUID();
    const cases = [
      ['garbage', 'token_invalid'],
      [await server.token(user, '--expires-in', '0ms'), 'token_expired'],
      [await server.token(user, '--jwt-audience', 'others'), 'token_invalid'],
      [await server.token(user, '--permission', 'notification:update'), 'forbidden'],
      [await server.internalToken(), 'token_invalid'],
    ];
    for (const [token, code] of cases) {
      const tab = server.connect(token);
      const error = await connectError(tab);
      assert.equal(error.data.code, code);
      assert.equal(tab.socket.active, false);
      tab.close();
    }
  });

  test('the token may come in the query or the header too', async () => {
    const user = await server.register();
    const inQuery = await server.connect(undefined, { query: { token: user.token } }).connected();
    await inQuery.event('unreadCount:updated');
    const inHeader = await server.connect(undefined, { extraHeaders: { Authorization: `Bearer ${user.token}` } }).connected();
    await inHeader.event('unreadCount:updated');
    assert.ok(!server.log.includes(user.token), 'the token is in the log');
    inQuery.close();
    inHeader.close();
  });

  test('AUTH makes a silent socket a live one, and a refused AUTH leaves it as it was', async () => {
    const user = await server.register();
    const tab = await server.connect().connected();
    refused(await tab.emit('notification:read-all'), 'unauthenticated');
    refused(await tab.emit('AUTH', { token: 'garbage' }), 'unauthenticated');
    refused(await tab.emit('AUTH', { tokn: 'x' }), 'invalid_payload');
    assert.deepEqual(tab.of('unreadCount:updated'), []);
    assert.deepEqual(await tab.emit('AUTH', { token: user.token }), { ok: true, userId: user.id });
    await tab.event('unreadCount:updated');
    const made = await server.create(user.id, 'now it rings');
    await tab.event('notification:new', (payload) => payload.notificationId === made.notificationId);
    const other = await server.register('Other');
    refused(await tab.emit('AUTH', { token: other.token }), 'forbidden');
    assert.deepEqual(await tab.emit('AUTH', { token: user.token }), { ok: true, userId: user.id });
    tab.close();
  });

  test('a socket that never authenticates receives nothing and is closed', async () => {
    const tab = await server.connect().connected();
    await eventually('it is closed', () => tab.disconnects.length > 0, 5_000);
    assert.equal(tab.disconnects[0], 'io server disconnect');
    assert.deepEqual(tab.events, []);
    tab.close();
  });

  test('every command is validated', async () => {
    const user = await server.register();
    const tab = await server.connect(user.token).connected();
    refused(await tab.emit('notification:read', { notificationId: 'x' }), 'invalid_payload');
    refused(await tab.emit('notification:read'), 'invalid_payload');
    refused(await tab.emit('notification:read', { notificationId: randomUUID() }), 'not_found');
    refused(await tab.emit('no:such:event', { a: 1 }), 'invalid_payload');
    refused(await tab.emit('notification:read-all', { before: -1 }), 'invalid_payload');
    refused(await tab.emit('notification:sync', { since: 'x' }), 'invalid_payload');
    tab.socket.emit('notification:read', 'no ack asked');
    const error = await tab.event('error');
    assert.equal(error.code, 'invalid_payload');
    assert.ok(tab.socket.connected);
    tab.close();
  });

  test('commands need their permission', async () => {
    const user = await server.register();
    const tab = await server.connect(await server.token(user.id, '--permission', 'notification:read')).connected();
    refused(await tab.emit('notification:read', { notificationId: randomUUID() }), 'forbidden');
    refused(await tab.emit('notification:read-all'), 'forbidden');
    assert.equal((await tab.emit('notification:sync', { since: '0' })).ok, true);
    tab.close();
  });

  test('sync returns what was missed', async () => {
    const user = await server.register();
    const tab = await server.connect(user.token).connected();
    await eventually('the welcome is counted', () => tab.count === 1);
    const made = [];
    for (let i = 0; i < 5; i += 1) made.push(await server.create(user.id, `n${i}`));
    const first = await tab.emit('notification:sync', { since: '1', limit: 3 });
    assert.deepEqual([first.ok, first.reset, first.hasMore, first.unreadCount], [true, false, true, 6]);
    assert.deepEqual(first.notifications.map((item) => item.notificationId), made.slice(0, 3).map((item) => item.notificationId));
    const second = await tab.emit('notification:sync', { since: first.notifications.at(-1).version });
    assert.deepEqual(second.notifications.map((item) => item.notificationId), made.slice(3).map((item) => item.notificationId));
    assert.equal(second.hasMore, false);
    assert.equal((await tab.emit('notification:sync', { since: '999' })).reset, true);
    tab.close();
  });

  test('ten messages a second and user, over all of its sockets', async () => {
    const user = await server.register();
    const [a, b] = [await server.connect(user.token).connected(), await server.connect(user.token).connected()];
    const acks = await Promise.all(Array.from({ length: 16 }, (_, i) => (i % 2 ? a : b).emit('notification:sync', { since: '0' })));
    const limited = acks.filter((ack) => !ack.ok);
    assert.ok(limited.length >= 4 && limited.length <= 6, `${limited.length} of 16 were limited`);
    refused(limited[0], 'rate_limited');
    assert.ok(limited[0].error.retryAfterMs > 0 && limited[0].error.retryAfterMs <= 1000);
    await eventually('the bucket refills', async () => (await a.emit('notification:sync', { since: '0' })).ok);
    a.close();
    b.close();
  });

  test('a flood closes the transport', async () => {
    const user = await server.register();
    const tab = await server.connect(user.token, { transports: ['websocket'], reconnection: false }).connected();
    for (let i = 0; i < 400; i += 1) tab.socket.emit('notification:sync', { since: '0' });
    await eventually('it is closed', () => tab.disconnects.length > 0);
    tab.close();
  });

  test('a user has at most so many sockets', async () => {
    const user = await server.register();
    const tabs = [];
    for (let i = 0; i < 3; i += 1) tabs.push(await server.connect(user.token).connected());
    const fourth = server.connect(user.token);
    assert.equal((await connectError(fourth)).data.code, 'too_many_connections');
    tabs[0].close();
    await eventually('there is room again', async () => {
      const tab = server.connect(user.token);
      await eventually('an answer', () => tab.socket.connected || tab.errors.length);
      tabs.push(tab);
      return tab.socket.connected;
    });
    [...tabs, fourth].forEach((tab) => tab.close());
  });

  test('a token that ends is announced, then the transport closes and a fresh token brings the client back', async () => {
    const user = await server.register();
    const tokens = [await server.token(user.id, '--expires-in', '2s'), user.token];
    const tab = await server.connect(undefined, { auth: (callback) => callback({ token: tokens.shift() ?? user.token }) }).connected();
    const { expiresAt } = await tab.event('auth:expiring');
    assert.match(expiresAt, /^\d{4}-\d\d-\d\dT.*Z$/);
    await eventually('it comes back', () => tab.connects === 2);
    assert.equal(tab.disconnects[0], 'transport close');
    tab.close();
  });

  test('an unknown namespace is refused by name', async () => {
    const tab = server.connect('x', { nsp: '/elsewhere' });
    assert.equal((await connectError(tab)).message, 'Invalid namespace');
    tab.close();
  });

  test('text that looks like markup or breaks framing arrives as it was sent', async () => {
    const user = await server.register();
    for (const transports of [['polling'], ['websocket']]) {
      const tab = await server.connect(user.token, { transports }).connected();
      const title = `<b>\u001e"\\ \u2028 🔔 ${transports[0]}`;
      const made = await server.create(user.id, title, { body: '\u0001\u001f'.repeat(10), data: { k: 'é\n' } });
      const seen = await tab.event('notification:new', (payload) => payload.notificationId === made.notificationId);
      assert.equal(seen.title, title);
      assert.deepEqual(seen.data, { k: 'é\n' });
      tab.close();
    }
  });
});
