// What must never be written down: every secret that clients show is looked for in all that the process writes and tells.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { Server, eventually, run } from './harness.mjs';

/** Sends bytes as they are, and waits for the end or an answer. */
async function raw(url, text) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(text);
  await eventually('an answer or the end', () => /\r\n\r\n/.test(answer) || socket.destroyed || socket.readableEnded);
  socket.destroy();
  return answer;
}

describe('secrets', { timeout: 120_000 }, () => {
  let server;
  before(async () => {
    server = await Server.start({ flags: ['--log-level', 'debug', '--log-format', 'json', '--login-rate-limit', '1000'] });
  });
  after(async () => assert.equal(await server.stop(), 0));

  test('no token, cookie, password or query is in a log or a metric', async () => {
    const secrets = new Map();
    const secret = (what, value = `hidden-${randomBytes(12).toString('hex')}`) => {
      secrets.set(what, value);
      return value;
    };

    // Log-ins: good, wrong, malformed.
    const password = secret('password');
    const email = `ada-${randomUUID()}@example.test`;
    const registered = await server.request('POST', '/auth/register', { body: { email, password, name: 'Ada' } });
    assert.equal(registered.status, 201);
    const user = registered.body.user.id;
    const token = secret('token of the registration', registered.body.accessToken);
    const login = await server.request('POST', '/auth/login', { body: { email, password } });
    assert.equal(login.status, 200);
    secret('token of the log-in', login.body.accessToken);
    for (const cookie of [...registered.headers.getSetCookie(), ...login.headers.getSetCookie()]) {
      const value = cookie.split(';')[0].split('=').slice(1).join('=');
      if (value.length > 8) secret(`cookie ${secrets.size}`, value);
    }
    assert.equal((await server.request('POST', '/auth/login', { body: { email, password: secret('wrong password') } })).status, 401);
    assert.equal((await server.request('POST', '/auth/login', { body: `{"email": "${email}", "password": "${secret('password in broken JSON')}` })).status, 400);
    assert.equal((await server.request('POST', '/auth/register', { body: { email: 'none', password: secret('password of a refused registration') } })).status, 422);

    // Tokens where they belong and where they do not.
    const wrongKey = (await run(['token', '--user', user, '--jwt-secret', 'w'.repeat(40)])).stdout.trim();
    const expired = await server.token(user, '--expires-in', '1s');
    const internal = secret('internal token', await server.internalToken());
    secret('token of another key', wrongKey);
    secret('expired token', expired);
    await eventually('the token has ended', async () => (await server.request('GET', '/notifications', { token: expired })).status === 401);
    for (const bad of [wrongKey, expired, internal, secret('no token at all')]) {
      assert.equal((await server.request('GET', '/notifications', { token: bad })).status, 401);
    }
    for (const path of ['/', '/notifications', '/nowhere', '/metrics', '/livez', '/socket.io/', '/auth/login', '/%zz', '//', '/a%00b']) {
      await server.request('GET', `${path}?token=${secret(`query of ${path}`)}&password=${secret(`second query of ${path}`)}`,
        { headers: { cookie: `carillon_refresh=${secret(`cookie of ${path}`)}; other=${secret(`other cookie of ${path}`)}` } });
    }
    await server.request('POST', '/auth/refresh', { headers: { cookie: `refresh=${secret('cookie of a refresh')}` } });
    await server.request('GET', `/notifications?cursor=${secret('bad cursor')}&limit=x`, { token });

    // Requests that are no good HTTP.
    for (const [what, line] of [['spaces', 'GET /x?token=SECRET y HTTP/1.1'], ['version', 'GET /x?token=SECRET HTTP/9.9'],
      ['method', 'G@T /x?token=SECRET HTTP/1.1'], ['absolute', 'GET http://u:SECRET@127.0.0.1/x?token=SECRET HTTP/1.1'],
      ['fragment', 'GET /x#SECRET HTTP/1.1']]) {
      await raw(server.url, `${line.replaceAll('SECRET', secret(`bad line: ${what}`))}\r\nHost: x\r\nConnection: close\r\n`
        + `Authorization: Bearer ${secret(`bearer behind a bad line: ${what}`)}\r\nCookie: a=${secret(`cookie behind a bad line: ${what}`)}\r\n\r\n`);
    }
    await raw(server.url, `GET / HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer ${secret('bearer of a bad field')}\r\n\r\n`);

    // Sockets.
    const id = async (tab) => {
      await tab.connected();
      tab.close();
    };
    await id(server.connect(token));
    await id(server.connect(token, { transports: ['websocket'], nsp: '/ws' }));
    await id(server.connect(undefined, { query: { token } }));
    await id(server.connect(undefined, { transports: ['websocket'], query: { token } }));
    await id(server.connect(undefined, { extraHeaders: { authorization: `Bearer ${token}` } }));
    for (const options of [{}, { transports: ['websocket'] }]) {
      for (const bad of [wrongKey, expired, secret(`refused in auth ${JSON.stringify(options)}`)]) {
        for (const [auth, query] of [[bad, undefined], [undefined, { token: bad }]]) {
          const tab = server.connect(auth, { ...options, ...(query ? { query } : {}) });
          await eventually('it is refused', () => tab.errors.length > 0);
          tab.close();
        }
      }
    }
    const late = await server.connect(undefined, { auth: { other: secret('another field of auth') } }).connected();
    assert.equal((await late.emit('AUTH', { token: secret('refused in AUTH') })).ok, false);
    assert.equal((await late.emit('AUTH', { token, more: secret('more in AUTH') })).ok !== undefined, true);
    await late.emit(secret('name of an event'), { token: secret('payload of an unknown event') });
    late.close();

    // What the process holds itself.
    for (const name of await readdir(server.dataDir)) {
      if (!/secret|key/i.test(name)) continue;
      const text = (await readFile(join(server.dataDir, name), 'utf8')).trim();
      if (text) secret(`file ${name}`, text);
    }
    assert.ok([...secrets.keys()].some((what) => what.startsWith('file ')), 'the keys of the process are among them');

    const metrics = [];
    for (const base of [server.url, server.authUrl, server.notificationsUrl]) {
      metrics.push((await server.request('GET', '/metrics', { base })).body);
    }
    // Everything is logged in order: with this one's line, all before it are there.
    const last = randomBytes(16).toString('hex');
    await server.request('GET', '/livez', { headers: { traceparent: `00-${last}-b7ad6b7169203331-01` } });
    await eventually('the last request is logged', () => server.log.includes(last));
    assert.match(server.log, /"msg":"socket refused"/);
    assert.match(server.log, /"msg":"log-in refused"/);
    const everything = { log: server.log, stdout: server.stdout, metrics: metrics.join('\n') };
    for (const [what, value] of secrets) {
      // Of a JWT also the parts: the signature alone is enough to complain about.
      const parts = value.split('.').length === 3 ? [value, ...value.split('.').slice(1)] : [value];
      for (const [where, text] of Object.entries(everything)) {
        for (const part of parts) assert.ok(!text.includes(part), `${what} is in the ${where}`);
      }
    }
    assert.ok(secrets.size > 60, `${secrets.size} secrets were shown`);
  });
});

