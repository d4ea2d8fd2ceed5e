// Each limit at its edge, against the binary: what is just within it passes, the next one is refused and counted.
// docs/limits.md has the table.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Server, eventually } from './harness.mjs';
import { Poller, crowd, polling, times, websocket } from './siege.mjs';
import { Connection, WebSocketWire, request } from './wire.mjs';

const portOf = (server) => Number(new URL(server.url).port);
const statuses = (text) => (text.match(/HTTP\/1\.1 \d+/g) ?? []).map((line) => Number(line.slice(9)));

/** Requests in one write on one connection: so fast behind each other that no bucket refills between them. */
async function pipelined(port, requests) {
  const connection = await Connection.open(port);
  connection.write(requests.join(''));
  await eventually('all are answered', () => statuses(connection.text).length === requests.length || connection.ended);
  connection.close();
  return statuses(connection.text);
}

async function joined(port, token) {
  const one = await WebSocketWire.open(port, websocket);
  assert.match(await one.nextPacket(), /^0\{/);
  one.send(`40${JSON.stringify({ token })}`);
  one.answer = await one.nextPacket();
  return one;
}

describe('limits at their edges', () => {
  let server;
  let port;
  let user;
  before(async () => {
    server = await Server.start({ flags: ['--rate-limit', '4', '--rest-rate-limit', '3', '--max-sockets-per-user', '2', '--max-connections', '6',
      '--register-rate-limit', '2', '--trusted-proxy', '127.0.0.1'] });
    port = portOf(server);
    user = await server.register();
  });
  after(async () => assert.equal(await server.stop(), 0));

  test('messages of a user: --rate-limit', async () => {
    const { metric } = server;
    const before = await metric.call(server, 'carillon_rate_limited_total');
    const one = await joined(port, user.token);
    one.send(...times(5, (i) => `42${i}["notification:sync",{"since":"0"}]`));
    const acks = {};
    while (Object.keys(acks).length < 5) {
      const [, id, answer] = (await one.nextPacket()).match(/^43(\d)(.*)$/) ?? [];
      if (id) acks[id] = JSON.parse(answer)[0];
    }
    assert.deepEqual(times(5, (i) => acks[i].ok), [true, true, true, true, false]);
    assert.equal(acks[4].error.code, 'rate_limited');
    assert.equal(await metric.call(server, 'carillon_rate_limited_total'), before + 1);
    one.close();
  });

  test('REST requests of a user: --rest-rate-limit', async () => {
    const before = await server.metric('carillon_rate_limited_total');
    const one = `GET /notifications/unread-count HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.token}\r\n\r\n`;
    assert.deepEqual(await pipelined(port, times(4, () => one)), [200, 200, 200, 429]);
    assert.equal(await server.metric('carillon_rate_limited_total'), before + 1);
  });

  test('sockets of a user: --max-sockets-per-user', async () => {
    const other = await server.register();
    const failures = () => server.metric('carillon_auth_failures_total', { code: 'too_many_connections' });
    const before = await failures();
    const all = [await joined(port, other.token), await joined(port, other.token), await joined(port, other.token)];
    assert.deepEqual(all.map(({ answer }) => answer.slice(0, 2)), ['40', '40', '44']);
    assert.match(all[2].answer, /"too_many_connections"/);
    assert.equal(await failures(), before + 1);
    for (const one of all) one.close();
  });

  test('connections of all: --max-connections', async () => {
    await eventually('everybody has gone', async () => (await server.metric('carillon_connections_active')) === 0);
    const answers = [];
    for (let i = 0; i < 7; i += 1) answers.push(await request(port, polling));
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200, 200, 200, 503]);
    assert.ok(Number(answers[6].headers['retry-after']) > 0);
    assert.equal(await server.metric('carillon_connections_active'), 6);
    for (const { text } of answers.slice(0, 6)) await new Poller(port, JSON.parse(text.slice(1)).sid).post('1');
    await eventually('there is room again', async () => (await server.metric('carillon_connections_active')) === 0);
  });

  test('bytes and fields of a head', async () => {
    const head = (size) => {
      const start = 'GET /livez HTTP/1.1\r\nHost: x\r\nX: ';
      return `${start}${'y'.repeat(size - start.length - 4)}\r\n\r\n`;
    };
    assert.deepEqual(await pipelined(port, [head(16_384)]), [200]);
    assert.deepEqual(await pipelined(port, [head(16_385)]), [431]);
    const fields = (count) => `GET /livez HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(count - 1)}\r\n`;
    assert.deepEqual(await pipelined(port, [fields(100)]), [200]);
    assert.deepEqual(await pipelined(port, [fields(101)]), [431]);
    assert.ok((await server.metric('carillon_http_requests_total', { route: 'unmatched', status: '431' })) >= 2);
  });

  test('bytes of a body: REST and polling', async () => {
    const login = (size) => request(port, '/auth/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}'.padEnd(size) });
    assert.equal((await login(65_536)).status, 422);
    assert.equal((await login(65_537)).status, 413);
    const { text } = await request(port, polling);
    const session = new Poller(port, JSON.parse(text.slice(1)).sid);
    assert.equal((await session.post('4'.padEnd(1_000_001, 'x'))).status, 413);
    assert.equal((await session.post('4'.padEnd(1_000_000, 'x'))).status, 200, 'it is taken, and then it is no packet');
    assert.ok((await server.metric('carillon_http_requests_total', { status: '413' })) >= 2);
    await session.get();
    await session.gone();
  });

  test('depth of JSON on a socket', async () => {
    const deep = (n) => '['.repeat(n) + ']'.repeat(n);
    const one = await joined(port, user.token);
    one.send(`421["whatever",${deep(63)}]`);
    for (;;) if (/^431\[\{"ok":false/.test(await one.nextPacket())) break;
    one.send(`421["whatever",${deep(64)}]`);
    assert.equal(await one.closed(), null);
  });

  for (const [name, field] of [['X-Forwarded-For', (address) => ({ 'x-forwarded-for': address })], ['Forwarded', (address) => ({ forwarded: `for=${address}` })]]) {
    test(`failed log-ins of an account from an address, as ${name} says`, async () => {
      const at = name === 'Forwarded' ? 1 : 2;
      const attempt = async (address) => (await server.request('POST', '/auth/login', {
        body: { email: user.email, password: 'not this one' }, headers: field(address) })).status;
      for (let i = 0; i < 10; i += 1) assert.equal(await attempt(`192.0.2.${at}`), 401);
      assert.equal(await attempt(`192.0.2.${at}`), 429);
      assert.equal(await attempt(`198.51.100.${at}`), 401);
      assert.ok((await server.metric('carillon_auth_failures_total', { code: 'rate_limited' }, server.authUrl)) >= 1);
    });

    test(`registrations from an address, as ${name} says: --register-rate-limit`, async () => {
      const at = name === 'Forwarded' ? 3 : 4;
      const answers = await Promise.all(times(3, (i) => server.request('POST', '/auth/register', {
        body: { email: `edge-${at}-${i}@example.test`, password: 'correct horse' }, headers: field(`192.0.2.${at}`) })));
      assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 429]);
    });
  }
});

