// Connection state recovery: a stock client that comes back has missed nothing, whoever serves it and however it went.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Server, eventually } from './harness.mjs';
import { WebSocketWire } from './wire.mjs';

/** The client's end breaks off, and does not come back by itself. */
async function cut(tab) {
  tab.socket.io.engine.close();
  await eventually('the client notices', () => !tab.socket.connected);
}

async function comeBack(tab) {
  const connects = tab.connects;
  tab.socket.connect();
  await eventually('it is back', () => tab.connects > connects);
}

/** What rang or changed, in the order of arrival: the same for every tab that has missed nothing. */
const history = (tab, after = 0n) => tab.events
  .filter(({ name, payload }) => /^notification:(new|updated)$/.test(name) && BigInt(payload.version) > after)
  .map(({ name, payload }) => [name, payload.action ?? payload.title, payload.notificationId, payload.version]);

const parse = (packet) => JSON.parse(packet.slice(packet.search(/[[{]/)));

describe('recovery', { timeout: 240_000 }, () => {
  let server;
  before(async () => {
    server = await Server.start({ flags: ['--rate-limit', '1000', '--rest-rate-limit', '10000'] });
  });
  after(async () => assert.equal(await server.stop(), 0));

  const open = (user, options = {}) => server.connect(user.token, { reconnection: false, ...options }).connected();

  async function welcomed(name = 'Ada') {
    const user = await server.register(name);
    await eventually('the welcome is there', async () =>
      (await server.request('GET', '/notifications', { token: user.token })).body.unreadCount === 1);
    return user;
  }

  async function createMany(userId, count) {
    const token = await server.internalToken();
    const { status, body } = await server.request('POST', '/notification/bulk', {
      base: server.notificationsUrl, token,
      body: { notifications: Array.from({ length: count }, (_, n) => ({ userId, type: 'test', title: `bulk ${n}` })) },
    });
    assert.equal(status, 200);
    assert.ok(body.results.every((result) => result.status === 201));
  }

  /** A client of bytes that has joined: {wire, sid, pid}. */
  async function raw(auth, nsp = '') {
    const wire = await WebSocketWire.open(new URL(server.url).port, '/socket.io/?EIO=4&transport=websocket');
    assert.match(await wire.nextPacket(), /^0\{/);
    wire.send(`40${nsp}${auth === undefined ? '' : JSON.stringify(auth)}`);
    const packet = await wire.nextPacket();
    return { wire, packet, ...parse(packet) };
  }

  for (const transports of [['polling', 'websocket'], ['websocket'], ['polling']]) {
    test(`what was missed arrives once, in order, as whoever stayed saw it (${transports.join(', ')})`, async () => {
      const user = await welcomed();
      const stayed = await open(user);
      const tab = await open(user, { transports });
      const known = await server.create(user.id, 'known');
      await tab.event('notification:new', (payload) => payload.notificationId === known.notificationId);
      const { id } = tab.socket;
      assert.equal(tab.socket.recovered, false);
      await cut(tab);

      const mark = (row) => server.request('POST', `/notifications/${row.notificationId}/read`, { token: user.token });
      const first = await server.create(user.id, 'first');
      await mark(known);
      const second = await server.create(user.id, 'second');
      await mark(first);
      await server.request('POST', '/notifications/read-all', { token: user.token });
      const last = await server.create(user.id, 'last');
      await stayed.event('notification:new', (payload) => payload.notificationId === last.notificationId);
      await comeBack(tab);

      assert.equal(tab.socket.recovered, true);
      assert.equal(tab.socket.id, id);
      await tab.event('unreadCount:updated', (payload) => payload.version === last.version);
      const after = BigInt(known.version);
      await eventually('all of it', () => history(tab, after).length >= history(stayed, after).length);
      assert.deepEqual(history(tab, after), history(stayed, after));
      assert.equal(history(tab, after).filter(([, title]) => title === 'second').length, 1, second.version);
      assert.equal(tab.count, 1);
      const counts = new Map(stayed.of('unreadCount:updated').map(({ version, count }) => [version, count]));
      for (const { version, count } of tab.of('unreadCount:updated')) assert.equal(counts.get(version) ?? count, count, 'one version has one count');

      const live = await server.create(user.id, 'live again');
      for (const one of [tab, stayed]) await one.event('notification:new', (payload) => payload.notificationId === live.notificationId);
      assert.deepEqual(history(tab, after), [...history(stayed, after)]);
      tab.close();
      stayed.close();
    });
  }

  test('with nothing missed only the count is told, and again and again', async () => {
    const user = await welcomed();
    const tab = await open(user);
    await eventually('the welcome is counted', () => tab.count === 1);
    const { id } = tab.socket;
    for (let round = 0; round < 3; round += 1) {
      await cut(tab);
      tab.events.length = 0;
      await comeBack(tab);
      assert.equal(tab.socket.recovered, true);
      assert.equal(tab.socket.id, id);
      await tab.event('unreadCount:updated');
      assert.deepEqual(history(tab), []);
    }
    tab.close();
  });

  test('before any event the version at CONNECT counts', async () => {
    const user = await welcomed();
    const { wire, sid, pid } = await raw({ token: user.token });
    wire.close();
    await server.create(user.id, 'missed');
    const again = await raw({ token: user.token, pid });
    assert.deepEqual([again.sid, again.pid], [sid, pid]);
    const [name, payload, offset] = parse(await again.wire.nextPacket());
    assert.deepEqual([name, payload.title, offset], ['notification:new', 'missed', payload.version]);
    again.wire.close();
  });

  test('after the server was killed and started again', async () => {
    const user = await welcomed();
    const tab = await open(user);
    await eventually('the welcome is counted', () => tab.count === 1);
    const { id } = tab.socket;
    const before = await server.create(user.id, 'just before');
    await server.kill();
    await eventually('the client notices', () => !tab.socket.connected);
    await server.launch();
    const missed = await server.create(user.id, 'after the restart');
    await comeBack(tab);
    assert.equal(tab.socket.recovered, true);
    assert.equal(tab.socket.id, id);
    for (const { notificationId } of [before, missed]) {
      await tab.event('notification:new', (payload) => payload.notificationId === notificationId);
    }
    await eventually('the count is exact', () => tab.count === 3);
    assert.equal(new Set(tab.of('notification:new').map((p) => p.notificationId)).size, tab.of('notification:new').length, 'once each');
    tab.close();
  });

  test('five hundred changes are caught up with; after more it begins anew', async () => {
    const user = await welcomed();
    const tab = await open(user);
    await eventually('the welcome is counted', () => tab.count === 1);
    const { id } = tab.socket;
    await cut(tab);
    await createMany(user.id, 500);
    await comeBack(tab);
    assert.equal(tab.socket.recovered, true);
    await eventually('all of them', () => tab.of('notification:new').filter((p) => p.title.startsWith('bulk')).length === 500);
    await eventually('the count is exact', () => tab.count === 501);
    const versions = tab.of('notification:new').map((payload) => Number(payload.version));
    assert.deepEqual(versions, [...versions].sort((a, b) => a - b));

    await cut(tab);
    await createMany(user.id, 501);
    tab.events.length = 0;
    await comeBack(tab);
    assert.equal(tab.socket.recovered, false);
    assert.notEqual(tab.socket.id, id);
    await eventually('the count is exact', () => tab.count === 1002);
    assert.deepEqual(tab.of('notification:new'), []);
    assert.equal((await tab.emit('notification:sync', { since: '501' })).reset, true);
    tab.close();
  });

  test('a pid that is forged, changed, of another user or namespace makes a new socket', async () => {
    const user = await welcomed();
    const other = await welcomed('Other');
    const { wire, sid, pid } = await raw({ token: user.token });
    wire.close();
    const changed = pid.slice(0, 30) + (pid[30] === 'A' ? 'B' : 'A') + pid.slice(31);
    for (const [what, auth, nsp] of [
      ['forged', { token: user.token, pid: 'x'.repeat(111), offset: '1' }],
      ['changed', { token: user.token, pid: changed, offset: '1' }],
      ['another user\'s', { token: other.token, pid, offset: '1' }],
      ['another namespace\'s', { token: user.token, pid, offset: '1' }, '/ws,'],
      ['an offset that is none', { token: user.token, pid, offset: 'tick' }],
      ['an offset from the future', { token: user.token, pid, offset: '99' }],
    ]) {
      const answer = await raw(auth, nsp);
      assert.notEqual(answer.sid, sid, what);
      assert.notEqual(answer.pid, pid, what);
      assert.match(await answer.wire.nextPacket(), /unreadCount:updated/, `${what}: nothing else is told`);
      answer.wire.close();
    }
  });

  test('the token is verified first: without a good one nothing of what was missed is told', async () => {
    const user = await welcomed();
    const { wire, pid } = await raw({ token: user.token });
    wire.close();
    await server.create(user.id, 'secret');
    for (const token of ['garbage', await server.token(user.id, '--expires-in', '0ms'), await server.token(user.id, '--permission', 'notification:update')]) {
      const refused = await raw({ token, pid, offset: '1' });
      assert.match(refused.packet, /^44\{/);
      refused.wire.send('3');
      assert.deepEqual(refused.wire.messages, []);
      refused.wire.close();
    }
    const none = await raw({ pid, offset: '1' });
    assert.match(none.packet, /^40\{"sid":"[^"]+"\}$/, 'without a token it is nobody');
    none.wire.close();
  });

  test('of two sockets with one id the older leaves within a second, and does not come back', async () => {
    const user = await welcomed();
    const tab = await open(user, { reconnection: true });
    await eventually('the welcome is counted', () => tab.count === 1);
    const { _pid: pid, _lastOffset: offset, id } = tab.socket;
    const since = performance.now();
    const thief = await raw({ token: user.token, pid, offset });
    assert.equal(thief.sid, id);
    await eventually('the older is gone', () => tab.disconnects.length > 0, 1_000);
    assert.ok(performance.now() - since < 2_000);
    assert.equal(tab.disconnects[0], 'io server disconnect');
    const made = await server.create(user.id, 'for one');
    for (;;) {
      const packet = await thief.wire.nextPacket();
      if (packet.includes(made.notificationId)) break;
    }
    assert.equal(tab.connects, 1);
    // Shown once more, it is good again, and again only one has it.
    const third = await raw({ token: user.token, pid, offset });
    assert.equal(third.sid, id);
    await thief.wire.closed(2_000);
    third.wire.close();
    tab.close();
  });

  test('every event without an ack ends with an offset', async () => {
    const user = await welcomed();
    const args = [];
    const tab = server.connect(await server.token(user.id, '--expires-in', '30s'), { reconnection: false });
    tab.socket.onAny((name, ...rest) => args.push([name, ...rest]));
    await tab.connected();
    const made = await server.create(user.id, 'one');
    await tab.event('notification:new', (payload) => payload.notificationId === made.notificationId);
    await tab.emit('notification:sync', { since: '0' });
    tab.socket.emit('no:such:event', {});
    await tab.event('error');
    await tab.event('auth:expiring');
    assert.ok(args.length >= 5);
    for (const event of args) {
      assert.equal(event.length, 3, event[0]);
      assert.match(event[2], /^\d+$/, event[0]);
    }
    await cut(tab);
    await comeBack(tab);
    assert.equal(tab.socket.recovered, true, 'whatever was the last event');
    tab.close();
  });

  test('a socket that authenticates after CONNECT has no pid', async () => {
    const user = await welcomed();
    const { wire, packet } = await raw();
    assert.match(packet, /^40\{"sid":"[^"]+"\}$/);
    wire.send(`420["AUTH",${JSON.stringify({ token: user.token })}]`);
    assert.match(await wire.nextPacket(), /^430\[\{"ok":true/);
    assert.match(await wire.nextPacket(), /^42\["unreadCount:updated",\{"count":1,"version":"1"\},"1"\]$/);
    wire.close();
  });

  test('clients that take no offset are sent none: who says so, and python-socketio', async () => {
    const user = await welcomed();
    const plain = await open(user, { query: { recovery: '0' } });
    const seen = [];
    plain.socket.onAny((name, ...rest) => seen.push([name, ...rest]));
    const script = `
import os, socketio
client = socketio.Client(reconnection=False)
@client.on('notification:new')
def ring(notification):
    print('rang', notification['title'], flush=True)
client.on('unreadCount:updated', lambda counted: print('counted', counted['count'], flush=True))
client.connect(os.environ['URL'], auth={'token': os.environ['TOKEN']}, wait_timeout=10)
client.wait()`;
    const python = spawn(process.env.CARILLON_PYTHON ?? '/usr/bin/python3', ['-c', script], { env: { ...process.env, URL: server.url, TOKEN: user.token } });
    const closed = once(python, 'close');
    let output = '';
    for (const stream of [python.stdout, python.stderr]) stream.on('data', (chunk) => (output += chunk));
    await eventually('Python is told the count', () => output.includes('counted 1'), 20_000);
    await server.create(user.id, 'to-python');
    await eventually('a handler of one parameter', () => {
      if (/Error/.test(output)) throw new Error(output);
      return output.includes('rang to-python');
    });
    await plain.event('notification:new');
    assert.deepEqual(seen.map((event) => event.length), seen.map(() => 2));
    python.kill('SIGKILL');
    await closed;
    plain.close();
  });

  test('a token of the same user that is new is as good', async () => {
    const userId = randomUUID();
    await server.create(userId, 'one');
    const tokens = [await server.token(userId), await server.token(userId, '--expires-in', '5m')];
    const tab = await server.connect(undefined, { reconnection: false, auth: (give) => give({ token: tokens.shift() }) }).connected();
    await eventually('it is counted', () => tab.count === 1);
    await cut(tab);
    await comeBack(tab);
    assert.equal(tab.socket.recovered, true);
    tab.close();
  });
});
