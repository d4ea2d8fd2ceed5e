// Several gateways behind a balancer without stickiness: HAProxy sends each request to the next one. What belongs to a session
// of the other gateway is passed on to it.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { binary, eventually, temporaryDirectory } from './harness.mjs';
import { Gateway, secrets, userSecret } from './cluster_gateway.mjs';
import { Balancer, Nats, Postgres, Process, Service } from '../cluster/servers.mjs';

const polling = { transports: ['polling'] };

describe('several gateways without sticky sessions', { timeout: 240_000 }, () => {
  let folder, nats, postgres, notifications, auth, balancer, front;
  const gateways = [];
  const each = [];

  before(async () => {
    folder = await temporaryDirectory();
    [nats, postgres] = await Promise.all([Nats.start(join(folder, 'nats')), Postgres.start(join(folder, 'postgres'))]);
    const backends = ['--nats-url', nats.url, '--database-url', postgres.url, ...secrets];
    [notifications, auth] = await Promise.all([
      Service.start(binary, 'notifications', ['notifications', ...backends]),
      Service.start(binary, 'auth', ['auth', ...backends, ...userSecret, '--register-rate-limit', '1000']),
    ]);
    gateways.push(...(await Promise.all([1, 2].map((n) => Service.start(binary, `gateway-${n}`, ['gateway',
      '--nats-url', nats.url, '--notifications-url', notifications.url, '--auth-url', auth.url, ...secrets, ...userSecret,
      '--ping-interval', '1s', '--ping-timeout', '3s', '--drain-seconds', '1', '--trusted-proxy', '127.0.0.1'])))));
    each.push(...gateways.map((service) => new Gateway(service)));
    balancer = await Balancer.start(join(folder, 'haproxy'), gateways);
    front = new Gateway(balancer);
    await eventually('the balancer sees both gateways', async () => (await balancer.up()) === 2);
  });

  after(async () => {
    if (!balancer) Process.killAll();
    for (const service of [...gateways, notifications, auth]) {
      if (!service) continue;
      const code = await service.stop();
      assert.equal(code, 0, `${service.name} stops with 0: ${service.log.slice(-2_000)}`);
    }
    await balancer?.stop();
    await nats?.stop();
    await postgres?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const forwarded = async (result) =>
    Promise.all(each.map((gateway) => gateway.metric('carillon_forwarded_requests_total', { result })));

  test('a client that only polls connects, stays, receives and sends', async () => {
    const user = await front.register();
    const tabs = Array.from({ length: 4 }, () => front.connect(user.token, polling));
    for (const tab of tabs) await tab.connected();
    for (const tab of tabs) await eventually('the welcome is counted', () => tab.count === 1);
    const made = [];
    const begun = performance.now();
    // Long enough for several heartbeats, which end a session that misses one.
    await eventually('five seconds of them', async () => {
      if (performance.now() - begun > made.length * 50) made.push(await front.create(user.id, `number ${made.length}`));
      return performance.now() - begun > 5_000;
    });
    for (const tab of tabs) {
      await tab.event('notification:new', ({ notificationId }) => notificationId === made.at(-1).notificationId);
      const seen = tab.of('notification:new').filter(({ type }) => type === 'test').map(({ notificationId }) => notificationId);
      assert.deepEqual(seen, made.map(({ notificationId }) => notificationId), 'once each, in order');
    }
    const ack = await tabs[0].emit('notification:read-all');
    assert.equal(ack.ok, true, JSON.stringify(ack));
    for (const tab of tabs) {
      await eventually('all is read', () => tab.count === 0);
      assert.equal(tab.connects, 1, `it stayed: ${tab.disconnects}`);
      assert.equal(tab.socket.io.engine.transport.name, 'polling');
    }
    for (const count of await forwarded('answered')) assert.ok(count > 10, `both gateways pass requests on: ${count}`);
    for (const tab of tabs) tab.close();
  });

  test('a client that upgrades does so on whichever gateway it lands', async () => {
    const user = await front.register();
    const tabs = Array.from({ length: 12 }, () => front.connect(user.token));
    for (const tab of tabs) await tab.connected();
    for (const tab of tabs) {
      await eventually('it has a WebSocket', () => tab.socket.io.engine.transport.name === 'websocket');
    }
    const tunnelled = await forwarded('tunnelled');
    assert.ok(tunnelled[0] + tunnelled[1] > 0, 'some landed on the other gateway');
    const made = await front.create(user.id, 'to all of them');
    for (const tab of tabs) await tab.event('notification:new', (payload) => payload.notificationId === made.notificationId);
    const begun = performance.now();
    await eventually('several heartbeats pass', () => performance.now() - begun > 5_000);
    for (const tab of tabs) assert.equal(tab.connects, 1, `it stayed: ${tab.disconnects}`);
    const ack = await tabs.at(-1).emit('notification:read-all');
    assert.equal(ack.ok, true);
    for (const tab of tabs) await eventually('all is read', () => tab.count === 0);
    for (const tab of tabs) tab.close();
  });

  test('a gateway killed: its polling clients begin anew elsewhere, and it is forgotten', async () => {
    const user = await front.register();
    const tabs = Array.from({ length: 6 }, () => front.connect(user.token, polling));
    for (const tab of tabs) await tab.connected();
    await gateways[0].kill();
    const made = await eventually('the other one creates', () => each[1].create(user.id, 'while one is down'));
    for (const tab of tabs) {
      await eventually('it is connected and current', () => tab.socket.connected && tab.count === 2, 20_000);
    }
    const list = await each[1].request('GET', '/notifications', { token: user.token });
    assert.ok(list.body.data.some(({ notificationId }) => notificationId === made.notificationId));
    await gateways[0].again();
    await eventually('the balancer sees both again', async () => (await balancer.up()) === 2);
    for (const tab of tabs) tab.close();
  });

  test('a gateway that stops sends away whom it serves for another, and exits 0', async () => {
    const user = await front.register();
    const tabs = Array.from({ length: 12 }, () => front.connect(user.token));
    for (const tab of tabs) await tab.connected();
    for (const tab of tabs) {
      await eventually('it has a WebSocket', () => tab.socket.io.engine.transport.name === 'websocket');
    }
    assert.equal(await gateways[1].stop(), 0);
    await eventually('the other one creates', () => front.create(user.id, 'while one is away'));
    for (const tab of tabs) {
      await eventually('it is connected and current', () => tab.socket.connected && tab.count === 2, 20_000);
    }
    await gateways[1].again();
    await eventually('the balancer sees both again', async () => (await balancer.up()) === 2);
    for (const tab of tabs) tab.close();
  });

  test('a session id tells no address, and one that nobody made leads nowhere', async () => {
    const open = await (await fetch(`${each[0].url}/socket.io/?EIO=4&transport=polling`)).text();
    const { sid } = JSON.parse(open.slice(1));
    assert.match(sid, /^[\w-]{37}$/);
    assert.ok(!Buffer.from(sid, 'base64url').toString('latin1').includes('127.0.0.1'));
    const before = await forwarded('answered');
    const changed = sid.slice(0, -1) + (sid.endsWith('A') ? 'B' : 'A');
    const refused = await fetch(`${each[1].url}/socket.io/?EIO=4&transport=polling&sid=${changed}`);
    assert.equal(refused.status, 400);
    assert.deepEqual(await refused.json(), { code: 1, message: 'Session ID unknown' });
    assert.deepEqual(await forwarded('answered'), before);
    // The true one is served anywhere.
    const post = await fetch(`${each[1].url}/socket.io/?EIO=4&transport=polling&sid=${sid}`, { method: 'POST', body: '1' });
    assert.equal(post.status, 200);
  });

  test('a request that claims to be passed on needs an internal token', async () => {
    const token = await front.internalToken();
    const user = await front.token('11111111-1111-4111-8111-111111111111');
    for (const [value, status] of [[`Bearer ${user}`, 401], ['Bearer x', 401], [`Bearer ${token}`, 401]]) {
      const answer = await fetch(`${each[0].url}/socket.io/?EIO=4&transport=polling`, { headers: { 'carillon-forwarded': value } });
      assert.equal(answer.status, status, value.slice(0, 10));
    }
  });

  test('a body that is too large is refused where it arrives', async () => {
    const open = await (await fetch(`${each[0].url}/socket.io/?EIO=4&transport=polling`)).text();
    const { sid } = JSON.parse(open.slice(1));
    const target = `${each[1].url}/socket.io/?EIO=4&transport=polling&sid=${sid}`;
    assert.equal((await fetch(target, { method: 'POST', body: 'x'.repeat(1_100_000) })).status, 413);
  });

  /** A request from an address of this machine's own. */
  async function from(localAddress, url, { method = 'GET', headers = {}, body } = {}) {
    const request = httpRequest(url, { method, localAddress, headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) } });
    request.end(body && JSON.stringify(body));
    const [response] = await once(request, 'response');
    response.resume();
    await once(response, 'end');
    return response.statusCode;
  }
  const seen = (pattern) => gateways.some((service) => pattern.test(service.log));

  test('behind the balancer limits and logs see the address of the client', async () => {
    const { email } = await front.register();
    const attempt = (address) => from(address, `${front.url}/auth/login`, { method: 'POST', body: { email, password: 'not this one' } });
    for (let i = 0; i < 10; i += 1) assert.equal(await attempt('127.0.0.21'), 401);
    assert.equal(await attempt('127.0.0.21'), 429);
    assert.equal(await attempt('127.0.0.22'), 401, 'another client is not limited');
    await eventually('the log names both', () => seen(/route=\/auth\/login .*status=429 .*remote=127\.0\.0\.21/) && seen(/remote=127\.0\.0\.22/));
  });

  test('what a client says of its own address counts for nothing', async () => {
    // Through the proxy, which appends to it; and straight to a gateway, from an address that is no proxy.
    await from('127.0.0.23', `${front.url}/livez`, { headers: { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.2' } });
    await from('127.0.0.24', `${each[0].url}/livez`, { headers: { 'x-forwarded-for': '192.0.2.3', forwarded: 'for=192.0.2.4' } });
    await eventually('the log names who it was', () => seen(/remote=127\.0\.0\.23/) && seen(/remote=127\.0\.0\.24/));
    assert.ok(!seen(/192\.0\.2\./));
    // And the proxy's word is taken.
    await from('127.0.0.1', `${each[0].url}/livez`, { headers: { 'x-forwarded-for': '192.0.2.9' } });
    await eventually('the log names the client', () => seen(/remote=192\.0\.2\.9/));
  });
});