describe('limits of an address', () => {
  let server;
  let port;
  before(async () => {
    server = await Server.start({ flags: ['--connect-rate-limit', '1', '--address-bytes-limit', '20000',
      '--trusted-proxy', '127.0.0.1', '--max-handshakes', '30'] });
    port = portOf(server);
  });
  after(async () => assert.equal(await server.stop(), 0));
  const refused = (reason) => server.metric('carillon_handshakes_refused_total', { reason });
  const nobodyLeft = () => eventually('every handshake is over', async () => (await server.metric('carillon_handshakes_active')) === 0);
  const leave = async (answers) => {
    for (const { status, text } of answers) if (status === 200) await new Poller(port, JSON.parse(text.slice(1)).sid).post('1');
    await nobodyLeft();
  };

  const fields = {
    'X-Forwarded-For': (address) => ({ 'x-forwarded-for': address }),
    Forwarded: (address) => ({ forwarded: `for="${address.includes(':') ? `[${address}]` : address}"` }),
  };
  for (const [at, [name, field]] of Object.entries(fields).entries()) {
    test(`handshakes of an address, as ${name} says: --connect-rate-limit`, async () => {
      const before = await refused('address');
      const many = (count, address) => Promise.all(times(count, () => request(port, polling, { headers: field(address) })));
      // Ten seconds' worth at once. The bucket gets one more a second meanwhile.
      const within = await many(10, `192.0.2.${at + 1}`);
      assert.deepEqual(within.map(({ status }) => status), times(10, () => 200));
      const over = await many(8, `192.0.2.${at + 1}`);
      const last = over.find(({ status }) => status === 429);
      assert.ok(last, JSON.stringify(over));
      assert.equal(JSON.parse(last.text).code, 'rate_limited');
      assert.equal(last.headers['content-type'], 'application/problem+json');
      assert.ok(Number(last.headers['retry-after']) >= 1);
      assert.ok((await refused('address')) > before);
      const socket = await WebSocketWire.open(port, websocket, field(`192.0.2.${at + 1}`));
      if (socket.status !== 101) assert.match(socket.head, /^HTTP\/1\.1 429 Too Many Requests[^]*\r\nRetry-After: 1/);
      socket.close();
      await leave([...within, ...over]);
      const others = [...(await many(1, `198.51.100.${at + 1}`)), await request(port, polling)];
      assert.deepEqual(others.map(({ status }) => status), [200, 200], 'others, and the proxy itself, are not meant');
      await leave(others);
    });

    test(`handshakes of an IPv6 network, as ${name} says: --connect-rate-limit`, async () => {
      const answers = await Promise.all(times(18, (i) => request(port, polling, { headers: field(`2001:db8:0:${at + 1}::${i + 1}`) })));
      assert.ok(answers.filter(({ status }) => status === 429).length >= 1, 'one /64 is one client');
      assert.ok(answers.filter(({ status }) => status === 200).length >= 10);
      await leave(answers);
    });

    test(`bytes of an address, as ${name} says: --address-bytes-limit`, async () => {
      const pauses = () => server.metric('carillon_address_pauses_total');
      const before = await pauses();
      const headers = field(`203.0.113.${at + 1}`);
      const { text } = await request(port, polling, { headers });
      const session = new Poller(port, JSON.parse(text.slice(1)).sid);
      const user = await server.register();
      assert.equal((await session.post(`40${JSON.stringify({ token: user.token })}`, headers)).status, 200);
      // Eight seconds' worth at once; what is more is paid for with time.
      const event = (size) => `42["whatever","${'x'.repeat(size)}"]`;
      assert.equal((await session.post(event(150_000), headers)).status, 200);
      assert.equal(await pauses(), before, 'all that is within the limit is read at once');
      const begun = Date.now();
      assert.equal((await session.post(event(50_000), headers)).status, 200);
      assert.equal((await session.post(event(1), headers)).status, 200, 'read later, and not refused');
      assert.ok(Date.now() - begun > 500);
      assert.ok((await pauses()) > before);
      await session.post('1', headers);
    });
  }

  test('handshakes that are not over: --max-handshakes', async () => {
    await nobodyLeft();
    const before = await refused('handshakes');
    // The proxy's own are not limited by address.
    const answers = [];
    for (let i = 0; i < 31; i += 1) answers.push(await request(port, polling));
    assert.deepEqual(answers.map(({ status }) => status), [...times(30, () => 200), 503]);
    assert.ok(Number(answers[30].headers['retry-after']) > 0);
    assert.equal(await refused('handshakes'), before + 1);
    assert.equal(await server.metric('carillon_handshakes_active'), 30);
    const user = await server.register();
    const one = new Poller(port, JSON.parse(answers[0].text.slice(1)).sid);
    await one.post(`40${JSON.stringify({ token: user.token })}`);
    assert.match((await one.get()).text, /^40\{/);
    const another = await request(port, polling);
    assert.equal(another.status, 200, 'one has joined: another may begin');
    await leave([...answers.slice(1), another]);
  });

  test('what is kept of addresses is forgotten', async () => {
    const kept = () => server.metric('carillon_clients_held', { table: 'addresses' });
    const one = await WebSocketWire.open(port, websocket, { 'x-forwarded-for': '192.0.2.200' });
    await eventually('it is kept', async () => (await kept()) > 0, 20_000);
    one.close();
    await eventually('all have gone', async () => (await kept()) === 0, 60_000);
  });
});

describe('what is refused before it costs anything', () => {
  let server;
  let port;
  before(async () => {
    server = await Server.start();
    port = portOf(server);
  });
  after(async () => assert.equal(await server.stop(), 0));

  test('a POST of an unknown session is answered at its head', async () => {
    for (const target of [`${polling}&sid=nobody`, polling, '/socket.io/?EIO=3&transport=polling']) {
      for (const fields of ['Content-Length: 1000000\r\n', 'Transfer-Encoding: chunked\r\n', 'Content-Length: 1000000\r\nExpect: 100-continue\r\n']) {
        const connection = await Connection.open(port);
        connection.write(`POST ${target} HTTP/1.1\r\nHost: x\r\n${fields}\r\n`);
        assert.deepEqual(statuses(await connection.closed(5_000)), [400], target);
        assert.match(connection.text, /"code":[125]/);
      }
    }
    // One that is known gets to send it.
    const { text } = await request(port, polling);
    const session = new Poller(port, JSON.parse(text.slice(1)).sid);
    const connection = await Connection.open(port);
    connection.write(`POST ${session.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n`);
    await connection.until(/100 Continue/);
    connection.write('6');
    await connection.until(/ok$/);
    connection.close();
  });

  test('attachments of somebody who has not joined', async () => {
    const one = await WebSocketWire.open(port, websocket);
    assert.match(await one.nextPacket(), /^0\{/);
    one.send('451-["x",{"_placeholder":true,"num":0}]');
    assert.equal(await one.closed(5_000), null);
    const user = await server.register();
    const member = await joined(port, user.token);
    member.send('451-7["x",{"_placeholder":true,"num":0}]', Buffer.alloc(10));
    for (;;) if (/^437\[/.test(await member.nextPacket())) break;
    member.close();
  });
});

describe('idle connections', () => {
  test('cannot hold every descriptor: the longest idle ones make room', async () => {
    const server = await Server.start({ wrapper: ['prlimit', '--nofile=200:200'] });
    const port = portOf(server);
    const user = await server.register();
    const tab = await server.connect(user.token, { transports: ['websocket'] }).connected();
    const idle = await crowd(400, 100, async () => {
      const connection = await Connection.open(port);
      connection.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
      await connection.until(/ 200 [^]*\r\n\r\n/, 30_000);
      return connection;
    });
    assert.ok((await server.metric('carillon_http_connections_evicted_total')) >= 200);
    const late = await server.connect(user.token).connected();
    const made = await server.create(user.id, 'nobody was left outside');
    for (const one of [tab, late]) await one.event('notification:new', ({ notificationId }) => notificationId === made.notificationId);
    assert.ok(idle.filter(({ ended }) => !ended).length > 50, 'those for whom there is room stay');
    assert.deepEqual(tab.disconnects, []);
    for (const one of [tab, late, ...idle]) one.close();
    assert.equal(await server.stop(), 0);
  });
});
