// Who may come from where: every origin with every kind of request; and the headers that are on every answer.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { randomBytes } from 'node:crypto';
import { Server } from './harness.mjs';
import { launch } from './sdk_browser.mjs';

const allowed = 'https://app.example.test';
const origins = {
  allowed, none: undefined, foreign: 'https://evil.example.test', null: 'null',
  'allowed as a part': `${allowed}.evil.example.test`, 'other scheme': 'http://app.example.test', 'other port': `${allowed}:8443`,
};
const mayCome = (name) => name === 'allowed' || name === 'none';

/** A request as no browser would let a page write it: {status, headers, body}. */
function ask(url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent: false, timeout: 10_000 }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: text }));
    });
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode, headers: response.headers, body: '' });
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
    request.end(body);
  });
}
const from = (origin, more = {}) => ({ ...(origin === undefined ? {} : { origin }), ...more });
const upgrade = () => ({ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13',
  'sec-websocket-key': randomBytes(16).toString('base64') });

describe('with --cors-origin', { timeout: 60_000 }, () => {
  let server, user;
  before(async () => {
    server = await Server.start({ flags: ['--cors-origin', allowed] });
    user = await server.register();
  });
  after(async () => assert.equal(await server.stop(), 0));

  const bearer = () => ({ authorization: `Bearer ${user.token}` });

  for (const [name, origin] of Object.entries(origins)) {
    const readable = name === 'allowed';
    const judge = ({ headers }) => {
      assert.equal(headers['access-control-allow-origin'], readable ? allowed : undefined);
      assert.match(headers.vary ?? '', /\bOrigin\b/);
    };

    test(`REST, origin ${name}: only an allowed page may read the answer`, async () => {
      for (const [path, status, more] of [['/notifications', 200, bearer()], ['/notifications', 401, {}], ['/nowhere', 404, {}],
        ['/notifications?limit=x', 400, bearer()]]) {
        const answer = await ask(server.url + path, { headers: from(origin, more) });
        assert.equal(answer.status, status, path);
        judge(answer);
      }
    });

    test(`preflight, origin ${name}`, async () => {
      const answer = await ask(`${server.url}/notifications`, { method: 'OPTIONS', headers: from(origin, {
        'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' }) });
      assert.equal(answer.headers['access-control-allow-origin'], readable ? allowed : undefined);
      assert.equal(answer.headers['access-control-allow-methods'] !== undefined, readable);
      if (readable) assert.match(answer.headers['access-control-allow-headers'], /authorization/);
    });

    test(`polling, origin ${name}: the handshake and every request after it`, async () => {
      const handshake = `${server.url}/socket.io/?EIO=4&transport=polling`;
      const first = await ask(handshake, { headers: from(origin) });
      assert.equal(first.status === 200, mayCome(name), `${first.status} ${first.body}`);
      if (!mayCome(name)) assert.ok(first.status >= 400 && first.status < 500, String(first.status));
      judge(first);
      // Somebody who knows a session's id gets no further.
      const own = await ask(handshake);
      const url = `${handshake}&sid=${JSON.parse(own.body.slice(1)).sid}`;
      const post = await ask(url, { method: 'POST', headers: from(origin, { 'content-type': 'text/plain' }),
        body: `40{"token":"${user.token}"}` });
      assert.equal(post.status === 200, mayCome(name), `${post.status} ${post.body}`);
      const get = await ask(url, { headers: from(origin) });
      assert.equal(get.status === 200, mayCome(name), `${get.status} ${get.body}`);
      if (!mayCome(name)) {
        assert.equal((await ask(`${handshake}&sid=${JSON.parse(own.body.slice(1)).sid}`, { method: 'POST',
          headers: { 'content-type': 'text/plain' }, body: `40{"token":"${user.token}"}` })).status, 200, 'the session is its owner\'s still');
      }
    });

    test(`WebSocket, origin ${name}: alone and as the upgrade of a session`, async () => {
      const alone = await ask(`${server.url}/socket.io/?EIO=4&transport=websocket`, { headers: from(origin, upgrade()) });
      assert.equal(alone.status === 101, mayCome(name), `${alone.status} ${alone.body}`);
      const { body } = await ask(`${server.url}/socket.io/?EIO=4&transport=polling`);
      const probe = await ask(`${server.url}/socket.io/?EIO=4&transport=websocket&sid=${JSON.parse(body.slice(1)).sid}`,
        { headers: from(origin, upgrade()) });
      assert.equal(probe.status === 101, mayCome(name), `${probe.status} ${probe.body}`);
    });
  }
});

