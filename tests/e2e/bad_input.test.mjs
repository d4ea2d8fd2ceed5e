// What clients get wrong, on each of the three ports: the status, code and headers that the contract names, to the letter.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { Server, eventually } from './harness.mjs';


function assertProblem(what, answer, status, code) {
  const seen = `${what}: ${answer.status} ${JSON.stringify(answer.body)}`;
  assert.equal(answer.status, status, seen);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json', seen);
  assert.deepEqual([answer.body.status, answer.body.code], [status, code], seen);
  for (const member of ['type', 'title', 'detail']) assert.equal(typeof answer.body[member], 'string', `${member} of ${seen}`);
  if (status === 422) {
    assert.ok(answer.body.errors.length > 0, seen);
    for (const error of answer.body.errors) assert.deepEqual([typeof error.path, typeof error.message], ['string', 'string'], seen);
  }
  if (status === 401) assert.match(answer.headers.get('www-authenticate'), /^Bearer/, seen);
}

describe('bad input', () => {
  let server;
  let user;
  let internal;
  let watcher;
  before(async () => {
    server = await Server.start({ flags: ['--rest-rate-limit', '100000', '--login-rate-limit', '1000'] });
    user = await server.register();
    internal = await server.internalToken();
    watcher = await server.connect(user.token).connected();
  });
  // The process and the other sockets carry on, whatever was thrown at it.
  after(async () => {
    const made = await server.create(user.id, 'still here');
    await watcher.event('notification:new', (payload) => payload.notificationId === made.notificationId);
    assert.deepEqual(watcher.disconnects, []);
    watcher.close();
    assert.equal(await server.stop(), 0);
  });

  const ports = () => ({
    gateway: { base: server.url, token: user.token },
    auth: { base: server.authUrl, token: internal },
    notifications: { base: server.notificationsUrl, token: internal },
  });

  test('a path that is not there, and a method that the path does not take', async () => {
    for (const [name, { base, token }] of Object.entries(ports())) {
      for (const path of ['/nowhere', '//', '/etc/passwd', '/notifications/', '/livez/x']) {
        assertProblem(`${name} ${path}`, await server.request('GET', path, { base, token }), 404, 'not_found');
      }
      const method = await server.request('DELETE', '/livez', { base, token });
      assertProblem(`${name} DELETE`, method, 405, 'method_not_allowed');
      assert.equal(method.headers.get('allow'), 'GET, HEAD, OPTIONS');
    }
    const allowed = {
      [server.url]: { '/notifications': 'GET, HEAD, OPTIONS, POST', '/notifications/read-all': 'POST', '/notifications/unread-count': 'GET',
        [`/notifications/${randomUUID()}`]: 'GET', [`/notifications/${randomUUID()}/read`]: 'POST', '/auth/register': 'POST', '/auth/login': 'POST',
        '/auth/me': 'GET', '/': 'GET' },
      [server.authUrl]: { '/auth/register': 'POST', '/auth/login': 'POST', '/auth/me': 'GET' },
      [server.notificationsUrl]: { '/notification': 'GET, POST', '/notification/bulk': 'POST', '/notification/sync': 'GET',
        '/notification/unread-counts': 'POST', '/notification/read-all': 'POST', '/notification/reads': 'POST', [`/notification/${randomUUID()}/read`]: 'POST' },
    };
    for (const [base, paths] of Object.entries(allowed)) {
      for (const [path, methods] of Object.entries(paths)) {
        const token = base === server.url ? user.token : internal;
        const answer = await server.request('PUT', path, { base, token, body: {} });
        assertProblem(`PUT ${path}`, answer, 405, 'method_not_allowed');
        const listed = answer.headers.get('allow').split(', ');
        for (const method of methods.split(', ')) assert.ok(listed.includes(method), `${path}: ${listed}`);
        assert.ok(!listed.includes('PUT') && !listed.includes('DELETE'), `${path}: ${listed}`);
      }
    }
  });

  test('a token that is none, another kind, another key, expired, or in the wrong place', async () => {
    const expired = await server.token(user.id, '--expires-in', '0ms');
    const foreign = await server.token(user.id, '--jwt-secret', 'another secret of thirty-two bytes');
    const [head, claims] = user.token.split('.');
    const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
    const cases = [
      [undefined, 'unauthorized'], ['', 'token_invalid'], ['garbage', 'token_invalid'], ['a.b.c', 'token_invalid'], [foreign, 'token_invalid'],
      [`${none}.${claims}.`, 'token_invalid'], [`${head}.${claims}.`, 'token_invalid'], [internal, 'token_invalid'], [expired, 'token_expired'],
      ['x'.repeat(9_000), 'token_invalid'],
    ];
    for (const [token, code] of cases) {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      for (const path of ['/notifications', '/notifications/unread-count', '/auth/me']) {
        const answer = await server.request('GET', path, { headers });
        assert.ok(answer.body.code === code || (token === '' && answer.body.code === 'unauthorized'), `${path} ${String(token).slice(0, 30)}: ${answer.body.code}`);
        assertProblem(`${path} ${String(token).slice(0, 30)}`, answer, 401, answer.body.code);
      }
    }
    assertProblem('Basic', await server.request('GET', '/notifications', { headers: { authorization: 'Basic YTpi' } }), 401, 'token_invalid');
    assertProblem('in the query', await server.request('GET', `/notifications?token=${user.token}`), 401, 'unauthorized');
    for (const base of [server.authUrl, server.notificationsUrl]) {
      const path = base === server.authUrl ? '/auth/me' : `/notification?userId=${user.id}`;
      for (const token of [undefined, user.token, 'garbage', foreign, `${none}.${claims}.`]) {
        assert.equal((await server.request('GET', path, { base, token })).status, 401, `${path} ${String(token).slice(0, 30)}`);
      }
    }
  });

  const bodies = () => {
    const id = user.id;
    const good = { userId: id, type: 't', title: 'x' };
    return [
      ['', 400, 'invalid_json'], ['{"userId":', 400, 'invalid_json'], ["{'a':1}", 400, 'invalid_json'], ['{}{}', 400, 'invalid_json'],
      ['{"title":"\\ud800"}', 400, 'invalid_json'], [`${'['.repeat(5_000)}${']'.repeat(5_000)}`, 400, 'invalid_json'],
      ['{"a":1,"a":2}', 400, 'invalid_json'], ['NaN', 400, 'invalid_json'],
      ['null', 422], ['[]', 422], ['"text"', 422], ['5', 422], [{}, 422], [{ ...good, userId: 5 }, 422], [{ ...good, userId: 'me' }, 422],
      [{ ...good, userId: null }, 422], [{ ...good, userId: `${id}x` }, 422], [{ ...good, type: 1 }, 422], [{ ...good, type: '' }, 422],
      [{ ...good, type: 't'.repeat(65) }, 422], [{ ...good, title: '' }, 422], [{ ...good, title: ['x'] }, 422], [{ ...good, title: 'x'.repeat(201) }, 422],
      [{ ...good, title: 'a\u0000b' }, 422], [{ ...good, body: {} }, 422], [{ ...good, body: 'b'.repeat(4_001) }, 422], [{ ...good, data: 'x' }, 422],
      [{ ...good, data: [] }, 422], [{ ...good, data: { a: 'b'.repeat(4_100) } }, 422], [{ ...good, data: { url: 'javascript:alert(1)' } }, 422],
      [{ ...good, data: { url: 'data:text/html,x' } }, 422], [{ ...good, data: { url: 5 } }, 422], [{ type: 't', title: 'x' }, 422],
      [{ userId: id, title: 'x' }, 422], [{ userId: id, type: 't' }, 422],
    ];
  };

  test('a notification whose JSON is broken, or breaks the schema', async () => {
    const creator = await server.token(randomUUID(), '--permission', 'notification:create');
    for (const [body, status, code = 'invalid_payload'] of bodies()) {
      const what = typeof body === 'string' ? body.slice(0, 60) : JSON.stringify(body).slice(0, 90);
      const headers = { 'content-type': 'application/json' };
      assertProblem(`gateway ${what}`, await server.request('POST', '/notifications', { token: creator, body, headers }), status, code);
      const inner = await server.request('POST', '/notification', { base: server.notificationsUrl, token: internal, body, headers });
      assertProblem(`notifications ${what}`, inner, status, code);
    }
    const bytes = Buffer.from(`{"userId":"${user.id}","type":"t","title":"\xff\xfe"}`, 'latin1');
    const answer = await fetch(`${server.url}/notifications`, {
      method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${creator}` }, body: bytes });
    assert.deepEqual([answer.status, (await answer.json()).code], [400, 'invalid_json']);
    const count = await server.request('GET', '/notifications/unread-count', { token: user.token });
    assert.equal(count.body.count, 1, 'none of them was created');
  });

  test('other bodies: accounts, read-all, the internal requests', async () => {
    const post = (path, body, base = server.url) =>
      server.request('POST', path, { base, token: base === server.url ? user.token : internal, body, headers: { 'content-type': 'application/json' } });
    for (const base of [server.url, server.authUrl]) {
      for (const path of ['/auth/register', '/auth/login']) {
        assertProblem(path, await post(path, '{', base), 400, 'invalid_json');
        assertProblem(path, await post(path, 'null', base), 422, 'invalid_payload');
        for (const body of [{}, { email: 5, password: 'long enough' }, { email: 'a@example.test' }, { email: 'a@example.test', password: 5 }]) {
          assertProblem(`${path} ${JSON.stringify(body)}`, await post(path, body, base), 422, 'invalid_payload');
        }
      }
      for (const body of [
        { email: 'nonsense', password: 'long enough' }, { email: `${'a'.repeat(400)}@example.test`, password: 'long enough' },
        { email: 'a@example.test', password: 'short' }, { email: 'a@example.test', password: 'p'.repeat(2_000) },
        { email: 'a@example.test', password: 'long enough', name: 5 }, { email: 'a@example.test', password: 'long enough', name: 'n'.repeat(2_000) },
      ]) {
        assertProblem(`register ${JSON.stringify(body).slice(0, 60)}`, await post('/auth/register', body, base), 422, 'invalid_payload');
      }
    }
    assertProblem('taken', await post('/auth/register', { email: user.email.toUpperCase(), password: 'long enough' }), 409, 'email_taken');
    assertProblem('wrong', await post('/auth/login', { email: user.email, password: 'long but wrong' }), 401, 'invalid_credentials');
    for (const body of [{ before: 'x' }, { before: 5 }, { before: '-1' }, { before: null }, '[]']) {
      assertProblem(`read-all ${JSON.stringify(body)}`, await post('/notifications/read-all', body), 422, 'invalid_payload');
    }
    assertProblem('read-all', await post('/notifications/read-all', '{"before":'), 400, 'invalid_json');
    const inner = server.notificationsUrl;
    for (const [path, body] of [
      ['/notification/bulk', {}], ['/notification/bulk', { notifications: {} }], ['/notification/unread-counts', { userIds: 'x' }],
      ['/notification/unread-counts', { userIds: ['x'] }], ['/notification/reads', {}], ['/notification/reads', { reads: [{ userId: 'x', notificationId: 'y' }] }], ['/notification/read-all', {}], ['/notification/read-all', { userId: 5 }],
      [`/notification/${randomUUID()}/read`, {}],
    ]) {
      assertProblem(`${path} ${JSON.stringify(body)}`, await post(path, body, inner), 422, 'invalid_payload');
    }
    const many = { notifications: Array.from({ length: 1_001 }, () => ({ userId: user.id, type: 't', title: 'x' })) };
    assertProblem('1,001 at once', await post('/notification/bulk', many, inner), 422, 'invalid_payload');
  });

  test('a query that makes no sense', async () => {
    const queries = ['limit=0', 'limit=101', 'limit=-1', 'limit=1.5', 'limit=x', 'limit=', 'limit=99999999999999999999', 'limit=%zz', 'cursor=x',
      'cursor=%zz', `cursor=${'A'.repeat(500)}`, 'status=new', 'status=', 'status=UNREAD'];
    for (const query of queries) {
      assertProblem(query, await server.request('GET', `/notifications?${query}`, { token: user.token }), 400, 'bad_request');
      const inner = await server.request('GET', `/notification?userId=${user.id}&${query}`, { base: server.notificationsUrl, token: internal });
      assertProblem(`internal ${query}`, inner, 400, 'bad_request');
    }
    for (const path of ['/notification', '/notification/unread-count', `/notification/sync?userId=${user.id}`, `/notification/sync?userId=${user.id}&since=x`, `/notification/sync?userId=${user.id}&since=0&limit=501`]) {
      const answer = await server.request('GET', path, { base: server.notificationsUrl, token: internal });
      assertProblem(path, answer, 400, 'bad_request');
    }
  });

  test('ids that are unknown, no UUID, or another user\'s', async () => {
    const other = await server.register('Other');
    const made = await server.create(user.id, 'mine');
    await watcher.event('notification:new', (payload) => payload.notificationId === made.notificationId);
    const get = (id, token) => server.request('GET', `/notifications/${id}`, { token });
    const read = (id, token) => server.request('POST', `/notifications/${id}/read`, { token });
    for (const id of [randomUUID(), 'x', '1', `${made.notificationId}0`, 'a'.repeat(2_000), '%00', made.notificationId.replaceAll('-', '')]) {
      assertProblem(`GET ${id.slice(0, 40)}`, await get(id, user.token), id === '%00' ? 400 : 404, id === '%00' ? 'bad_request' : 'not_found');
      if (id !== '%00') assertProblem(`read ${id.slice(0, 40)}`, await read(id, user.token), 404, 'not_found');
    }
    assertProblem("another user's", await get(made.notificationId, other.token), 404, 'not_found');
    assertProblem("another user's", await read(made.notificationId, other.token), 404, 'not_found');
    assert.equal((await get(made.notificationId, user.token)).body.readAt, null);
    assert.equal((await get(made.notificationId.toUpperCase(), user.token)).status, 200);
    assertProblem('to another', await server.request('POST', '/notifications', { token: other.token, body: { userId: user.id, type: 't', title: 'x' } }), 403, 'forbidden');
  });

  test('too much, and not JSON', async () => {
    for (const [name, { base, token }] of Object.entries(ports())) {
      const path = { gateway: '/notifications', auth: '/auth/login', notifications: '/notification' }[name];
      const huge = await server.request('POST', path, { base, token, body: `{"title":"${'x'.repeat(2_000_000)}"}`, headers: { 'content-type': 'application/json' } });
      assertProblem(`${name} 2 MB`, huge, 413, 'payload_too_large');
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json5', 'application/xml']) {
        const answer = await server.request('POST', path, { base, token, body: '{"a":1}', headers: { 'content-type': type } });
        assertProblem(`${name} ${type}`, answer, 415, 'unsupported_media_type');
      }
      const long = await server.request('GET', `${path}?cursor=${'a'.repeat(20_000)}`, { base, token });
      assertProblem(`${name} 20 kB of path`, long, 431, 'headers_too_large');
      const fat = await server.request('GET', path, { base, token, headers: { 'x-fat': 'b'.repeat(20_000) } });
      assertProblem(`${name} 20 kB in a header`, fat, 431, 'headers_too_large');
    }
  });

  // Sends bytes and returns what came back until the server closed, or the given status line.
  async function exchange(base, bytes) {
    const socket = connect(Number(new URL(base).port), '127.0.0.1');
    let answer = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.write(bytes);
    const bodyIsWhole = () => {
      const end = answer.indexOf('\r\n\r\n');
      const length = Number(answer.match(/content-length: (\d+)/i)?.[1] ?? NaN);
      return end >= 0 && answer.length >= end + 4 + length;
    };
    await eventually(`an answer to ${JSON.stringify(String(bytes).slice(0, 40))}`, () => socket.destroyed || socket.readableEnded || bodyIsWhole(), 20_000);
    socket.destroy();
    return answer;
  }

  test('bytes that are no HTTP, on each port', async () => {
    const host = 'Host: x\r\n';
    const login = `POST /auth/login HTTP/1.1\r\n${host}`;
    const samples = [
      [randomBytes(300), 400], ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400], ['\0'.repeat(10_000), 400], ['GET\r\n\r\n', 400], ['GET / HTTP/1.1\r\n\r\n', 400],
      [`GET / HTTP/1.1\r\n${host}${host}\r\n`, 400], [`GET / HTTP/1.1\r\n${host} folded: x\r\n\r\n`, 400], [`GET / HTTP/1.1\r\n${host}a b: x\r\n\r\n`, 400],
      ['GET / HTTP/9.9\r\n\r\n', 505], ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
      [`${login}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`, 400], [`${login}Content-Length: -1\r\n\r\n`, 400], [`${login}Content-Length: x\r\n\r\n`, 400],
      [`${login}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400], [`${login}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400],
      [`GET /%zz HTTP/1.1\r\n${host}\r\n`, 400], [`GET /${'a'.repeat(100_000)} HTTP/1.1\r\n${host}\r\n`, 431],
      [`GET /livez HTTP/1.1\r\n${host}${'X-A: b\r\n'.repeat(5_000)}\r\n`, 431],
    ];
    for (const base of [server.url, server.authUrl, server.notificationsUrl]) {
      for (const [bytes, status] of samples) {
        const raw = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes, 'latin1');
        const answer = await exchange(base, raw);
        const what = `${JSON.stringify(raw.toString('latin1').slice(0, 60))} on ${base}`;
        assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), `${what}: ${answer.slice(0, 80)}`);
        assert.match(answer, /content-type: application\/problem\+json/i, what);
      }
    }
  });

  test('requests that are no Engine.IO, and packets that are no Socket.IO', async () => {
    const engine = (query, options) => server.request(options?.method ?? 'GET', `/socket.io/?${query}`, options);
    for (const [query, code] of [['EIO=4&transport=carrier-pigeon', 0], ['EIO=4', 0], ['EIO=4&transport=polling&sid=nobody', 1], ['EIO=3&transport=polling', 5]]) {
      const answer = await engine(query);
      assert.deepEqual([answer.status, answer.body.code], [400, code], query);
    }
    assert.deepEqual(((answer) => [answer.status, answer.body.code])(await engine('EIO=4&transport=polling', { method: 'POST', body: 'x' })), [400, 2]);
    const garbage = ['x', '9', '4', '49', '4{', '42', '42[', '42["notification:read"', '42{"a":1}', '42[5]', '42[]', '451-["x",{"_placeholder":true,"num":0}]', '40/nowhere,',
      '43[1]', `42${'['.repeat(100_000)}`, '\u001e\u001e\u001e', '', 'b!!!!', '4'.repeat(50_000)];
    for (const packet of garbage) {
      const open = await (await fetch(`${server.url}/socket.io/?EIO=4&transport=polling`)).text();
      const { sid } = JSON.parse(open.slice(1));
      const url = `${server.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`;
      await fetch(url, { method: 'POST', body: `40${JSON.stringify({ token: user.token })}` });
      const answer = await fetch(url, { method: 'POST', body: packet });
      assert.ok([200, 400].includes(answer.status), `${packet.slice(0, 40)}: ${answer.status}`);
      await fetch(url, { method: 'POST', body: '1' }).catch(() => {});
    }
    await eventually('none of them is left', async () => (await server.metric('carillon_connections_active', { transport: 'polling' })) === 0);
    assert.ok(watcher.socket.connected);
  });
});
