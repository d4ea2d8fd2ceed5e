// What can be done to a server over the network by somebody who wants it down. After each attack the server answers
// stock clients, the attacker was refused or closed with the code that says why, and memory and registries are back.
// CARILLON_FULL=1 makes each of them larger.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { eventually } from './harness.mjs';
import { Poller, Siege, crowd, many, memoryKept, pause, polling, times, websocket } from './siege.mjs';
import { Connection, WebSocketWire, frame, opcodes, request, upgradeRequest } from './wire.mjs';

describe('more handshakes than --max-connections', () => {
  test('are 503 with Retry-After, while those who are in stay in', async (t) => {
    const siege = await Siege.start(['--max-connections', '60'], { sessions: 30 });
    const taken = [];
    const refused = await crowd(many(200, 5_000), 20, async () => {
      const answer = await request(siege.port, polling);
      if (answer.status !== 200) return answer;
      taken.push(new Poller(siege.port, JSON.parse(answer.text.slice(1)).sid));
      return undefined;
    });
    assert.equal(taken.length, 59, 'and the one that watches');
    for (const answer of refused.filter(Boolean)) {
      assert.deepEqual([answer.status, answer.text], [503, '{"message":"Too many connections"}']);
      assert.ok(Number(answer.headers['retry-after']) > 0);
    }
    const socket = await WebSocketWire.open(siege.port, websocket);
    assert.equal(socket.status, 503);
    assert.match(socket.head, /^retry-after: \d+/im);
    const made = await siege.server.create(siege.user.id, 'for those who are in');
    await siege.watcher.event('notification:new', (payload) => payload.notificationId === made.notificationId);
    for (const session of taken) assert.equal((await session.post('1')).text, 'ok');
    await siege.over(t);
    await siege.stop();
  });
});

