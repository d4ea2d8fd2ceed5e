// socket.io-client 4.8, as it comes, against the real processes.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { once } from 'node:events';
import { io } from 'socket.io-client';
import { Server, eventually } from '../e2e/harness.mjs';
import { ConformanceServer } from './conformance_server.mjs';

const modes = {
  'default options': {},
  'polling only': { transports: ['polling'] },
  'WebSocket only': { transports: ['websocket'] },
};

function client(url, options = {}) {
  return io(url, { forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 100, ...options });
}

async function connected(socket) {
  await eventually('the client connects', () => socket.connected);
  return socket;
}

const onWebSocket = (socket) => eventually('the upgrade', () => socket.io.engine?.transport.name === 'websocket');

describe('socket.io-client', () => {
  let server;
  before(async () => (server = await ConformanceServer.start()));
  after(() => server.stop());

  for (const [name, options] of Object.entries(modes)) {
    describe(name, () => {
      let socket;
      before(async () => {
        socket = client(server.url, { ...options, auth: { token: 'jwt' } });
        socket.greeting = once(socket, 'auth');
        await connected(socket);
        if (!options.transports) await onWebSocket(socket);
      });
      after(() => socket.disconnect());

      test('shows its auth object', async () => assert.deepEqual(await socket.greeting, [{ token: 'jwt' }]));

      test('gets back what it sends, whatever it is', async () => {
        const values = [1, -0.5, 'text', 'ünïcödé € 😀 \u2028 \u0000', '', null, true, [], {}, [1, [2, { a: [3] }]], { 'k"e\\y': '\n' }, 'x'.repeat(50_000), '\ud800'];
        const back = once(socket, 'message-back');
        socket.emit('message', ...values);
        assert.deepEqual(await back, values);
      });

      test('is acknowledged', async () => {
        assert.deepEqual(await socket.timeout(5_000).emitWithAck('message-with-ack', { a: [1, 2] }), { a: [1, 2] });
        const many = await Promise.all(Array.from({ length: 200 }, (_, i) => socket.timeout(5_000).emitWithAck('message-with-ack', i)));
        assert.deepEqual(many, Array.from({ length: 200 }, (_, i) => i));
      });

      test('sends and receives bytes', async () => {
        const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 256));
        const back = once(socket, 'message-back');
        socket.emit('message', bytes, { deep: [Buffer.from([1, 2, 3]), 'text'] }, Buffer.alloc(0));
        const [first, second, third] = await back;
        assert.ok(bytes.equals(first));
        assert.deepEqual(second, { deep: [Buffer.from([1, 2, 3]), 'text'] });
        assert.equal(third.length, 0);
        const acked = await socket.timeout(5_000).emitWithAck('message-with-ack', bytes.subarray(0, 10));
        assert.ok(bytes.subarray(0, 10).equals(acked));
      });

      test('keeps order, bytes between texts', async () => {
        const got = [];
        const note = (n) => got.push(Buffer.isBuffer(n) ? n.readUInt16BE() : n);
        socket.on('message-back', note);
        for (let n = 0; n < 500; n += 1) {
          const bytes = Buffer.alloc(2);
          bytes.writeUInt16BE(n);
          socket.emit('message', n % 3 === 0 ? bytes : n);
        }
        await eventually('500 answers', () => got.length >= 500);
        socket.off('message-back', note);
        assert.deepEqual(got, Array.from({ length: 500 }, (_, n) => n));
      });

      test('joins and leaves a second namespace on the same connection', async () => {
        const custom = socket.io.socket('/custom', { auth: { token: 'jwt' } });
        const greeting = once(custom, 'auth');
        assert.deepEqual(await greeting, [{ token: 'jwt' }]);
        assert.notEqual(custom.id, socket.id);
        custom.disconnect();
        assert.equal(await socket.timeout(5_000).emitWithAck('message-with-ack', 'still here'), 'still here');
      });

      test('is told that a namespace does not exist, and stays', async () => {
        const nowhere = socket.io.socket('/nowhere');
        const refused = once(nowhere, 'connect_error');
        assert.equal((await refused)[0].message, 'Invalid namespace');
        assert.equal(nowhere.active, false);
        assert.ok(socket.connected);
      });
    });
  }

  test('nothing is lost, doubled or out of order when many upgrade under traffic in both directions', async (t) => {
    const clients = 40;
    const afterUpgrade = 100;
    const runs = Array.from({ length: clients }, async (_, index) => {
      const socket = client(server.url, { auth: { index } });
      t.after(() => socket.disconnect());
      const got = [];
      socket.on('message-back', (n) => got.push(n));
      await once(socket, 'connect');
      const started = socket.io.engine.transport.name;
      let sent = 0;
      let left = Infinity;
      while (left > 0) {
        // A burst in each turn of the loop, so that messages are on their way at every stage of the upgrade.
        for (let i = 0; i < 5; i += 1) socket.emit('message', sent++);
        if (left === Infinity && socket.io.engine.transport.name === 'websocket') left = afterUpgrade;
        left -= 5;
        await new Promise((resolve) => setImmediate(resolve));
        if (sent - got.length > 2_000) await eventually('the echo', () => sent - got.length < 1_000);
      }
      await eventually(`${sent} echoes`, () => got.length >= sent, 30_000);
      const beforeUpgrade = sent - afterUpgrade;
      assert.deepEqual(got, Array.from({ length: sent }, (__, n) => n));
      return { started, beforeUpgrade };
    });
    const results = await Promise.all(runs);
    // Now and then the answer to a CONNECT comes over the WebSocket already.
    const early = results.filter(({ started, beforeUpgrade }) => started === 'polling' && beforeUpgrade > 0);
    assert.ok(early.length > clients / 2, `${early.length} clients sent before and during their upgrade`);
  });

  test('two hundred clients at once', async (t) => {
    const sockets = Array.from({ length: 200 }, (_, i) => client(server.url, Object.values(modes)[i % 3]));
    t.after(() => sockets.forEach((socket) => socket.disconnect()));
    await Promise.all(sockets.map(connected));
    const answers = await Promise.all(sockets.map((socket, i) => socket.timeout(10_000).emitWithAck('message-with-ack', i)));
    assert.deepEqual(answers, sockets.map((_, i) => i));
  });

  test('goes on polling when no WebSocket gets through', async (t) => {
    const proxy = await WebSocketBlocker.start(server.port);
    t.after(() => proxy.stop());
    const socket = client(`http://127.0.0.1:${proxy.port}`);
    t.after(() => socket.disconnect());
    const got = [];
    socket.on('message-back', (n) => got.push(n));
    await connected(socket);
    for (let n = 0; n < 200; n += 1) {
      socket.emit('message', n);
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually('the echoes', () => got.length >= 200);
    await eventually('a WebSocket was tried', () => proxy.blocked > 0);
    assert.deepEqual(got, Array.from({ length: 200 }, (_, n) => n));
    assert.equal(socket.io.engine.transport.name, 'polling');
  });

  for (const [name, options] of Object.entries(modes)) {
    test(`comes back by itself after the server was killed: ${name}`, async (t) => {
      const mortal = await ConformanceServer.start();
      t.after(() => mortal.stop());
      let calls = 0;
      const socket = client(mortal.url, { ...options, auth: (give) => give({ call: (calls += 1) }) });
      t.after(() => socket.disconnect());
      const greetings = [];
      const reasons = [];
      socket.on('auth', (auth) => greetings.push(auth));
      socket.on('disconnect', (reason) => reasons.push(reason));
      await eventually('a greeting', () => greetings.length === 1);
      await mortal.kill();
      await eventually('the client notices', () => reasons.length === 1);
      socket.emit('message', 'buffered');
      const back = once(socket, 'message-back');
      await mortal.launch();
      await connected(socket);
      assert.deepEqual(await back, ['buffered']);
      await eventually('a second greeting', () => greetings.length === 2);
      assert.deepEqual(greetings, [{ call: 1 }, { call: 2 }]);
      assert.notEqual(reasons[0], 'io server disconnect', 'which would be for good');
    });
  }

  test('lives through many short heartbeats, busy and idle', async (t) => {
    const quick = await ConformanceServer.start({ 'ping-interval-ms': 50, 'ping-timeout-ms': 2_000 });
    t.after(() => quick.stop());
    const sockets = Object.values(modes).map((options) => client(quick.url, options));
    t.after(() => sockets.forEach((socket) => socket.disconnect()));
    await Promise.all(sockets.map(connected));
    let pings = 0;
    for (const socket of sockets) socket.io.on('ping', () => (pings += 1));
    let echoes = 0;
    sockets[0].on('message-back', () => {
      echoes += 1;
      sockets[0].emit('message', echoes);
    });
    sockets[0].emit('message', 0);
    await eventually('thirty pings', () => pings >= 30);
    assert.ok(sockets.every((socket) => socket.connected));
  });
});

