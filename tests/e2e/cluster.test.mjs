// The separate processes on a real NATS and a real PostgreSQL: two gateways, two notification services, one auth service.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { io } from 'socket.io-client';
import { Tab, binary, eventually, run, temporaryDirectory } from './harness.mjs';
import { Gateway, secrets, userSecret } from './cluster_gateway.mjs';
import { Publisher } from './nats_client.mjs';
import { Nats, Postgres, Process, Service } from '../cluster/servers.mjs';

/** Leads connections to a gateway, and then to another: like a balancer, or a laptop that changes its network. */
class Switch {
  static async open(target) {
    const one = new Switch();
    one.target = target;
    one.pairs = [];
    one.server = createServer((client) => {
      const gateway = connect(one.target, '127.0.0.1');
      const pair = { client, gateway, closedAt: undefined };
      one.pairs.push(pair);
      client.pipe(gateway);
      gateway.pipe(client);
      gateway.on('close', () => (pair.closedAt ??= performance.now()));
      for (const socket of [client, gateway]) socket.on('error', () => {});
    });
    one.server.listen(0, '127.0.0.1');
    await once(one.server, 'listening');
    one.url = `http://127.0.0.1:${one.server.address().port}`;
    return one;
  }

  /** The clients' ends break off; the gateways hear nothing of it. Returns what is still open there. */
  cut() {
    const open = this.pairs.filter(({ closedAt }) => closedAt === undefined);
    for (const pair of open) {
      const { client, gateway } = pair;
      client.unpipe(gateway);
      gateway.unpipe(client);
      client.destroy();
      let heard = '';
      gateway.on('data', (chunk) => {
        heard += chunk.toString('latin1');
        if (heard.includes('\x81\x0241')) pair.closedAt ??= performance.now(); // its DISCONNECT
      });
      gateway.resume();
    }
    return open;
  }

  close() {
    this.server.close();
    for (const { client, gateway } of this.pairs) {
      client.destroy();
      gateway.destroy();
    }
  }
}

/** What rang or changed, in the order of arrival: the same for every tab that has missed nothing. */
const history = (tab) => tab.events
  .filter(({ name }) => /^notification:(new|updated)$/.test(name))
  .map(({ name, payload }) => [name, payload.action ?? payload.title, payload.version]);