describe('attacks that are over at once', () => {
  let siege;
  before(async () => (siege = await Siege.start(['--auth-timeout', '10m'])));
  after(() => siege.stop());

  const wire = async (headers) => {
    const one = await WebSocketWire.open(siege.port, websocket, headers);
    assert.match(await one.next(), /^0\{/);
    return one;
  };
  const joined = async (auth = {}) => {
    const one = await wire();
    one.send(`40${JSON.stringify(auth)}`);
    assert.match(await one.next(), /^40\{/);
    return one;
  };
  /** Answers to a last event, so that everything before it has been dealt with and the connection is still there. */
  const stillOpen = async (one) => {
    one.send('42987["whatever"]');
    for (;;) if (String(await one.nextPacket()).startsWith('43987[')) return;
  };
  /** Over polling: a session that has joined, and what one POST does to it. */
  const posted = async (body) => {
    const session = await siege.poller();
    await session.post('40{}');
    const { status } = await session.post(body);
    return { session, status };
  };

  // --- Handshakes and requests ---

  test('thousands of handshakes, and GETs that are held and broken off', async (t) => {
    const count = many(600, 5_000);
    await siege.ends('transport error', count, async () => {
      const sessions = await crowd(count, 50, () => siege.poller());
      assert.equal((await siege.readings()).polling, count);
      const held = await crowd(count, 100, async (i) => {
        const connection = await Connection.open(siege.port);
        connection.write(`GET ${sessions[i].path} HTTP/1.1\r\nHost: x\r\n\r\n`);
        return connection;
      });
      await siege.alive();
      held.forEach((connection, i) => (i % 2 ? connection.close() : connection.reset()));
    });
    await siege.over(t);
  });

  test('two GETs at once, two POSTs at once: the second is 400, and the session is gone', async (t) => {
    const count = many(100, 2_000);
    await siege.ends('transport error', 2 * count, () => crowd(count, 20, async () => {
      const gets = await siege.poller();
      const first = await Connection.open(siege.port);
      first.write(`GET ${gets.path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      assert.equal((await gets.get()).status, 400);
      await first.until(/^HTTP\/1\.1 200 [^]*\r\n\r\n1$/);
      const posts = await siege.poller();
      const slow = await Connection.open(siege.port);
      slow.write(`POST ${posts.path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n`);
      await slow.until(/100 Continue/);
      assert.equal((await posts.post('6')).status, 400);
      first.close();
      slow.close();
    }));
    await siege.over(t);
  });

  test('requests that two servers would read differently: one answer, then the end', async (t) => {
    const inner = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
    const te = 'Transfer-Encoding: chunked\r\n';
    const size = `Content-Length: ${inner.length}\r\n`;
    const heads = [
      [`${size}${te}`, 400], [`${te}${size}`, 400], [`Content-Length: 0\r\n${size}`, 400], [`Content-Length: 0, ${inner.length}\r\n`, 400],
      [`Content-Length: +${inner.length}\r\n`, 400], [`Content-Length: 0x${inner.length.toString(16)}\r\n`, 400], ['Content-Length: -1\r\n', 400],
      ['Content-Length: 1e2\r\n', 400], ['Content-Length:\r\n', 400], ['Content-Length : 5\r\n', 400], ['Content-Length\t: 5\r\n', 400],
      ['Content-Length: 5\r\n 0\r\n', 400], ['Content-Length: 99999999999999999999\r\n', 400], ['Transfer-Encoding : chunked\r\n', 400],
      ['Transfer-Encoding:\x0bchunked\r\n', 400], ['Transfer-Encoding: xchunked\r\n', 501], ['Transfer-Encoding: chunked, identity\r\n', 501],
      ['Transfer-Encoding: identity\r\n', 501], [`${te}Transfer-Encoding: identity\r\n`, 400], [`X: y\n${te}`, 400], [`X: y\r${te}`, 400],
      ['Transfer-Encoding\r\n: chunked\r\n', 400], ['\x00Transfer-Encoding: chunked\r\n', 400], ['Host: y\r\n', 400],
      [`Expect: 200-ok\r\n${size}`, 417],
    ];
    const chunks = ['zz\r\n', '-5\r\n', '0x5\r\nhello\r\n', ' 5\r\nhello\r\n', '5\nhello\n', '5\r\nhelloo\r\n', '10000000000000005\r\nhello\r\n', '\r\n'];
    const cases = [...heads.map(([fields, status]) => [fields, inner, status]), ...chunks.map((chunk) => [te, `${chunk}0\r\n\r\n${inner}`, 400])];
    for (const target of ['/auth/login', polling]) {
      for (const [fields, body, status] of cases) {
        const connection = await Connection.open(siege.port);
        connection.write(Buffer.from(`POST ${target} HTTP/1.1\r\nHost: x\r\n${fields}\r\n${body}`, 'latin1'));
        const text = await connection.closed();
        const what = `${target} ${JSON.stringify(fields + body.slice(0, 12))}: ${text.slice(0, 60)}`;
        assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), [`HTTP/1.1 ${status}`], what);
      }
    }
    const old = await Connection.open(siege.port);
    old.write(`POST / HTTP/1.0\r\n${te}\r\n${inner}`);
    assert.deepEqual((await old.closed()).match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 400']);
    // A proxy that takes the upgrade for granted would pass on what follows.
    for (const headers of [{ 'Sec-WebSocket-Version': '777' }, { 'Sec-WebSocket-Key': 'x' }, { 'Content-Length': inner.length }]) {
      const upgrade = await Connection.open(siege.port);
      upgrade.write(upgradeRequest(websocket, headers) + inner);
      const text = await upgrade.closed();
      assert.match(text, 'Content-Length' in headers ? /^HTTP\/1\.1 400 / : /^HTTP\/1\.1 426 /);
      assert.equal(text.match(/HTTP\/1\.1/g).length, 1, text);
    }
    await siege.over(t);
  });

  test('heads and bodies without end', async (t) => {
    const flood = async (head, piece, status) => {
      const connection = await Connection.open(siege.port);
      connection.write(head);
      for (let sent = 0; sent < 400 && !connection.ended && !connection.text; sent += 1) {
        connection.write(piece);
        await pause(1);
      }
      await connection.closed();
      assert.match(connection.text, new RegExp(`^HTTP/1\\.1 ${status} `), JSON.stringify(head));
    };
    const session = await siege.poller();
    const post = `POST ${session.path} HTTP/1.1\r\nHost: x\r\n`;
    await crowd(many(8, 100), 8, async () => {
      await flood('GET / HTTP/1.1\r\nHost: x\r\n', 'X: y\r\n'.repeat(1_000), 431);
      await flood(`GET /${'a'.repeat(1_000)}`, 'a'.repeat(60_000), 431);
      await flood(`GET ${polling}&x=`, '%00'.repeat(20_000), 431);
      await flood('POST /auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n', `10000\r\n${'x'.repeat(65_536)}\r\n`, 413);
      await flood(`POST ${polling} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`, '1\r\nx\r\n'.repeat(20_000), 400);
    });
    for (let i = 0; i < many(8, 100); i += 1) {
      await flood(`${post}Content-Length: 999999999999\r\n\r\n`, 'x'.repeat(60_000), 413);
      await flood(`${post}Transfer-Encoding: chunked\r\n\r\n`, `10000\r\n${'x'.repeat(65_536)}\r\n`, 413);
    }
    await flood(`${post}Transfer-Encoding: chunked\r\n\r\n1;`, 'x'.repeat(60_000), 400);
    // It ended with its request, unless head and body came in one read: then nobody told it of the request.
    if ((await session.post('1')).status !== 200) await session.gone();
    await siege.over(t);
  });

  test('a thousand requests at once on one connection, behind a GET that is held', async (t) => {
    const session = await siege.poller();
    const connection = await Connection.open(siege.port);
    const rest = 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(many(1_000, 20_000));
    connection.write(`GET ${session.path} HTTP/1.1\r\nHost: x\r\n\r\n${rest}`);
    assert.equal((await session.post('40{}')).status, 200);
    await eventually('each is answered', () => (connection.text.match(/HTTP\/1\.1 200/g) ?? []).length === many(1_001, 20_001), 30_000);
    assert.match(connection.text, /^HTTP\/1\.1 200 [^]*?\r\n\r\n40\{"sid"/, 'the held one first');
    connection.close();
    assert.equal((await session.post('1')).status, 200);
    await siege.over(t);
  });

  // --- Payloads and packets ---

  test('a megabyte of separators, of empty packets, of packets out of place, of base64', async (t) => {
    const megabyte = 999_999;
    for (const [what, body, status, reason] of [
      ['separators', '\x1e'.repeat(megabyte), 400, 'parse error'], ['empty messages', '4\x1e'.repeat(megabyte / 2), 200, 'forced close'],
      ['pings', '2\x1e'.repeat(megabyte / 2), 200, 'transport error'], ['unknown types', '9\x1e'.repeat(megabyte / 2), 400, 'parse error'],
      ['bad base64', `b${'!'.repeat(megabyte)}`, 400, 'parse error'], ['base64 that nobody announced', `b${'A'.repeat(megabyte - 3)}`, 200, 'forced close'],
      ['bytes that are no text', Buffer.alloc(megabyte, 0xff), 400, 'parse error'],
      ['namespaces', times(70_000, (i) => `40/${i}`).join('\x1e'), 200, 'slow consumer'],
    ]) {
      await siege.ends(reason, 1, async () => {
        const { session, status: given } = await posted(body);
        assert.equal(given, status, what);
        await session.get().catch(() => {});
        await session.gone();
      });
    }
    // What means nothing is passed over, however much of it there is.
    const { session, status } = await posted('6\x1e3\x1e'.repeat(megabyte / 4 - 1) + '6');
    assert.equal(status, 200);
    assert.equal((await session.post('4'.padEnd(1_000_001, 'x'))).status, 413);
    assert.equal((await session.post('1')).text, 'ok');
    await siege.over(t);
  });

  test('JSON that is deep, wide, long, or has names that mean something elsewhere', async (t) => {
    const deep = (n) => '['.repeat(n) + ']'.repeat(n);
    for (const packet of [
      `42["x",${deep(65)}]`, `42["x",${deep(400_000)}]`, `42${'['.repeat(900_000)}`, `42["x",${'{"a":'.repeat(100_000)}`, `40{"a":${deep(200_000)}}`,
      `42["x"${',1'.repeat(1_100)}]`, '42["x",1e]', '42["x","\\ud8"]', '42["x",01]', '42["x",{"a":1,}]',
    ]) {
      const one = await joined();
      one.send(packet);
      assert.equal(await one.closed(), null, packet.slice(0, 40));
    }
    const one = await joined();
    for (const argument of [
      `1${'0'.repeat(900_000)}`, `1e${'9'.repeat(900_000)}`, `{"${'k'.repeat(900_000)}":1}`, `{${times(60_000, (i) => `"k${i}":${i}`).join()}}`,
      `{${'"same":1,'.repeat(60_000)}"same":2}`, '"\\ud800"', '{"__proto__":{"isAdmin":true}}', '{"constructor":{"prototype":{"x":1}}}', deep(60),
    ]) {
      one.send(`421["whatever",${argument}]`);
      assert.match(String(await one.nextPacket()), /^431\[\{"ok":false,"error":\{"code":"(invalid_payload|rate_limited)"/);
      await pause(110);
    }
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'error', '\\u0000', 'x'.repeat(100_000)]) {
      one.send(`421["${name}"]`);
      assert.match(String(await one.nextPacket()), /^431\[\{"ok":false,"error":\{"code":"(invalid_payload|rate_limited)"/);
      await pause(110);
    }
    one.close();
    for (const nsp of ['/__proto__', '/constructor', '/toString', '/../..', '/%2e', '/"\\']) {
      const other = await wire();
      other.send(`40${nsp},{"__proto__":{"token":"x"}}`);
      assert.equal(await other.nextPacket(), `44${nsp},{"message":"Invalid namespace"}`);
      other.close();
    }
    // An auth object of 900 kB with every name twice; no token in it, so the socket is nobody's.
    const wide = await wire();
    wide.send(`40{${times(30_000, (i) => `"k${i}":1,"k${i}":2`).join()},"__proto__":{"token":"${siege.user.token}"}}`);
    assert.match(await wide.next(), /^40\{/);
    wide.send('421["notification:read-all"]');
    assert.match(String(await wide.nextPacket()), /"unauthenticated"/);
    wide.close();
    const { body } = await siege.server.request('GET', '/metrics');
    assert.ok(!/__proto__|constructor|hasOwnProperty|xxxx/.test(body), 'a name from outside became a label');
    await siege.over(t);
  });

  test('attachments: too many, too large, out of turn, named twice', async (t) => {
    const placeholder = '{"_placeholder":true,"num":0}';
    for (const header of [
      `45999999999-["x",${placeholder}]`, `45${'9'.repeat(400)}-["x"]`, `4511-["x",${placeholder}]`, `450-["x"]`, `45-1-["x"]`, '451-["x",{"_placeholder":true,"num":1}]',
      '451-["x",{"_placeholder":true,"num":-1}]', '451-["x",{"_placeholder":true,"num":1e3}]', '451-["x",{"_placeholder":true,"num":"splice"}]',
      `46999999999-1[${placeholder}]`,
    ]) {
      const one = await joined();
      one.send(header);
      assert.equal(await one.closed(), null, header.slice(0, 50));
    }
    await crowd(many(20, 200), 10, async () => {
      const large = await joined();
      large.send(`4510-["x",${placeholder}]`);
      for (let i = 0; i < 10 && !large.ended; i += 1) large.send(Buffer.alloc(1_000_000));
      assert.equal(await large.closed(), null, 'ten of a megabyte');
      const between = await joined();
      between.send(`452-["x",${placeholder}]`, Buffer.alloc(100_000), '42["y"]');
      assert.equal(await between.closed(), null, 'text between');
    });
    // One attachment, named a thousand times: no answer carries it back.
    const one = await joined();
    const before = one.connection.socket.bytesRead;
    one.send(`451-1["whatever"${`,${placeholder}`.repeat(1_000)}]`, Buffer.alloc(900_000));
    assert.match(String(await one.nextPacket()), /^431\[\{"ok":false/);
    assert.ok(one.connection.socket.bytesRead - before < 10_000);
    one.close();
    await siege.over(t);
  });

  test('acks that nobody asked for, ids that are too large, namespaces by the thousand', async (t) => {
    for (const packet of ['4299999999999999999999["x"]', `42${'9'.repeat(500_000)}["x"]`, '429007199254740992["x"]', '439007199254740992[]', `40/${'n'.repeat(300)}`,
      `40/${'n'.repeat(900_000)}`, '40/a\u0001b', '42/nobody,["x"]', '40', '44{"message":"x"}']) {
      const one = await joined();
      one.send(packet);
      assert.equal(await one.closed(), null, packet.slice(0, 40));
    }
    const one = await joined();
    const acks = many(50_000, 500_000);
    for (let i = 0; i < acks; i += 1_000) one.raw(Buffer.concat(times(1_000, (n) => frame(opcodes.text, `43${i + n}["x"]`))));
    const names = many(5_000, 50_000);
    let refused = 0;
    for (let i = 0; i < names; i += 100) {
      one.send(...times(100, (n) => `40/${i + n}${i % 200 ? '' : ',{"token":"x"}'}`));
      for (let n = 0; n < 100; n += 1) {
        assert.match(await one.nextPacket(), /^44\/\d+,\{"message":"Invalid namespace"\}$/);
        refused += 1;
      }
    }
    assert.equal(refused, names);
    await stillOpen(one);
    one.close();
    // Refused tokens cost the one who shows them, again and again, on one connection.
    const guesses = await wire();
    for (let i = 0; i < many(500, 20_000); i += 100) {
      guesses.send(...times(100, (n) => `40{"token":"${siege.user.token}x${i + n}"}`));
      for (let n = 0; n < 100; n += 1) assert.match(await guesses.nextPacket(), /^44\{"message":"[^"]+","data":\{"code":"token_invalid"\}\}$/);
    }
    guesses.close();
    await siege.over(t);
  });

  // --- WebSocket frames ---

  test('frames that RFC 6455 forbids: the code that says why', async (t) => {
    const { text, binary, continuation, close, ping } = opcodes;
    const wide = (high) => Buffer.concat([Buffer.from([0x82, 0xff, ...high]), Buffer.alloc(8)]);
    const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };
    const table = [
      ['no mask', frame(text, '40', { masked: false }), 1002], ['a reserved bit', frame(text, '40', { rsv: 2 }), 1002],
      ['compressed, though nothing was agreed', frame(binary, Buffer.alloc(1_000), { rsv: 4 }), 1002], ['a compressed ping', frame(ping, 'x', { rsv: 4 }), 1002],
      ['an unknown opcode', frame(3, 'x'), 1002], ['a long ping', frame(ping, 'x'.repeat(126)), 1002], ['half a ping', frame(ping, 'x', { fin: false }), 1002],
      ['a continuation of nothing', frame(continuation, 'x'), 1002], ['a message within a message', [frame(text, '4', { fin: false }), frame(text, '0')], 1002],
      ['2^62 bytes', wide([0x40, 0, 0, 0, 0, 0, 0, 0]), 1009], ['2^63 bytes', wide([0x80, 0, 0, 0, 0, 0, 0, 0]), 1002], ['7 bytes in 64 bits', wide([0, 0, 0, 0, 0, 0, 0, 7]), 1002],
      ['a byte too many', frame(text, `4${'x'.repeat(1_000_000)}`), 1009],
      ['a byte too many, in two', [frame(text, `4${'x'.repeat(600_000)}`, { fin: false }), frame(continuation, 'x'.repeat(400_000))], 1009],
      ['half a close code', frame(close, '\x03'), 1002], ['a close code that is none', frame(close, Buffer.from([0x03, 0xed])), 1002],
      ['a close reason that is no text', frame(close, Buffer.from([0x03, 0xe8, 0xff])), 1007], ['no text', frame(text, Buffer.from([0x34, 0xc3, 0x28])), 1007],
      ['no text, over three frames', [frame(text, Buffer.from([0x34, 0xf0]), { fin: false }), frame(continuation, Buffer.from([0x9f]), { fin: false }), frame(continuation, Buffer.from([0x28]))], 1007],
      ['five thousand fragments of a byte', [frame(text, '4', { fin: false }), ...times(5_000, () => frame(continuation, 'x', { fin: false }))], 1008],
      ['five thousand fragments of nothing', [frame(binary, '', { fin: false }), ...times(5_000, () => frame(continuation, '', { fin: false }))], 1008],
    ];
    await crowd(many(1, 50), 1, () => crowd(table.length, 4, async (i) => {
      const [what, frames, code] = table[i];
      const one = await wire(offer);
      assert.ok(!/sec-websocket-extensions/i.test(one.head), one.head);
      one.raw(...[frames].flat());
      assert.equal(await one.closed(), code, what);
    }));
    await siege.over(t);
  });

  test('messages a byte at a time, and frames that promise a megabyte and keep it back', async (t) => {
    const one = await joined();
    for (const byte of frame(opcodes.text, '421["whatever"]')) {
      one.connection.write(Buffer.from([byte]));
      await pause(1);
    }
    assert.match(await one.nextPacket(), /^431\[\{"ok":false/);
    // Fragments of a byte, within the limit: it is a message like any other.
    const letters = [...'422["whatever"]'];
    one.raw(...letters.map((letter, i) => frame(i ? opcodes.continuation : opcodes.text, letter, { fin: i === letters.length - 1 })));
    assert.match(await one.nextPacket(), /^432\[\{"ok":false/);
    one.close();
    const count = many(200, 2_000);
    const before = (await siege.readings()).memory;
    const liars = await crowd(count, 20, () => joined());
    for (const liar of liars) liar.connection.write(frame(opcodes.binary, '', { length: 999_999 }));
    await siege.alive();
    const held = (await siege.readings()).memory - before;
    assert.ok(held < memoryKept, `${held} bytes for promises`);
    liars.forEach((liar) => liar.close());
    await siege.over(t);
  });

  test('a flood of pings, by somebody who reads the answers and by somebody who does not', async (t) => {
    const one = await joined();
    const count = many(50_000, 1_000_000);
    const flood = Buffer.concat(times(10_000, () => frame(opcodes.ping)));
    for (let i = 10_000; i <= count; i += 10_000) {
      one.raw(flood);
      await eventually('each has its answer', () => one.pongs.length === i, 60_000);
    }
    await stillOpen(one);
    one.close();
    const deaf = await crowd(many(20, 100), 10, () => joined());
    for (const socket of deaf) socket.connection.socket.pause();
    const pings = Buffer.concat(times(2_000, () => frame(opcodes.ping, 'x'.repeat(125))));
    for (let i = 0; i < many(20, 100); i += 1) {
      for (const socket of deaf) if (socket.connection.socket.writableLength < 1_000_000) socket.connection.write(pings);
      await pause(5);
    }
    await siege.alive();
    const { memory } = await siege.readings();
    assert.ok(memory - siege.calm.memory < memoryKept, `${memory - siege.calm.memory} bytes for pongs that nobody takes`);
    deaf.forEach((socket) => socket.connection.reset());
    await siege.over(t);
  });

  // --- Clients that do not read ---

  test('a client that never reads, and one that never polls: each goes as a slow consumer, the others get everything', async (t) => {
    const victim = await siege.server.register('Victim');
    const tab = await siege.server.connect(victim.token, { transports: ['websocket'] }).connected();
    const deaf = await joined({ token: victim.token });
    deaf.connection.socket.pause();
    const sleeper = await siege.poller();
    assert.equal((await sleeper.post(`40${JSON.stringify({ token: victim.token })}`)).status, 200);
    assert.match((await sleeper.get()).text, /^40\{/);
    const fat = { userId: victim.id, type: 'test', title: 'fat', body: '🔔'.repeat(4_000) };
    const token = await siege.server.internalToken();
    let sent = 0;
    await siege.ends('slow consumer', 2, async () => {
      const gone = await siege.ended('slow consumer');
      while ((await siege.ended('slow consumer')) < gone + 2) {
        assert.ok(sent < 4_000, 'nobody was sent away');
        const { status } = await siege.server.request('POST', '/notification/bulk', {
          base: siege.server.notificationsUrl, token, body: { notifications: Array(40).fill(fat) } });
        assert.equal(status, 200);
        sent += 40;
        const { queued } = await siege.readings();
        assert.ok(queued <= 3 * 4_000_000, `${queued} bytes queued`);
      }
    });
    await eventually('the one that reads has all of them', () => tab.of('notification:new').filter((item) => item.title === 'fat').length === sent);
    tab.close();
    deaf.close();
    // Told by its next GET, once.
    assert.match((await sleeper.get()).text, /1$/);
    await sleeper.gone();
    await siege.over(t);
  });

  // --- Upgrades ---

  test('upgrades that are begun and not ended, confirmed without a probe, or of a session that is somebody\'s', async (t) => {
    const session = await siege.poller();
    await session.post('40{}');
    const probe = () => WebSocketWire.open(siege.port, `${websocket}&sid=${session.sid}`);
    for (let i = 0; i < many(100, 2_000); i += 1) {
      const one = await probe();
      assert.equal(one.status, 101);
      one.send(...[['5'], ['2probe', '2probe', '4x'], ['40'], [Buffer.from('2probe')], [''], ['2probe', '1']][i % 6]);
      assert.equal(await one.closed(), null, String(i % 6));
    }
    // While one upgrade is on its way, all others are turned away, and a GET loop is slowed down.
    const first = await probe();
    const begun = performance.now();
    first.send('2probe');
    assert.equal(await first.next(), '3probe');
    for (let i = 0; i < 50; i += 1) {
      const other = await probe();
      other.send('2probe', '5');
      assert.equal(await other.closed(), null);
      assert.deepEqual(other.messages, []);
    }
    let answered = 0;
    while (answered < 10) {
      const { status, text } = await session.get();
      assert.equal(status, 200);
      if (text === '6') answered += 1;
    }
    // The first NOOP is given at once, each further one 100 ms after the one before.
    assert.ok(performance.now() - begun > 900, 'ten GETs in a hot loop');
    first.send('5', '42["whatever"]');
    assert.match(await first.nextPacket(), /^42\["error"/);
    const thief = await probe();
    thief.send('2probe', '5', '42["mine"]');
    assert.equal(await thief.closed(), null);
    assert.deepEqual(thief.messages, []);
    first.send('421["whatever"]');
    assert.match(await first.nextPacket(), /^431\[/);
    first.close();
    await siege.over(t);
  });

  test('connections that are opened and reset, at every stage', async (t) => {
    const stages = ['', 'G', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', `GET ${polling} HTTP/1.1\r\n`, `POST ${polling} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n40`,
      upgradeRequest(websocket), upgradeRequest(websocket) + frame(opcodes.text, '40').toString('latin1'), upgradeRequest(`${websocket}&sid=nobody`),
      upgradeRequest(websocket) + frame(opcodes.text, `40{"token":"${siege.user.token}"}`).toString('latin1')];
    await crowd(many(900, 20_000), 30, async (i) => {
      const connection = await Connection.open(siege.port);
      connection.write(Buffer.from(stages[i % stages.length], 'latin1'));
      if (i % 2) await pause(i % 7);
      connection.reset();
    });
    await siege.over(t);
  });
});