describe('socket.io-client and carillon serve', () => {
  let server;
  before(async () => (server = await Server.start()));
  after(async () => assert.equal(await server.stop(), 0));

  for (const [name, options] of Object.entries(modes)) {
    for (const nsp of ['/', '/ws']) {
      test(`${name}, namespace ${nsp}: a notification arrives and is read`, async () => {
        const user = await server.register();
        const tab = await server.connect(user.token, { ...options, nsp }).connected();
        await tab.event('unreadCount:updated');
        const made = await server.create(user.id, 'stock');
        const got = await tab.event('notification:new', (payload) => payload.title === 'stock');
        assert.equal(got.notificationId, made.notificationId);
        const ack = await tab.emit('notification:read', { notificationId: made.notificationId });
        assert.equal(ack.ok, true);
        await tab.event('notification:updated', (payload) => payload.notificationId === made.notificationId);
        assert.equal(tab.count, 1); // the welcome is still unread
        tab.close();
      });
    }
  }
});

/** Passes bytes on, but cuts every connection that asks for a WebSocket. */
class WebSocketBlocker {
  static async start(to) {
    const proxy = new WebSocketBlocker();
    proxy.blocked = 0;
    proxy.server = net.createServer((near) => {
      near.on('error', () => {});
      near.once('data', (head) => {
        if (/upgrade: websocket/i.test(head.toString('latin1'))) {
          proxy.blocked += 1;
          near.destroy();
          return;
        }
        const far = net.connect(to, '127.0.0.1', () => far.write(head));
        far.on('error', () => near.destroy());
        far.on('close', () => near.destroy());
        near.on('close', () => far.destroy());
        near.pipe(far);
        far.pipe(near);
      });
    });
    await new Promise((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    proxy.port = proxy.server.address().port;
    return proxy;
  }

  stop() {
    this.server.close();
  }
}
