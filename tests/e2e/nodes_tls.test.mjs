// Gateways that reach each other over https only, with certificates of an authority of our own; and `carillon send` over it.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { createServer } from 'node:tls';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { binary, eventually, run, temporaryDirectory } from './harness.mjs';
import { Certificates } from './certificates.mjs';
import { Gateway, secrets, userSecret } from './cluster_gateway.mjs';
import { Balancer, Nats, Postgres, Process, Service, freePort } from '../cluster/servers.mjs';

/** What ends TLS in front of one server. */
class Terminator {
  static async open(certificates, to) {
    const one = new Terminator();
    Object.assign(one, { sockets: new Set(), handshakes: 0 });
    const files = { key: readFileSync(certificates.path('server.key')), cert: readFileSync(certificates.path('server.pem')) };
    one.server = createServer(files, (near) => {
      one.handshakes += 1;
      const far = connect(to, '127.0.0.1');
      for (const [socket, other] of [[near, far], [far, near]]) {
        one.sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          one.sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
    one.server.listen(0, '127.0.0.1');
    await once(one.server, 'listening');
    one.url = `https://localhost:${one.server.address().port}`;
    return one;
  }

  close() {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

describe('gateways that reach each other over https', { timeout: 240_000 }, () => {
  let folder, certificates, nats, postgres, notifications, auth;
  const everything = [];

  before(async () => {
    folder = await temporaryDirectory();
    certificates = new Certificates(folder);
    certificates.make('server');
    [nats, postgres] = await Promise.all([Nats.start(join(folder, 'nats')), Postgres.start(join(folder, 'postgres'))]);
    const backends = ['--nats-url', nats.url, '--database-url', postgres.url, ...secrets];
    [notifications, auth] = await Promise.all([
      Service.start(binary, 'notifications', ['notifications', ...backends]),
      Service.start(binary, 'auth', ['auth', ...backends, ...userSecret, '--register-rate-limit', '1000']),
    ]);
  });

  after(async () => {
    if (!auth) Process.killAll();
    for (const one of everything) one.close();
    for (const service of [notifications, auth]) assert.equal(await service?.stop(), 0);
    await nats?.stop();
    await postgres?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** Two gateways that trust `authority`, each behind TLS for the other, and HAProxy before both; `body` gets all of it. */
  async function inside(authority, body) {
    const terminators = [];
    const services = [];
    let balancer;
    try {
      for (const n of [1, 2]) {
        const port = await freePort();
        const terminator = await Terminator.open(certificates, port);
        everything.push(terminator);
        terminators.push(terminator);
        services.push(await Service.start(binary, `gateway-${n}`, ['gateway', '--nats-url', nats.url, '--notifications-url', notifications.url,
          '--auth-url', auth.url, ...secrets, ...userSecret, '--ping-interval', '1s', '--ping-timeout', '3s', '--drain-seconds', '1',
          '--trusted-proxy', '127.0.0.1', '--advertise-url', terminator.url, '--services-ca', certificates.path(authority)], { port }));
      }
      balancer = await Balancer.start(join(folder, `haproxy-${authority}`), services);
      await eventually('the balancer sees both', async () => (await balancer.up()) === 2);
      const gateways = services.map((service) => new Gateway(service));
      const forwarded = async (result) => {
        const counts = await Promise.all(gateways.map((gateway) => gateway.metric('carillon_forwarded_requests_total', { result })));
        return counts[0] + counts[1];
      };
      await body({ front: new Gateway(balancer), gateways, services, terminators, forwarded });
    } finally {
      for (const service of services) assert.equal(await service.stop(), 0, service.log.slice(-1_000));
      await balancer?.stop();
    }
  }

  test('requests and WebSockets of the other one are passed on', () => inside('ca.pem', async ({ front, terminators, forwarded }) => {
    const user = await front.register();
    const tabs = [...Array.from({ length: 6 }, () => front.connect(user.token, { transports: ['polling'] })),
      ...Array.from({ length: 8 }, () => front.connect(user.token))];
    for (const tab of tabs) await tab.connected();
    for (const tab of tabs.slice(6)) await eventually('it has a WebSocket', () => tab.socket.io.engine.transport.name === 'websocket');
    const made = await front.create(user.id, 'to all of them');
    for (const tab of tabs) await tab.event('notification:new', (payload) => payload.notificationId === made.notificationId);
    const ack = await tabs.at(-1).emit('notification:read-all');
    assert.equal(ack.ok, true, JSON.stringify(ack));
    for (const tab of tabs) await eventually('all is read', () => tab.count === 0);
    for (const tab of tabs) assert.equal(tab.connects, 1, `it stayed: ${tab.disconnects}`);
    assert.ok((await forwarded('answered')) > 0, 'requests were passed on');
    assert.ok((await forwarded('tunnelled')) > 0, 'WebSockets were passed on');
    for (const { handshakes } of terminators) assert.ok(handshakes > 0, 'over TLS, in both directions');
    for (const tab of tabs) tab.close();
  }));

  test('a gateway whose certificate is not trusted is sent nothing', () => inside('stranger.pem', async ({ front, gateways, terminators, forwarded, services }) => {
    const { token } = await front.register();
    const polling = '/socket.io/?EIO=4&transport=polling';
    const opened = await (await fetch(gateways[0].url + polling)).text();
    const { sid } = JSON.parse(opened.slice(1));
    const elsewhere = await fetch(`${gateways[1].url}${polling}&sid=${sid}`, { method: 'POST', body: `40${JSON.stringify({ token })}` });
    assert.equal(elsewhere.status, 400, 'as for a session that is nowhere: the client begins anew');
    assert.ok((await forwarded('not_reached')) > 0);
    assert.equal(await forwarded('answered'), 0);
    for (const { handshakes } of terminators) assert.equal(handshakes, 0);
    assert.match(services[1].log, /cannot have a TLS connection to another gateway.*--services-ca/);
    const home = await fetch(`${gateways[0].url}${polling}&sid=${sid}`, { method: 'POST', body: `40${JSON.stringify({ token })}` });
    assert.equal(home.status, 200, 'the session itself is well');
  }));

  test('carillon send takes an https URL and believes no stranger', () => inside('ca.pem', async ({ terminators }) => {
    const send = (...flags) => run(['send', '--user', randomUUID(), '--type', 'test', '--title', 'over TLS', '--url', terminators[0].url, ...userSecret, ...flags]);
    const sent = await send('--ca', certificates.path('ca.pem'));
    assert.deepEqual([sent.code, sent.stderr], [0, '']);
    assert.match(sent.stdout, /^[0-9a-f-]{36}\n$/);
    const stranger = await send('--ca', certificates.path('stranger.pem'));
    assert.equal(stranger.code, 1);
    assert.match(stranger.stderr, /certificate/);
    const nothing = await send('--ca', '/nowhere/ca.pem');
    assert.equal(nothing.code, 2);
    assert.match(nothing.stderr, /--ca: cannot read certificates/);
  }));
});
