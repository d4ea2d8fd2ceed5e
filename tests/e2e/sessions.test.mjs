// Log-ins that go on by a rotating cookie, and tokens that are taken back: against the real process, as a browser and an
// administrator would.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Server, eventually } from './harness.mjs';

const password = 'correct horse';
const setCookie = (answer) => answer.headers.getSetCookie().find((field) => field.startsWith('carillon_refresh='));
const cookieOf = (answer) => setCookie(answer)?.split(';')[0];
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

describe('sessions', { timeout: 120_000 }, () => {
  let server, admin;
  const secrets = [];  // whatever must never stand in a log
  let logs = '';
  const crash = async () => {
    await server.kill();
    logs += server.log;
    await server.launch();
  };
  const post = async (path, { cookie, headers = {}, ...more } = {}) => {
    const answer = await server.request('POST', path, { headers: { ...(cookie ? { cookie } : {}), ...headers }, ...more });
    if (cookieOf(answer)?.length > 20) secrets.push(cookieOf(answer).split('=')[1]);
    if (answer.body?.accessToken) secrets.push(answer.body.accessToken);
    return answer;
  };
  const logIn = async (headers) => {
    const email = `ada-${randomUUID()}@example.test`;
    const answer = await post('/auth/register', { headers, body: { email, password } });
    assert.equal(answer.status, 201);
    return { email, id: answer.body.user.id, token: answer.body.accessToken, cookie: cookieOf(answer), answer };
  };
  const refresh = (cookie, headers) => post('/auth/refresh', { cookie, headers });
  const statusWith = async (token) => (await server.request('GET', '/notifications/unread-count', { token })).status;
  const revoke = (id, body, headers = {}) => server.request('POST', `/admin/users/${id}/revoke`, { token: admin, body, headers });

  before(async () => {
    server = await Server.start({ flags: ['--log-level', 'debug', '--trusted-proxy', '127.0.0.1', '--cors-origin', 'https://app.example.test'] });
    admin = await server.token(randomUUID(), '--permission', 'admin');
    secrets.push(admin);
  });
  after(async () => {
    assert.equal(await server.stop(), 0);
  });

  test('a log-in sets a cookie that scripts cannot read, for /auth alone', async () => {
    const { answer, email } = await logIn();
    assert.match(setCookie(answer), /^carillon_refresh=[\w-]{64}; Path=\/auth; Max-Age=(2592000|259199\d); HttpOnly; SameSite=Strict$/);
    const again = await post('/auth/login', { body: { email, password } });
    assert.equal(again.status, 200);
    assert.notEqual(cookieOf(again), cookieOf(answer));
    const overTls = await post('/auth/login', { body: { email, password }, headers: { 'x-forwarded-proto': 'https' } });
    assert.match(setCookie(overTls), /; Secure$/);
    const wrong = await post('/auth/login', { body: { email, password: 'wrong horse' } });
    assert.equal(wrong.status, 401);
    assert.equal(setCookie(wrong), undefined);
  });

  test('each use gives a token, as a log-in does, and another cookie', async () => {
    const user = await logIn();
    let { cookie } = user;
    for (let i = 0; i < 5; ++i) {
      const answer = await refresh(cookie);
      assert.equal(answer.status, 200);
      assert.deepEqual(Object.keys(answer.body).sort(), ['accessToken', 'expiresIn', 'user']);
      assert.equal(answer.body.user.id, user.id);
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      assert.notEqual(cookieOf(answer), cookie);
      assert.equal(await statusWith(answer.body.accessToken), 200);
      cookie = cookieOf(answer);
    }
  });

  test('without a cookie, or with another, it is 401, and the cookie is cleared', async () => {
    for (const cookie of [undefined, 'carillon_refresh=', `carillon_refresh=${'A'.repeat(64)}`, 'carillon_refresh=x', 'other=1']) {
      const answer = await refresh(cookie);
      assert.equal(answer.status, 401, cookie);
      assert.match(setCookie(answer), /^carillon_refresh=; .*Max-Age=0/);
      assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    }
  });

  test('tabs that refresh at once stay logged in, with one cookie', async () => {
    const { cookie } = await logIn();
    const answers = await Promise.all(Array.from({ length: 12 }, () => refresh(cookie)));
    assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
    assert.equal(new Set(answers.map(cookieOf)).size, 1);
    assert.equal((await refresh(cookieOf(answers[0]))).status, 200);
  });

  test('logging out ends the log-in and clears the cookie; again is the same', async () => {
    const { cookie } = await logIn();
    const next = cookieOf(await refresh(cookie));
    for (let i = 0; i < 2; ++i) {
      const answer = await post('/auth/logout', { cookie: next });
      assert.equal(answer.status, 204);
      assert.match(setCookie(answer), /^carillon_refresh=; Path=\/auth; Max-Age=0/);
    }
    assert.equal((await refresh(next)).status, 401);
    assert.equal((await post('/auth/logout')).status, 204);
  });

  test('pages of other origins cannot use the cookie', async () => {
    const { cookie } = await logIn();
    const own = server.url.replace('127.0.0.1', new URL(server.url).hostname);
    for (const origin of ['https://evil.example', 'null', `${own}.evil.example`, 'http://127.0.0.1']) {
      for (const path of ['/auth/refresh', '/auth/logout']) {
        const answer = await post(path, { cookie, headers: { origin } });
        assert.equal(answer.status, 403, `${path} from ${origin}`);
        assert.equal(setCookie(answer), undefined);
      }
    }
    const answer = await refresh(cookie, { origin: own });
    assert.equal(answer.status, 200);
    const named = await refresh(cookieOf(answer), { origin: 'https://app.example.test' });
    assert.equal(named.status, 200);
    assert.equal(named.headers.get('access-control-allow-credentials'), 'true');
    assert.match(setCookie(named), /; Secure$/);
  });

  test('a log-in goes on when the server was killed and has started again', async () => {
    const { cookie } = await logIn();
    await crash();
    assert.equal((await refresh(cookie)).status, 200);
  });

  test('a living socket is renewed by AUTH with a refreshed token', async () => {
    const user = await logIn();
    const short = await server.token(user.id, '--expires-in', '30s', '--permission', 'notification:read');
    secrets.push(short);
    const tab = await server.connect(short).connected();
    await tab.event('auth:expiring');
    const { body } = await refresh(user.cookie);
    assert.deepEqual(await tab.emit('AUTH', { token: body.accessToken }), { ok: true, userId: user.id });
    const other = await logIn();
    assert.equal((await tab.emit('AUTH', { token: other.token })).error.code, 'forbidden');
    assert.ok(tab.socket.connected);
    tab.close();
  });

  test('revoking a user closes its sockets and refuses its tokens and its cookie, within a second; logging in helps', async () => {
    const user = await logIn();
    const other = await logIn();
    const tab = await server.connect(user.token).connected();
    const bystander = await server.connect(other.token).connected();
    const started = performance.now();
    const answer = await revoke(user.id);
    assert.equal(answer.status, 200);
    assert.equal(answer.body.userId, user.id);
    assert.equal(answer.body.tokenId, undefined);
    await eventually('the socket is closed', () => tab.disconnects.length > 0, 1_000);
    await eventually('REST refuses the token', async () => (await statusWith(user.token)) === 401, 1_000);
    assert.ok(performance.now() - started < 1_000);
    const refusal = await eventually('the client is refused when it comes back', () => tab.errors[0]);
    assert.equal(refusal.data.code, 'token_invalid');
    assert.equal((await server.request('GET', '/auth/me', { token: user.token })).status, 401);
    assert.equal((await refresh(user.cookie)).status, 401);
    const late = server.connect(user.token);
    await eventually('a new connection is refused', () => late.errors[0]);
    late.close();

    const again = await post('/auth/login', { body: { email: user.email, password } });
    assert.equal(await statusWith(again.body.accessToken), 200);
    (await server.connect(again.body.accessToken).connected()).close();
    assert.equal(await statusWith(other.token), 200);
    assert.ok(bystander.socket.connected);
    assert.equal(bystander.disconnects.length, 0);
    tab.close();
    bystander.close();
  });

  test('revoking one token leaves the others of the user', async () => {
    const user = await logIn();
    const second = (await refresh(user.cookie)).body.accessToken;
    const tabs = [await server.connect(user.token).connected(), await server.connect(second).connected()];
    const { jti } = claimsOf(user.token);
    const answer = await revoke(user.id, { tokenId: jti });
    assert.equal(answer.body.tokenId, jti);
    await eventually('its socket is closed', () => tabs[0].disconnects.length > 0, 1_000);
    await eventually('REST refuses it', async () => (await statusWith(user.token)) === 401, 1_000);
    assert.equal(await statusWith(second), 200);
    assert.ok(tabs[1].socket.connected);
    for (const tab of tabs) tab.close();
  });

  test('revoking by time leaves what was issued since then', async () => {
    const user = await logIn();
    const { iat } = claimsOf(user.token);
    assert.equal((await revoke(user.id, { issuedBefore: new Date(iat * 1000).toISOString() })).status, 200);
    assert.equal(await statusWith(user.token), 200);
    const later = await eventually('a second has passed', async () => {
      const { body } = await post('/auth/login', { body: { email: user.email, password } });
      return claimsOf(body.accessToken).iat > iat && body.accessToken;
    });
    assert.equal((await revoke(user.id, { issuedBefore: new Date((iat + 1) * 1000).toISOString() })).status, 200);
    await eventually('the first is refused', async () => (await statusWith(user.token)) === 401, 1_000);
    assert.equal(await statusWith(later), 200);
  });

  test('only an administrator may, and the request is checked', async () => {
    const user = await logIn();
    assert.equal((await server.request('POST', `/admin/users/${user.id}/revoke`, { token: user.token })).status, 403);
    assert.equal((await server.request('POST', `/admin/users/${user.id}/revoke`)).status, 401);
    assert.equal((await server.request('POST', '/admin/users/nobody/revoke', { token: admin })).status, 404);
    assert.equal((await revoke(user.id, '{"tokenId":')).status, 400);
    for (const body of [{ tokenId: '' }, { tokenId: 7 }, { issuedBefore: 'yesterday' }, { tokenId: 'a', issuedBefore: new Date().toISOString() },
      { issuedBefore: new Date(Date.now() + 60_000).toISOString() }, []]) {
      assert.equal((await revoke(user.id, body)).status, 422, JSON.stringify(body));
    }
    assert.equal(await statusWith(user.token), 200);
    assert.equal((await revoke(randomUUID())).status, 200, 'users may live elsewhere');
  });

  test('an idempotency key makes a revocation once', async () => {
    const user = await logIn();
    const key = { 'idempotency-key': randomUUID() };
    const first = await revoke(user.id, undefined, key);
    assert.equal(first.status, 200);
    const login = await post('/auth/login', { body: { email: user.email, password } });
    const again = await revoke(user.id, undefined, key);
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    assert.deepEqual(again.body, first.body);
    assert.equal(await statusWith(login.body.accessToken), 200);
    assert.equal((await revoke(user.id, { tokenId: 'another' }, key)).status, 422);
  });

  test('a revocation outlives a crash, and so does its refusal', async () => {
    const user = await logIn();
    assert.equal((await revoke(user.id)).status, 200);
    await crash();
    await eventually('the token is refused after the start', async () => (await statusWith(user.token)) === 401, 5_000);
    assert.equal((await server.request('GET', '/auth/me', { token: user.token })).status, 401);
  });

  test('erasing a user revokes its tokens', async () => {
    const user = await logIn();
    const tab = await server.connect(user.token).connected();
    const answer = await server.request('DELETE', `/admin/users/${user.id}/data`, { token: admin });
    assert.equal(answer.status, 204);
    await eventually('the socket is closed', () => tab.disconnects.length > 0, 1_000);
    await eventually('REST refuses the token', async () => (await statusWith(user.token)) === 401, 1_000);
    assert.equal((await refresh(user.cookie)).status, 401);
    tab.close();
  });

  test('a token in the query string reaches the socket and no log', async () => {
    const user = await logIn();
    const tab = await server.connect(undefined, { query: { token: user.token } }).connected();
    await eventually('it is registered', () => tab.count !== undefined);
    tab.close();
    await fetch(`${server.url}/notifications?limit=${encodeURIComponent(user.token)}`, { headers: { authorization: `Bearer ${user.token}` } });
    await fetch(`${server.url}/socket.io/?EIO=4&transport=polling&token=${user.token}`);
  });

  // Last: it looks at all that the others have logged, at debug level.
  test('no token, cookie, password or query string stands in any log', async () => {
    const all = logs + server.log;
    assert.ok(secrets.length > 30, 'the run used secrets');
    assert.ok(/http request/.test(all) && /socket connected/.test(all) && all.length > 20_000, 'the run was logged');
    for (const secret of secrets) {
      assert.ok(!all.includes(secret), `a secret of ${secret.length} characters is in the log`);
      const signature = secret.split('.')[2];
      if (signature) assert.ok(!all.includes(signature), 'a signature is in the log');
    }
    assert.ok(!all.includes(password), 'a password');
    assert.ok(!/[?&]token=/.test(all), 'a query string');
    assert.ok(!/carillon_refresh=/.test(all), 'a cookie');
    assert.ok(!/Bearer ey/.test(all), 'an Authorization field');
  });
});
