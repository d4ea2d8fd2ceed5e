// What can be wrong with a NATS: the real services say it in one clear line, with what to do, and nothing is lost.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { binary, eventually, temporaryDirectory } from './harness.mjs';
import { Gateway, secrets, userSecret } from './cluster_gateway.mjs';
import { Publisher } from './nats_client.mjs';
import { Nats, Postgres, Process, Service } from '../cluster/servers.mjs';

describe('a NATS in trouble', { timeout: 240_000 }, () => {
  let folder, nats, postgres, notifications, auth, gateway, front;
  let services = [];

  before(async () => {
    folder = await temporaryDirectory();
    [nats, postgres] = await Promise.all([Nats.start(join(folder, 'nats')), Postgres.start(join(folder, 'postgres'))]);
    const flags = ['--nats-url', nats.url, ...secrets, '--log-format', 'json'];
    const database = ['--database-url', postgres.url];
    [notifications, auth] = await Promise.all([
      Service.start(binary, 'notifications', ['notifications', ...flags, ...database, '--notification-event-bytes', '800000',
        '--user-event-bytes', '100000', '--dead-letter-bytes', '50000']),
      Service.start(binary, 'auth', ['auth', ...flags, ...database, ...userSecret, '--user-event-bytes', '100000']),
    ]);
    gateway = await Service.start(binary, 'gateway', ['gateway', ...flags, '--notifications-url', notifications.url,
      '--auth-url', auth.url, ...userSecret, '--drain-seconds', '1', '--notification-event-bytes', '800000', '--dead-letter-bytes', '50000']);
    services = [notifications, auth, gateway];
    front = new Gateway(gateway);
    await eventually('all is well', async () => (await Promise.all(services.map((service) => service.readiness())))
      .every(({ body }) => Object.values(body.dependencies).every(({ ok }) => ok)));
  });
  after(async () => {
    if (!front) Process.killAll();
    for (const service of services) assert.equal(await service.stop(), 0, service.log.slice(-2_000));
    await nats?.stop();
    await postgres?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** Starts NATS with another configuration. */
  async function restart(change) {
    const file = nats.args[1];
    const config = readFileSync(file, 'utf8');
    await nats.stop();
    writeFileSync(file, change(config));
    await nats.again();
    return config;
  }

  /** Warnings and errors since `mark`, as objects. */
  const said = (service, mark) => service.log.slice(mark).split('\n').filter((line) => /"level":"(warn|error)"/.test(line))
    .map((line) => JSON.parse(line));

  /** In trouble: creates are acknowledged and it is said, once and with what to do. After `mend`: all arrive. */
  async function through({ trouble, what, advice, mend }) {
    const user = await front.register();
    const tab = await front.connect(user.token).connected();
    await eventually('the welcome is counted', () => tab.count === 1);
    const marks = services.map((service) => service.log.length);
    await trouble();
    const made = [];
    await eventually('it is said', async () => {
      made.push(await front.create(user.id, `in trouble ${made.length}`));
      return said(notifications, marks[0]).some((line) => what.test(line.msg));
    }, 30_000);
    for (let i = 0; i < 5; i += 1) made.push(await front.create(user.id, `meanwhile ${i}`));
    const lines = said(notifications, marks[0]).filter((line) => what.test(line.msg));
    for (const line of lines) assert.match(line.do, advice);
    const texts = lines.map((line) => JSON.stringify({ ...line, time: 0 }));
    assert.equal(new Set(texts).size, texts.length, `each trouble is said once: ${texts.join('\n')}`);
    await mend();
    for (const { notificationId } of made) {
      await tab.event('notification:new', (payload) => payload.notificationId === notificationId, 40_000);
    }
    const ids = tab.of('notification:new').map(({ notificationId }) => notificationId);
    assert.equal(new Set(ids).size, ids.length, 'once each');
    await eventually('the count is exact', () => tab.count === made.length + 1);
    await eventually('the outbox is empty', async () => {
      const text = await (await fetch(`${notifications.url}/metrics`)).text();
      return /^carillon_outbox_pending(\{.*\})? 0$/m.test(text);
    }, 20_000);
    tab.close();
  }

  test('without JetStream', async () => {
    let config;
    await through({
      trouble: async () => { config = await restart((text) => text.replace(/^jetstream.*$/m, '')); },
      what: /NATS runs without JetStream/,
      advice: /jetstream/,
      mend: () => restart(() => config),
    });
  });

  test('with other credentials', async () => {
    let config;
    await through({
      trouble: async () => { config = await restart((text) => `${text}authorization { user: a, password: b }\n`); },
      what: /NATS refuses the credentials/,
      advice: /--nats-credentials/,
      mend: () => restart(() => config),
    });
  });

  test('with a full store', async () => {
    let config;
    await through({
      trouble: async () => {
        config = await restart((text) => text.replace(/jetstream \{/, 'jetstream { max_file_store: 1000000, '));
        // The streams are there: what is left is taken by another, and they are deleted.
        const admin = await Publisher.open(nats.port);
        await admin.ask('$JS.API.STREAM.DELETE.NOTIFICATION_EVENT');
        await admin.ask('$JS.API.STREAM.CREATE.OTHER', JSON.stringify({ name: 'OTHER', subjects: ['other'], storage: 'file', max_bytes: 500_000 }));
        admin.close();
      },
      what: /the JetStream store is full/,
      advice: /max_file_store/,
      mend: async () => {
        const admin = await Publisher.open(nats.port);
        await admin.ask('$JS.API.STREAM.DELETE.OTHER');
        admin.close();
        await restart(() => config);
      },
    });
  });

  test('with a stream of other settings: used as it is, and said', async () => {
    const admin = await Publisher.open(nats.port);
    await admin.ask('$JS.API.STREAM.DELETE.NOTIFICATION_EVENT');
    const made = await admin.ask('$JS.API.STREAM.CREATE.NOTIFICATION_EVENT', JSON.stringify({ name: 'NOTIFICATION_EVENT',
      subjects: ['notification.created', 'notification.updated'], storage: 'memory', max_bytes: 400_000, max_age: 3_600_000_000_000 }));
    admin.close();
    assert.ok(made.config || made.error, JSON.stringify(made));
    const mark = notifications.log.length;
    await notifications.stop();
    await notifications.again();
    const line = await eventually('it is said', () => said(notifications, mark).find((one) => /other settings/.test(one.msg)));
    assert.match(line.difference, /storage is memory, not file/);
    assert.match(line.do, /nats stream edit/);
    const user = await front.register();
    const tab = await front.connect(user.token).connected();
    const ring = await front.create(user.id, 'on it');
    await tab.event('notification:new', (payload) => payload.notificationId === ring.notificationId);
    tab.close();
  });

  test('with its consumer deleted by hand: made anew where it was', async () => {
    const admin = await Publisher.open(nats.port);
    const answer = await admin.ask('$JS.API.CONSUMER.DELETE.USER_EVENT.notification-service');
    assert.equal(answer.success, true, JSON.stringify(answer));
    admin.close();
    const users = [];
    for (let i = 0; i < 5; i += 1) users.push(await front.register());
    for (const user of users) {
      await eventually('each is welcomed', async () =>
        (await front.request('GET', '/notifications', { token: user.token })).body.data?.length === 1, 30_000);
    }
    for (const user of users) {
      assert.equal((await front.request('GET', '/notifications/unread-count', { token: user.token })).body.count, 1, 'once');
    }
    assert.ok(said(notifications, 0).some((line) => /consumer/.test(line.msg)), 'it is said');
  });
});
