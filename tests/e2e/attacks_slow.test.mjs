// Attackers with patience: they open something and do not go on. Each wait for a client has its end.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { eventually } from './harness.mjs';
import { Siege, crowd, many, pause, polling, times, websocket } from './siege.mjs';
import { Connection, WebSocketWire, frame, opcodes, upgradeRequest } from './wire.mjs';

/** Longer than any deadline of the server, on a slow machine. */
const patience = 75_000;

// One server for all of them at once: they wait together.
describe('attacks that take their time', { concurrency: 64 }, () => {
  let siege;
  before(async () => (siege = await Siege.start(['--ping-interval', '3s', '--ping-timeout', '3s', '--auth-timeout', '60s'])));
  // All of them have gone, and for the reasons that they should have.
  after(async () => {
    await siege.over();
    assert.ok((await siege.ended('ping timeout')) >= many(390, 5_900));
    assert.ok((await siege.ended('connect timeout')) >= 3);
    await siege.stop();
  });

  const wire = async () => {
    const one = await WebSocketWire.open(siege.port, websocket);
    assert.match(await one.next(), /^0\{/);
    return one;
  };
  /** Answers each ping until the server closes; the code, and the seconds it took. */
  const ponging = async (one) => {
    const begun = performance.now();
    while (!one.ended && performance.now() - begun < patience) {
      for (const message of one.messages.splice(0)) if (message === '2') one.send('3');
      await pause(20);
    }
    return { code: await one.closed(1_000), seconds: (performance.now() - begun) / 1_000 };
  };
  /** Sends `head`, then a byte of `rest` now and then, until the server has had enough; what it said. */
  const drip = async (head, rest, every = 250) => {
    const connection = await Connection.open(siege.port);
    connection.write(head);
    const begun = performance.now();
    for (let i = 0; !connection.ended && performance.now() - begun < patience; i += 1) {
      if (!/HTTP\/1\.1 [45]/.test(connection.text)) connection.write(rest[i % rest.length]);
      await pause(every);
    }
    assert.ok(connection.ended, 'the server waits for ever');
    return { text: connection.text, seconds: (performance.now() - begun) / 1_000 };
  };

  test('connections on which nothing comes, or half a request line', async () => {
    const silent = await crowd(many(100, 1_000), 50, () => Connection.open(siege.port));
    const halves = await crowd(many(50, 500), 50, async () => (await Connection.open(siege.port)).write('GET /soc'));
    for (const connection of silent) assert.equal(await connection.closed(patience), '');
    for (const connection of halves) assert.match(await connection.closed(patience), /^HTTP\/1\.1 408 /);
  });

  test('heads a byte at a time, of a request and of a WebSocket handshake', async () => {
    await crowd(many(10, 200), 200, async (i) => {
      const head = i % 2 ? `GET ${polling} HTTP/1.1\r\nHost: x\r\nX-Slow: ` : upgradeRequest(websocket).replace(/\r\n\r\n$/, '\r\nX-Slow: ');
      const { text, seconds } = await drip(head, 'slow');
      assert.match(text, /^HTTP\/1\.1 408 /);
      assert.ok(seconds > 9, `after ${seconds} s`);
    });
  });

  test('bodies a byte at a time, in chunks, of a session, and none at all behind an expectation', async () => {
    const post = (target, fields) => `POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${fields}\r\n`;
    const sized = 'Content-Length: 60000\r\n';
    const chunked = 'Transfer-Encoding: chunked\r\n';
    const session = await siege.poller();
    const all = [
      drip(post('/auth/login', sized), '{'), drip(post('/auth/login', chunked), ['1\r\n{\r\n']), drip(post('/auth/login', chunked), ['1\r\n', '{', '\r\n']),
      drip(post(session.path, sized), '4'),
      drip(post('/auth/login', `${sized}Expect: 100-continue\r\n`), ['']), ...times(many(5, 100), () => drip(post('/auth/login', sized), '{')),
    ];
    for (const { text, seconds } of await Promise.all(all)) {
      const said = text.match(/HTTP\/1\.1 \d+/g);
      assert.equal(said.at(-1), 'HTTP/1.1 408', text);
      assert.ok(seconds > 29, `after ${seconds} s`);
    }
    await session.gone();
  });

  test('requests whose answers are not read', async () => {
    const connection = await Connection.open(siege.port);
    connection.socket.pause();
    connection.write('GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2_000));
    const begun = performance.now();
    while (!connection.ended && performance.now() - begun < patience) {
      connection.write('GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n');
      await pause(100);
    }
    assert.ok(connection.ended, 'the server waits for ever');
  });

  test('polling sessions that are opened, joined or half upgraded, and abandoned', async () => {
    const sessions = await crowd(many(300, 5_000), 30, async (i) => {
      const session = await siege.poller();
      if (i % 3 === 1) await session.post('40{}');
      if (i % 3 === 2) await WebSocketWire.open(siege.port, `${websocket}&sid=${session.sid}`);
      return session;
    });
    for (const session of sessions) await session.gone(patience);
  });

  test('WebSockets that say nothing, promise a frame, or never read', async () => {
    const silent = await crowd(many(30, 300), 10, wire);
    const promised = await crowd(many(30, 300), 10, async () => {
      const one = await wire();
      one.connection.write(frame(opcodes.text, '4', { length: 900_000 }));
      return one;
    });
    const deaf = await crowd(many(30, 300), 10, async () => {
      const one = await wire();
      one.connection.socket.pause();
      return one;
    });
    for (const one of [...silent, ...promised]) assert.equal(await one.closed(patience), null);
    // Theirs is seen when they look again.
    await eventually('the sessions have gone', async () => (await siege.readings()).websocket <= 20, patience);
    for (const one of deaf) {
      one.connection.socket.resume();
      await one.closed(patience);
    }
  });

  test('connections that answer pings and never join a namespace, or leave the last one', async () => {
    const never = ponging(await wire());
    const left = await wire();
    left.send('40{}', '41');
    assert.match(await left.nextPacket(), /^40\{/);
    const refused = await wire();
    refused.send('40/nowhere', '40{"token":"x"}');
    for (const { code, seconds } of await Promise.all([never, ponging(left), ponging(refused)])) {
      assert.equal(code, null);
      assert.ok(seconds > 30, `after ${seconds} s`);
    }
  });

  test('attachments that are announced and never sent', async () => {
    const one = await wire();
    one.send('40{}', '451-["x",{"_placeholder":true,"num":0}]');
    assert.match(await one.nextPacket(), /^40\{/);
    const { code, seconds } = await ponging(one);
    assert.equal(code, null);
    assert.ok(seconds > 29, `after ${seconds} s`);
  });

  test('a probe that is never confirmed costs the WebSocket; the session polls on', async () => {
    const session = await siege.poller();
    await session.post('40{}');
    const probe = await WebSocketWire.open(siege.port, `${websocket}&sid=${session.sid}`);
    probe.send('2probe');
    const begun = performance.now();
    while (!probe.ended && performance.now() - begun < patience) {
      const { status, text } = await session.get();
      assert.equal(status, 200);
      if (text.split('\x1e').includes('2')) assert.equal((await session.post('3')).text, 'ok');
      if (text === '6') await pause(50);
    }
    assert.equal(await probe.closed(1_000), null);
    assert.deepEqual(probe.messages, ['3probe']);
    assert.ok(performance.now() - begun > 9_000);
    assert.equal((await session.post('421["whatever"]')).text, 'ok');
    assert.match((await session.get()).text, /431\[/);
    await session.post('1');
  });

  test('a goodbye that is not answered', async () => {
    await crowd(many(10, 100), 10, async () => {
      const connection = await Connection.open(siege.port);
      connection.write(upgradeRequest(websocket));
      await connection.until(/pingInterval/);
      connection.write(frame(opcodes.text, '42["early"]'));
      await connection.until(/\x88\x00$/);
      const begun = performance.now();
      while (!connection.ended && performance.now() - begun < patience) {
        connection.write(frame(opcodes.ping, 'x'));
        await pause(50);
      }
      assert.ok(connection.ended, 'the server waits for ever');
      assert.match(connection.text, /\x88\x00$/, 'nothing comes behind the goodbye');
    });
  });
});
