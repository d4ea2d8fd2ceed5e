// The cluster on a NATS that trusts nobody more than it must: the permissions of docs/operations.md, and TLS with client
// certificates and decentralised accounts.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binary, eventually, temporaryDirectory } from './harness.mjs';
import { Gateway, secrets, userSecret } from './cluster_gateway.mjs';
import { Certificates } from './certificates.mjs';
import { Publisher } from './nats_client.mjs';
import { accounts } from '../cluster/nats_accounts.mjs';
import { Nats, Postgres, Process, Service, freePort } from '../cluster/servers.mjs';

const operations = readFileSync(join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs', 'operations.md'), 'utf8');

/** A notification service, an auth service and two gateways. `flags(service)`: how each reaches NATS. */
class Cluster {
  static async start(folder, flags) {
    const cluster = new Cluster();
    cluster.folder = folder;
    cluster.postgres = await Postgres.start(join(folder, 'postgres'));
    const database = ['--database-url', cluster.postgres.url];
    const [notifications, auth] = await Promise.all([
      Service.start(binary, 'notifications', ['notifications', ...flags('notifications'), ...database, ...secrets]),
      Service.start(binary, 'auth', ['auth', ...flags('auth'), ...database, ...secrets, ...userSecret]),
    ]);
    const gateways = await Promise.all([1, 2].map((n) => Service.start(binary, `gateway-${n}`, ['gateway', ...flags('gateway'),
      '--notifications-url', notifications.url, '--auth-url', auth.url, ...secrets, ...userSecret, '--drain-seconds', '1'])));
    cluster.services = [...gateways, notifications, auth];
    cluster.gateways = gateways.map((service) => new Gateway(service));
    return cluster;
  }

  async stop() {
    for (const service of this.services) assert.equal(await service.stop(), 0, service.log.slice(-2_000));
    await this.postgres.stop();
  }

  /** What a user sees, over both gateways; a polling client that changes between them, too. */
  async works() {
    const [a, b] = this.gateways;
    const user = await a.register();
    const tabs = [a.connect(user.token), b.connect(user.token)];
    for (const tab of tabs) await tab.connected();
    for (const tab of tabs) await eventually('the welcome rings', () => tab.count === 1);
    const made = await b.create(user.id, 'to both');
    for (const tab of tabs) await tab.event('notification:new', (payload) => payload.notificationId === made.notificationId);
    assert.equal((await tabs[0].emit('notification:read-all')).ok, true);
    for (const tab of tabs) await eventually('all is read', () => tab.count === 0);
    for (const tab of tabs) tab.close();
    const open = await (await fetch(`${a.url}/socket.io/?EIO=4&transport=polling`)).text();
    const { sid } = JSON.parse(open.slice(1));
    const elsewhere = await fetch(`${b.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`, { method: 'POST', body: '40' });
    assert.equal(elsewhere.status, 200, await elsewhere.text());
    const admin = await a.token(randomUUID(), '--permission', 'admin');
    assert.equal((await a.request('POST', `/admin/users/${user.id}/revoke`, { token: admin })).status, 200);
    for (const gateway of [a, b]) {
      await eventually('the token is refused', async () => (await gateway.request('GET', '/notifications/unread-count', { token: user.token })).status === 401);
    }
    for (const service of this.services) assert.doesNotMatch(service.log, /refuses what this user asks|JetStream does not answer/);
  }
}

describe('least privilege on NATS', { timeout: 180_000 }, () => {
  let folder, nats, cluster;

  before(async () => {
    folder = await temporaryDirectory();
    const block = /### What each service may do[\s\S]*?```\n([\s\S]*?)```/.exec(operations)[1];
    const config = block.replaceAll('password: …', 'password: "pw"').replace('users = [', 'users = [\n    { user: admin, password: "pw" }');
    assert.equal(config.match(/password: "pw"/g).length, 4, 'an admin and three services');
    nats = await Nats.start(join(folder, 'nats'), { more: config });
    cluster = await Cluster.start(folder, (service) => ['--nats-url', `nats://${service}:pw@127.0.0.1:${nats.port}`]);
  });
  after(async () => {
    if (!cluster) Process.killAll();
    await cluster?.stop();
    await nats?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test('what docs/operations.md lets each service do is enough', async () => {
    await cluster.works();
  });

  test('and for what breaks the contract, and what comes after it', async () => {
    const publisher = await Publisher.open(nats.port, { user: 'admin', pass: 'pw' });
    await publisher.publish('notification.created', '{"broken');
    await publisher.publish('user.registered', '["broken"]');
    await eventually('both are put aside', async () => {
      const info = await publisher.ask('$JS.API.STREAM.INFO.DEAD_LETTER');
      return info.state?.messages === 2;
    });
    await cluster.works();
    publisher.close();
  });

  test('and when NATS has forgotten everything', async () => {
    const publisher = await Publisher.open(nats.port, { user: 'admin', pass: 'pw' });
    const { streams } = await publisher.ask('$JS.API.STREAM.NAMES');
    for (const stream of streams) assert.equal((await publisher.ask(`$JS.API.STREAM.DELETE.${stream}`)).success, true);
    publisher.close();
    await eventually('it works again', () => cluster.works().then(() => true), 40_000);
  });

  test('a service can do nothing of another', async () => {
    const refused = async (user, subject) => {
      const client = await Publisher.open(nats.port, { user, pass: 'pw' });
      client.send(subject, '{}');
      await eventually(`${user} may not publish on ${subject}`, () => client.input.includes(`Permissions Violation for Publish to "${subject}"`));
      client.close();
    };
    for (const subject of ['notification.created', 'user.registered', '$JS.API.STREAM.DELETE.NOTIFICATION_EVENT', '$JS.API.STREAM.PURGE.USER_EVENT']) {
      await refused('gateway', subject);
    }
    for (const subject of ['notification.created', 'dead.x', '$KV.CARILLON_NODES.x']) await refused('auth', subject);
    for (const subject of ['user.registered', '$KV.CARILLON_NODES.x', '$JS.API.STREAM.DELETE.USER_EVENT']) await refused('notifications', subject);
  });
});

describe('TLS, accounts and several servers of NATS', { timeout: 180_000 }, () => {
  let folder, nats, cluster, account, away;
  const file = (name) => join(folder, name);

  const tls = (credentials = 'good.creds', ca = 'ca.pem') => [
    '--nats-url', `tls://127.0.0.1:${away},tls://127.0.0.1:${nats.port}`, '--nats-credentials', file(credentials),
    '--nats-tls-ca', file(ca), '--nats-tls-cert', file('client.pem'), '--nats-tls-key', file('client.key')];

  before(async () => {
    folder = await temporaryDirectory();
    const certificates = new Certificates(folder);
    certificates.make('server');
    certificates.make('client', 'extendedKeyUsage=clientAuth');
    account = accounts();
    writeFileSync(file('good.creds'), account.credentials(), { mode: 0o600 });
    writeFileSync(file('strange.creds'), account.strange(), { mode: 0o600 });
    away = await freePort();
    mkdirSync(file('nats'), { recursive: true });
    nats = await Nats.start(file('nats'), {
      more: `${account.config}tls { cert_file: "${file('server.pem')}", key_file: "${file('server.key')}", ca_file: "${file('ca.pem')}", verify: true }\n`,
    });
    cluster = await Cluster.start(folder, () => tls());
  });
  after(async () => {
    if (!cluster) Process.killAll();
    await cluster?.stop();
    await nats?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test('works over TLS with a client certificate, a credentials file, and one of two servers away', async () => {
    await cluster.works();
    for (const service of cluster.services) assert.match(service.log, /connected to NATS/);
  });

  test('comes back when that server does', async () => {
    await nats.kill();
    await nats.again();
    await eventually('it works again', () => cluster.works().then(() => true), 40_000);
  });

  /** A gateway started alone; the line of its log that says so. */
  async function complaint(flags, what) {
    const gateway = await Service.start(binary, 'alone', ['gateway', ...flags, '--notifications-url', 'http://127.0.0.1:1',
      '--auth-url', 'http://127.0.0.1:1', ...secrets, ...userSecret, '--drain-seconds', '0', '--log-format', 'json']);
    try {
      const said = () => gateway.log.split('\n').filter((line) => /"level":"(warn|error)".*"about":"nats"/.test(line)).map((line) => JSON.parse(line));
      const line = await eventually('it says what is wrong', () => said().find(({ msg }) => what.test(msg)), 20_000);
      // One of the two servers is away, which may have been said before; but what is said now stays so.
      const count = said().length;
      const tries = performance.now() + 5_000;
      await eventually('it has tried again', () => performance.now() > tries);
      assert.equal(said().length, count, JSON.stringify(said()));
      assert.ok(count <= 2);
      return line;
    } finally {
      assert.equal(await gateway.stop(), 0);
    }
  }

  test('says what is wrong with the authority, the credentials and the certificate', async () => {
    const authority = await complaint(tls('good.creds', 'stranger.pem'), /TLS handshake with NATS fails/);
    assert.match(authority.do, /--nats-tls-ca/);
    const credentials = await complaint(tls('strange.creds'), /refuses the credentials/);
    assert.match(credentials.do, /--nats-credentials/);
    const plain = await complaint(['--nats-url', `nats://127.0.0.1:${nats.port}`], /TLS handshake with NATS fails/);
    assert.match(plain.do, /--nats-tls-ca/);
  });
});