describe('without --cors-origin', { timeout: 60_000 }, () => {
  let server;
  before(async () => {
    server = await Server.start();
  });
  after(async () => assert.equal(await server.stop(), 0));

  test('no other origin may read an answer', async () => {
    for (const origin of [allowed, 'null']) {
      for (const path of ['/notifications', '/livez', '/socket.io/?EIO=4&transport=polling']) {
        const { headers } = await ask(server.url + path, { headers: { origin } });
        assert.equal(headers['access-control-allow-origin'], undefined, path);
      }
      const preflight = await ask(`${server.url}/notifications`, { method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' } });
      assert.equal(preflight.headers['access-control-allow-methods'], undefined);
    }
  });

  test('every answer carries the headers that narrow what a browser does with it', async () => {
    const { token } = await server.register();
    const own = { authorization: `Bearer ${token}` };
    const answers = {
      page: await ask(`${server.url}/`),
      script: await ask(`${server.url}/carillon.js`),
      list: await ask(`${server.url}/notifications`, { headers: own }),
      refused: await ask(`${server.url}/notifications`),
      missing: await ask(`${server.url}/nowhere`),
      method: await ask(`${server.url}/notifications/unread-count`, { method: 'DELETE', headers: own }),
      broken: await ask(`${server.url}/auth/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' }),
      metrics: await ask(`${server.url}/metrics`),
      live: await ask(`${server.url}/livez`),
      polling: await ask(`${server.url}/socket.io/?EIO=4&transport=polling`),
      'bad polling': await ask(`${server.url}/socket.io/?EIO=3&transport=polling`),
      auth: await ask(`${server.authUrl}/auth/me`),
      notifications: await ask(`${server.notificationsUrl}/notification`),
    };
    for (const [what, { headers }] of Object.entries(answers)) {
      assert.equal(headers['x-content-type-options'], 'nosniff', what);
      assert.equal(headers['referrer-policy'], 'no-referrer', what);
      assert.match(headers['content-security-policy'] ?? '', /default-src 'none'.*frame-ancestors 'none'/, what);
      assert.equal(headers['cross-origin-resource-policy'], what === 'script' ? 'cross-origin' : 'same-origin', what);
      assert.equal(headers['strict-transport-security'], undefined, `${what}: not over TLS`);
      assert.equal(headers.server, undefined, what);
    }
    assert.equal(answers.page.headers['cross-origin-opener-policy'], 'same-origin');
    const policy = answers.page.headers['content-security-policy'];
    assert.doesNotMatch(policy, /unsafe-|\*|script-src[^;]*(data:|https?:)/);
  });

  test('HSTS is said over TLS only, as a trusted proxy says, and to nobody who only claims it', async (t) => {
    const https = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7' };
    const behind = await Server.start({ flags: ['--trusted-proxy', '127.0.0.1'] });
    t.after(() => behind.stop());
    for (const path of ['/', '/livez', '/notifications', '/socket.io/?EIO=4&transport=polling']) {
      const said = async (url, headers) => (await ask(url + path, { headers })).headers['strict-transport-security'];
      assert.equal(await said(behind.url, https), 'max-age=31536000', path);
      assert.equal(await said(behind.url, { ...https, 'x-forwarded-proto': 'http' }), undefined, path);
      assert.equal(await said(behind.url, {}), undefined, path);
      assert.equal(await said(server.url, https), undefined, path);
    }
  });

  test('the page works in Chromium without a violation of its policy', async (t) => {
    const browser = await launch();
    t.after(() => browser.close());
    const page = await browser.newPage();
    const problems = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => /content security policy|refused to|cross-origin/i.test(message.text()) && problems.push(message.text()));
    await page.addInitScript(() => {
      window.violations = [];
      document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
    });
    await page.goto(server.url);
    await page.getByTestId('auth-name').fill('Ada');
    await page.getByTestId('auth-email').fill(`ada-${Date.now()}@example.test`);
    await page.getByTestId('auth-password').fill('correct horse battery');
    await page.getByTestId('auth-submit').click();
    await page.locator('[data-testid=connection][data-state=live]').waitFor();
    await page.locator('carillon-bell .trigger').click();
    await page.locator('carillon-bell li').first().waitFor();
    assert.deepEqual(await page.evaluate(() => window.violations), []);
    assert.deepEqual(problems, []);
    // The policy is at work: what it forbids does not run.
    const ran = await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.body.append(script);
      return window.ran === true;
    });
    assert.equal(ran, false);
    assert.equal((await page.evaluate(() => window.violations)).length, 1);
  });
});