describe('a flood', { timeout: 120_000 }, () => {
  let server;
  before(async () => {
    server = await Server.start({ flags: ['--log-format', 'json'] });
  });
  after(async () => assert.equal(await server.stop(), 0));

  const lines = (mark) => server.log.slice(mark).split('\n').filter(Boolean).flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
  /** How many lines a flood made, and how many were told to be left out, once both are known. */
  async function judge(mark, began, { about, matches, expected }) {
    const found = await eventually('all are accounted for', async () => {
      await server.request('GET', '/livez'); // the end of a flood is told when somebody comes
      const all = lines(mark);
      const written = all.filter(matches).length;
      const told = all.filter((line) => /left out/.test(line.msg) && line.about === about);
      const leftOut = told.reduce((sum, line) => sum + Number(line.lines), 0);
      return written + leftOut >= expected && { written, told: told.length, leftOut };
    });
    const seconds = (performance.now() - began) / 1_000;
    assert.equal(found.written + found.leftOut, expected);
    assert.ok(found.told >= 1 && found.told <= seconds + 2, `${found.told} lines tell of it in ${seconds} s`);
    assert.ok(found.written <= 100 + 20 * seconds + 20, `${found.written} lines in ${seconds} s`);
    return found;
  }

  test('10,000 bad requests make few lines, and one that tells how many were left out', async () => {
    const mark = server.log.length;
    const began = performance.now();
    const request = 'GET /notifications?token=x HTTP/1.1\r\nHost: x\r\n\r\n';
    const each = 2_500;
    await Promise.all([1, 2, 3, 4].map(async () => {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
      let answers = 0;
      socket.on('data', (chunk) => (answers += chunk.toString('latin1').split('HTTP/1.1 401').length - 1));
      await once(socket, 'connect');
      for (let sent = 0; sent < each; sent += 50) {
        socket.write(request.repeat(50));
        await eventually('the answers come', () => answers >= sent + 45, 30_000); // a head may be cut by a chunk
      }
      socket.destroy();
    }));
    const { written } = await judge(mark, began, {
      about: 'refused http requests', expected: 4 * each, matches: (line) => line.msg === 'http request' && line.status === '401',
    });
    assert.ok(written < 4 * each / 2);
  });

  test('somebody who is known has a line for each', async () => {
    const { token } = await server.register();
    const mark = server.log.length;
    for (let n = 0; n < 150; n += 1) await server.request('GET', `/notifications/${randomUUID()}`, { token });
    await eventually('each has its line', () => lines(mark).filter(({ msg, status, user }) =>
      msg === 'http request' && user && (status === '404' || status === '429')).length === 150);
  });

  test('10,000 bad packets make few lines', async () => {
    const mark = server.log.length;
    const began = performance.now();
    // One handshake each for a hundred CONNECTs that are refused: the packets are what costs.
    const tabs = 100;
    for (let n = 0; n < tabs; n += 10) {
      await Promise.all(Array.from({ length: 10 }, async () => {
        const socket = new WebSocket(`${server.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
        let refused = 0;
        let closed = false;
        socket.onmessage = ({ data }) => {
          if (data.startsWith('0')) for (let i = 0; i < 100; i += 1) socket.send(i % 2 ? '40{"token":"bad"}' : '40/ws,{"token":"bad"}');
          if (data.startsWith('44')) refused += 1;
        };
        socket.onclose = () => (closed = true);
        await eventually('all are refused', () => refused >= 100 || closed, 30_000);
        socket.close();
      }));
    }
    await server.request('GET', '/livez');
    const refused = await server.metric('carillon_auth_failures_total', { code: 'token_invalid' });
    assert.ok(refused >= 5_000, `${refused} were refused`);
    const { written } = await judge(mark, began, {
      about: 'sockets without a good token', expected: refused, matches: (line) => /^socket (refused|connected|disconnected)$/.test(line.msg),
    });
    assert.ok(written < refused / 4, `${written} lines of ${refused}`);
  });
});
