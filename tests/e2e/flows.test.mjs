// The two flows the product exists for, through the real binary, with the stock client on each transport.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server, eventually } from './harness.mjs';

const transports = {
  'default transports': {},
  'polling only': { transports: ['polling'] },
  'websocket only': { transports: ['websocket'] },
};

describe('flows', () => {
  let server;
  before(async () => {
    server = await Server.start();
  });
  after(async () => {
    assert.equal(await server.stop(), 0);
  });

  for (const [name, options] of Object.entries(transports)) {
    for (const nsp of ['/', '/ws']) {
      test(`registering rings the welcome notification (${name}, ${nsp})`, async () => {
        const user = await server.register();
        const tab = await server.connect(user.token, { ...options, nsp }).connected();
        await eventually('the welcome notification is counted', () => tab.count === 1);
        const list = await server.request('GET', '/notifications', { token: user.token });
        assert.equal(list.status, 200);
        assert.equal(list.body.data.length, 1);
        assert.equal(list.body.data[0].type, 'welcome');
        assert.equal(list.body.unreadCount, 1);
        tab.close();
      });

      test(`read in one tab, read in every tab (${name}, ${nsp})`, async () => {
        const user = await server.register();
        const [a, b] = [server.connect(user.token, { ...options, nsp }), server.connect(user.token, { ...options, nsp })];
        const stranger = server.connect((await server.register('Eve')).token, { ...options, nsp });
        await Promise.all([a.connected(), b.connected(), stranger.connected()]);
        await eventually('the welcome is counted', () => a.count === 1 && b.count === 1);

        const made = await server.create(user.id, 'Xin chào');
        for (const tab of [a, b]) {
          const seen = await tab.event('notification:new', (payload) => payload.notificationId === made.notificationId);
          assert.deepEqual(
            { ...seen },
            { notificationId: made.notificationId, userId: user.id, type: 'test', title: 'Xin chào',
              createdAt: made.createdAt, unreadCount: 2, version: made.version },
          );
        }
        const ack = await a.emit('notification:read', { notificationId: made.notificationId });
        assert.equal(ack.ok, true);
        assert.equal(ack.unreadCount, 1);
        for (const tab of [a, b]) {
          const update = await tab.event('notification:updated');
          assert.deepEqual({ ...update }, { action: 'read', notificationId: made.notificationId, unreadCount: 1, version: ack.version });
          await eventually('the count follows', () => tab.count === 1);
        }
        const all = await b.emit('notification:read-all');
        assert.equal(all.ok, true);
        assert.equal(all.updated, 1);
        for (const tab of [a, b]) {
          await tab.event('notification:updated', (payload) => payload.action === 'read-all');
          await tab.event('unreadCount:updated', (payload) => payload.count === 0);
        }
        assert.deepEqual(stranger.of('notification:updated'), []);
        assert.ok(stranger.of('notification:new').every((payload) => payload.title !== 'Xin chào'));
        for (const tab of [a, b, stranger]) tab.close();
      });
    }
  }

  test('the default client upgrades to WebSocket', async () => {
    const user = await server.register();
    const tab = await server.connect(user.token).connected();
    await eventually('the upgrade', () => tab.socket.io.engine.transport.name === 'websocket');
    const made = await server.create(user.id, 'after the upgrade');
    await tab.event('notification:new', (payload) => payload.notificationId === made.notificationId);
    const { id } = tab.socket;
    tab.close();
    await eventually('the log tells of its end', () =>
      server.log.split('\n').some((line) => line.includes(id) && /socket disconnected/.test(line) && /transport=websocket .*reason=/.test(line)));
  });

  test('a client whose server was restarted comes back by itself and is current', async () => {
    const user = await server.register();
    const tab = await server.connect(user.token).connected();
    await eventually('the welcome is counted', () => tab.count === 1);
    await server.kill();
    await server.launch();
    await eventually('it is back', () => tab.connects >= 2 && tab.socket.connected, 20_000);
    const made = await server.create(user.id, 'after the restart');
    await tab.event('notification:new', (payload) => payload.notificationId === made.notificationId);
    await eventually('the count follows', () => tab.count === 2);
    tab.close();
  });
});