describe('cluster', { timeout: 300_000 }, () => {
  let folder, nats, postgres, publisher;
  let notifications = [];
  let auth;
  const gateways = [];
  let a, b;

  before(async () => {
    folder = await temporaryDirectory();
    [nats, postgres] = await Promise.all([Nats.start(join(folder, 'nats')), Postgres.start(join(folder, 'postgres'))]);
    const backends = ['--nats-url', nats.url, '--database-url', postgres.url, ...secrets];
    // All at once, on an empty database and an empty NATS.
    [auth, ...notifications] = await Promise.all([
      Service.start(binary, 'auth', ['auth', ...backends, ...userSecret, '--register-rate-limit', '1000']),
      ...[1, 2, 3].map((n) => Service.start(binary, `notifications-${n}`, ['notifications', ...backends])),
    ]);
    // The third has shown that it can.
    assert.equal(await notifications.pop().stop(), 0);
    const urls = notifications.map((service) => service.url).join(',');
    gateways.push(...(await Promise.all([1, 2].map((n) => Service.start(binary, `gateway-${n}`, ['gateway',
      '--nats-url', nats.url, '--notifications-url', urls, '--auth-url', auth.url, ...secrets, ...userSecret,
      '--drain-seconds', '1'])))));
    [a, b] = gateways.map((service) => new Gateway(service));
    publisher = await Publisher.open(nats.port);
  });

  after(async () => {
    publisher?.close();
    if (gateways.length < 2) Process.killAll();  // it never stood
    for (const service of [...gateways, ...notifications, auth]) {
      if (!service) continue;
      const code = await service.stop();
      assert.equal(code, 0, `${service.name} stops with 0: ${service.log.slice(-2_000)}`);
    }
    await nats?.stop();
    await postgres?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test('every process says that it is ready, and what it leans on', async () => {
    for (const service of [...gateways, ...notifications, auth]) {
      const { body } = await eventually(`${service.name} is ready`, async () => {
        const answer = await service.readiness();
        return answer.status === 200 && Object.values(answer.body.dependencies).every(({ ok }) => ok) && answer;
      });
      assert.ok(body.dependencies.bus);
      const metrics = await fetch(`${service.url}/metrics`);
      assert.equal(metrics.status, 200);
      assert.match(await metrics.text(), /carillon_http_requests_total/);
      assert.equal((await fetch(`${service.url}/livez`)).status, 200);
    }
  });

  test('both gateways serve the demo page, the bell and the descriptions, as `serve` does', async () => {
    for (const { url } of gateways) {
      for (const [path, type] of [['/', 'text/html'], ['/carillon.js', 'text/javascript'], ['/openapi.json', 'application/json'],
        ['/asyncapi.json', 'application/json'], ['/.well-known/jwks.json', 'application/json']]) {
        const answer = await fetch(url + path);
        assert.equal(answer.status, 200, path);
        assert.ok(answer.headers.get('content-type').startsWith(type), path);
        assert.ok((await answer.text()).length > 10, path);
      }
    }
  });

  test('registering rings the welcome on tabs of both gateways', async () => {
    const user = await a.register();
    const tabs = [a.connect(user.token), b.connect(user.token), b.connect(user.token, { transports: ['websocket'] })];
    for (const tab of tabs) await tab.connected();
    for (const tab of tabs) await eventually('the welcome is counted', () => tab.count === 1);
    const list = await b.request('GET', '/notifications', { token: user.token });
    assert.equal(list.body.data.length, 1);
    assert.equal(list.body.data[0].type, 'welcome');
    assert.equal((await b.request('GET', '/auth/me', { token: user.token })).body.id, user.id);
    for (const tab of tabs) tab.close();
  });

  test('read in one tab, read in every tab of every gateway', async () => {
    const user = await b.register();
    const tabs = [a.connect(user.token), b.connect(user.token)];
    for (const tab of tabs) await tab.connected();
    for (const tab of tabs) await eventually('the welcome is counted', () => tab.count === 1);
    const made = await a.create(user.id, 'Xin chào');
    for (const tab of tabs) {
      const seen = await tab.event('notification:new', (payload) => payload.notificationId === made.notificationId);
      assert.equal(seen.unreadCount, 2);
      assert.equal(seen.version, made.version);
    }
    const ack = await tabs[0].emit('notification:read', { notificationId: made.notificationId });
    assert.equal(ack.ok, true, JSON.stringify(ack));
    for (const tab of tabs) {
      const update = await tab.event('notification:updated');
      assert.deepEqual({ ...update },
        { action: 'read', notificationId: made.notificationId, unreadCount: 1, version: ack.version });
    }
    const all = await tabs[1].emit('notification:read-all');
    assert.equal(all.updated, 1);
    for (const tab of tabs) {
      await tab.event('notification:updated', (payload) => payload.action === 'read-all');
      await tab.event('unreadCount:updated', (payload) => payload.count === 0);
    }
    for (const tab of tabs) tab.close();
  });

  test('an event from elsewhere without count and version is pushed with the right ones', async () => {
    const user = await a.register();
    const tabs = [a.connect(user.token), b.connect(user.token)];
    for (const tab of tabs) await tab.connected();
    for (const tab of tabs) await eventually('the welcome is counted', () => tab.count === 1);
    const notificationId = randomUUID();
    await publisher.publish('notification.created', {
      eventId: randomUUID(), notificationId, userId: user.id, type: 'elsewhere', title: 'By hand',
      createdAt: new Date().toISOString(),
    });
    const { body } = await a.request('GET', '/notifications/unread-count', { token: user.token });
    for (const tab of tabs) {
      const seen = await tab.event('notification:new', (payload) => payload.notificationId === notificationId);
      assert.equal(seen.unreadCount, body.count);
      assert.equal(seen.version, body.version);
      assert.equal(seen.title, 'By hand');
    }
    for (const tab of tabs) tab.close();
  });

  test('malformed events are dead-lettered while the next one passes, and can be looked at', async () => {
    const user = await a.register();
    const tab = await a.connect(user.token).connected();
    await eventually('the welcome is counted', () => tab.count === 1);
    const marker = `broken-${randomUUID()}`;
    await publisher.publish('notification.created', `{"${marker}`);
    await publisher.publish('user.registered', `["${marker}"]`);
    const made = await a.create(user.id, 'after the broken one');
    await tab.event('notification:new', (payload) => payload.notificationId === made.notificationId);
    const newcomer = await a.register('Bo');
    await eventually('the next user.registered is handled', async () =>
      (await a.request('GET', '/notifications', { token: newcomer.token })).body.data?.length === 1);

    const listed = await eventually('both are kept, once each', async () => {
      const { stdout } = await run(['deadletters', 'list', '--nats-url', nats.url]);
      const lines = stdout.trim().split('\n').map((line) => line.split('\t'));
      return lines.length === 2 && lines;
    });
    assert.deepEqual(listed.map((line) => line[2]).sort(), ['notification.created', 'user.registered']);
    for (const [number] of listed) {
      const { code, stdout } = await run(['deadletters', 'show', number, '--nats-url', nats.url]);
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(marker));
      assert.match(stdout, /reason +\S/);
    }
    tab.close();
  });

  test('a dead letter is replayed once its cause is gone', async () => {
    const { stdout } = await run(['deadletters', 'list', '--nats-url', nats.url]);
    const numbers = stdout.trim().split('\n').map((line) => line.split('\t')[0]);
    const replayed = await run(['deadletters', 'replay', numbers[0], '--nats-url', nats.url]);
    assert.equal(replayed.code, 0, replayed.stderr);
    assert.match(replayed.stdout, new RegExp(`^replayed ${numbers[0]} on `));
    assert.equal((await run(['deadletters', 'show', numbers[0], '--nats-url', nats.url])).code, 1);
    // Its cause is not gone: it comes back, under a new number.
    await eventually('it is dead-lettered again', async () => {
      const again = await run(['deadletters', 'list', '--nats-url', nats.url]);
      return again.stdout.trim().split('\n').length === numbers.length;
    });
  });

  test('the same user.registered five times makes one welcome', async () => {
    const userId = randomUUID();
    const event = { userId, email: 'five@example.test', createdAt: new Date().toISOString() };
    for (let i = 0; i < 5; i += 1) await publisher.publish('user.registered', { ...event, ...(i % 2 ? { eventId: randomUUID() } : {}) });
    const token = await a.token(userId);
    await eventually('the welcome is there', async () =>
      (await a.request('GET', '/notifications', { token })).body.data?.length === 1);
    const last = await a.register('Last');
    await eventually('what came after is handled', async () =>
      (await a.request('GET', '/notifications', { token: last.token })).body.data?.length === 1);
    assert.equal((await a.request('GET', '/notifications', { token })).body.data.length, 1);
    assert.equal((await a.request('GET', '/notifications/unread-count', { token })).body.count, 1);
  });

  test('a notification service killed is not missed, and comes back', async () => {
    const user = await a.register();
    const tab = await a.connect(user.token).connected();
    await notifications[0].kill();
    const made = [];
    for (let i = 0; i < 10; i += 1) made.push(await a.create(user.id, `while one is down ${i}`));
    for (const { notificationId } of made) await tab.event('notification:new', (p) => p.notificationId === notificationId);
    await notifications[0].again();
    await eventually('its count is exact', () => tab.count === 11);
    tab.close();
  });

  test('with every notification service away the gateway stays and says so', async () => {
    const user = await a.register();
    const tab = await a.connect(user.token).connected();
    await eventually('the welcome is counted', () => tab.count === 1);
    await Promise.all(notifications.map((service) => service.kill()));
    const answer = await a.request('GET', '/notifications', { token: user.token });
    assert.equal(answer.status, 503);
    assert.ok(answer.headers.get('retry-after'));
    const ack = await tab.emit('notification:read-all');
    assert.equal(ack.ok, false);
    assert.equal(ack.error.code, 'unavailable');
    assert.equal((await gateways[0].readiness()).status, 503);
    await Promise.all(notifications.map((service) => service.again()));
    await eventually('it works again', async () => (await tab.emit('notification:read-all')).ok);
    await eventually('all is read', () => tab.count === 0);
    assert.equal(tab.connects, 1, 'the socket was never closed');
    tab.close();
  });

  test('NATS away: creates are acknowledged, and arrive when it is back', async () => {
    const user = await a.register();
    const tabs = [a.connect(user.token), b.connect(user.token)];
    for (const tab of tabs) await tab.connected();
    for (const tab of tabs) await eventually('the welcome is counted', () => tab.count === 1);
    await nats.kill();
    const made = [];
    for (let i = 0; i < 5; i += 1) made.push(await a.create(user.id, `while NATS is away ${i}`));
    await nats.again();
    for (const tab of tabs) {
      for (const { notificationId } of made) {
        await tab.event('notification:new', (p) => p.notificationId === notificationId, 30_000);
      }
      await eventually('the count is exact', () => tab.count === 6);
      assert.equal(tab.of('notification:new').filter((p) => p.title.startsWith('while NATS')).length, 5, 'once each');
    }
    for (const tab of tabs) tab.close();
  });

  test('PostgreSQL killed: 503 while it is away, right again when it is back', async () => {
    const user = await a.register();
    const tab = await b.connect(user.token).connected();
    await eventually('the welcome is counted', () => tab.count === 1);
    await postgres.kill();
    const refused = await a.request('GET', '/notifications', { token: user.token });
    assert.equal(refused.status, 503);
    await postgres.again();
    const made = await eventually('creates work again', () => a.create(user.id, 'after the crash'), 30_000);
    await eventually('registering works again', () => a.register(), 30_000);
    await tab.event('notification:new', (p) => p.notificationId === made.notificationId, 30_000);
    assert.equal(await postgres.sql(`SELECT unread FROM notification.user_state WHERE user_id = '${user.id}'`), String(tab.count));
    tab.close();
  });

  test('a gateway killed: its clients come back on the other one with nothing missing', async () => {
    const user = await a.register();
    const tab = await a.connect(user.token).connected();
    await eventually('the welcome is counted', () => tab.count === 1);
    await gateways[0].kill();
    const made = await b.create(user.id, 'while its gateway is down');
    await gateways[0].again();
    await eventually('it is back', () => tab.connects >= 2 && tab.socket.connected, 20_000);
    await eventually('its count is current', () => tab.count === 2);
    const sync = await tab.emit('notification:sync', { since: '1' });
    assert.ok(sync.notifications.some((n) => n.notificationId === made.notificationId));
    tab.close();
  });

  test('a client moved from one gateway to the other recovers, and its old socket is closed within a second', async () => {
    const user = await a.register();
    const stayed = await b.connect(user.token).connected();
    const way = await Switch.open(new URL(gateways[0].url).port);
    const tab = new Tab(io(way.url, { auth: { token: user.token }, transports: ['websocket'], reconnection: false, forceNew: true }));
    await tab.connected();
    for (const one of [tab, stayed]) await eventually('the welcome is counted', () => one.count === 1);
    const { id } = tab.socket;
    const known = await a.create(user.id, 'known');
    await tab.event('notification:new', (payload) => payload.notificationId === known.notificationId);
    for (const [from, to] of [[0, 1], [1, 0]]) {
      assert.equal(way.target, new URL(gateways[from].url).port);
      const left = way.cut();
      way.target = new URL(gateways[to].url).port;
      await eventually('the client notices', () => !tab.socket.connected);
      const missed = await a.create(user.id, `missed by ${from}`);
      await b.request('POST', `/notifications/${missed.notificationId}/read`, { token: user.token });
      const last = await a.create(user.id, `unread on ${to}`);
      assert.ok(left.length > 0 && left.every(({ closedAt }) => closedAt === undefined), 'its gateway knows nothing yet');
      const connects = tab.connects;
      tab.socket.connect();
      await eventually('it is back', () => tab.connects > connects);
      const back = performance.now();
      assert.equal(tab.socket.recovered, true);
      assert.equal(tab.socket.id, id);
      await eventually('the old socket is closed', () => left.every(({ closedAt }) => closedAt !== undefined), 1_000);
      assert.ok(performance.now() - back < 1_500);
      await tab.event('notification:new', (payload) => payload.notificationId === last.notificationId);
      await stayed.event('notification:new', (payload) => payload.notificationId === last.notificationId);
      assert.ok(tab.socket.connected, 'the new one stays');
    }
    const end = await a.create(user.id, 'end');
    for (const one of [tab, stayed]) await one.event('notification:new', (payload) => payload.notificationId === end.notificationId);
    const versions = history(stayed).slice(-8);
    await eventually('the same, once and in order', () => {
      assert.deepEqual(history(tab).slice(-8), versions);
      return true;
    });
    assert.equal(new Set(history(tab).map(([name, , version]) => name + version)).size, history(tab).length, 'nothing twice');
    tab.close();
    stayed.close();
    way.close();
  });

  /** A new row whose event never was: as if it had been lost for good. */
  const insertSilently = (userId) => postgres.sql(`WITH s AS (UPDATE notification.user_state SET version = version + 1,
    unread = unread + 1 WHERE user_id = '${userId}' RETURNING version) INSERT INTO notification.notifications (id, user_id,
    type, title, created_at, created_version, unread_version, version) SELECT gen_random_uuid(), '${userId}', 'test',
    'lost on purpose', now(), version, version, version FROM s`);

  test('an event that is lost on purpose: clients are right again within 30 s', async () => {
    const user = await a.register();
    const tabs = [a.connect(user.token), b.connect(user.token)];
    for (const tab of tabs) await tab.connected();
    for (const tab of tabs) await eventually('the welcome is counted', () => tab.count === 1);
    await insertSilently(user.id);
    for (const tab of tabs) {
      await tab.event('notification:new', (payload) => payload.title === 'lost on purpose', 30_000);
      await eventually('the count is exact', () => tab.count === 2, 5_000);
      tab.close();
    }
  });

  test('a stream deleted and made anew: clients are right again within 30 s', async () => {
    const user = await a.register();
    const tabs = [a.connect(user.token), b.connect(user.token)];
    for (const tab of tabs) await tab.connected();
    for (const tab of tabs) await eventually('the welcome is counted', () => tab.count === 1);
    const administrator = await Publisher.open(nats.port);
    const deleted = await administrator.ask('$JS.API.STREAM.DELETE.NOTIFICATION_EVENT');
    assert.equal(deleted.success, true, JSON.stringify(deleted));
    administrator.close();
    await insertSilently(user.id);
    const made = await a.create(user.id, 'while the stream is gone');
    for (const tab of tabs) {
      await tab.event('notification:new', (payload) => payload.title === 'lost on purpose', 30_000);
      await tab.event('notification:new', (payload) => payload.notificationId === made.notificationId, 30_000);
      await eventually('the count is exact', () => tab.count === 3, 5_000);
    }
    const after = await a.create(user.id, 'on the new stream');
    for (const tab of tabs) {
      await tab.event('notification:new', (payload) => payload.notificationId === after.notificationId, 15_000);
      const ids = tab.of('notification:new').map((payload) => payload.notificationId);
      assert.equal(new Set(ids).size, ids.length, 'nothing twice');
      tab.close();
    }
  });
});
