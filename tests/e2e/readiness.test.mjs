// What each process says of itself when what it leans on is stopped for real, and that it has the metrics it should.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { binary, eventually, temporaryDirectory } from './harness.mjs';
import { Gateway, secrets, userSecret } from './cluster_gateway.mjs';
import { Nats, Postgres, Process, Service } from '../cluster/servers.mjs';

const everywhere = { 'http_requests_total{route,status}': 'counter', 'http_request_duration_seconds{route}': 'histogram',
  process_resident_memory_bytes: 'gauge', process_cpu_seconds_total: 'counter', process_open_fds: 'gauge', process_start_time_seconds: 'gauge' };
const ofStores = { ...everywhere, outbox_pending: 'gauge', 'store_query_duration_seconds{query}': 'histogram' };
const contract = {
  gateway: { ...everywhere, 'connections_active{transport}': 'gauge', users_active: 'gauge', connections_total: 'counter',
    'disconnections_total{reason}': 'counter', 'auth_failures_total{code}': 'counter', 'messages_received_total{event}': 'counter',
    'messages_sent_total{event}': 'counter', rate_limited_total: 'counter', slow_consumers_total: 'counter',
    outbound_queue_bytes: 'gauge', delivery_latency_seconds: 'histogram', 'bus_events_total{subject,result}': 'counter' },
  notifications: { ...ofStores, notifications_created_total: 'counter', 'bus_events_total{subject,result}': 'counter' },
  auth: ofStores,
};

describe('each process', { timeout: 180_000 }, () => {
  let folder, nats, postgres, gateway;
  const services = {};

  before(async () => {
    folder = await temporaryDirectory();
    [nats, postgres] = await Promise.all([Nats.start(join(folder, 'nats')), Postgres.start(join(folder, 'postgres'))]);
    const backends = ['--nats-url', nats.url, '--database-url', postgres.url, ...secrets];
    [services.auth, services.notifications] = await Promise.all([
      Service.start(binary, 'auth', ['auth', ...backends, ...userSecret]),
      Service.start(binary, 'notifications', ['notifications', ...backends]),
    ]);
    services.gateway = await Service.start(binary, 'gateway', ['gateway', '--nats-url', nats.url, '--notifications-url',
      services.notifications.url, '--auth-url', services.auth.url, ...secrets, ...userSecret, '--drain-seconds', '1']);
    gateway = new Gateway(services.gateway);
  });

  after(async () => {
    if (!services.gateway) Process.killAll(); // it never stood
    for (const name of ['gateway', 'notifications', 'auth']) await services[name]?.stop();
    await nats?.stop();
    await postgres?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** Waits until each of the named processes says this of its dependencies, with this status. */
  async function says(expected) {
    for (const [name, [status, states]] of Object.entries(expected)) {
      let last;
      await eventually(`${name} says ${JSON.stringify(states)}`, async () => {
        last = await services[name].readiness();
        const { dependencies } = last.body;
        return last.status === status && Object.entries(states).every(([key, ok]) => dependencies[key]?.ok === ok);
      }, 30_000).catch((error) => assert.fail(`${error.message}: ${JSON.stringify(last)}`));
      assert.equal(last.body.status, status === 200 ? 'ready' : 'unavailable', name);
      for (const { ok, ...more } of Object.values(last.body.dependencies)) {
        assert.equal(typeof ok, 'boolean');
        assert.ok(Object.keys(more).every((key) => key === 'detail'), 'no more than a detail');
        assert.doesNotMatch(JSON.stringify(more), /nats:\/\/|postgres:\/\//, 'no URL, which may hold a password');
      }
    }
  }
  const all = {
    gateway: [200, { notifications: true, auth: true, bus: true }],
    notifications: [200, { store: true, bus: true }],
    auth: [200, { store: true, bus: true }],
  };

  test('names what it leans on', () => says(all));

  test('has the metrics of the contract, with type, help and labels', async () => {
    const user = await gateway.register();
    const tab = await gateway.connect(user.token, { transports: ['websocket'] }).connected();
    await tab.event('notification:new', ({ type }) => type === 'welcome').catch(() => {}); // it may have been there before
    const creator = await gateway.token(randomUUID(), '--permission', 'notification:create');
    const created = await gateway.request('POST', '/notifications', { token: creator, body: { userId: user.id, type: 'test', title: 'counted' } });
    assert.equal(created.status, 201);
    await tab.event('notification:new', ({ notificationId }) => notificationId === created.body.notificationId);
    assert.equal((await tab.emit('notification:read', { notificationId: created.body.notificationId })).ok, true);
    const refused = gateway.connect('no token');
    await eventually('it is refused', () => refused.errors.length > 0);
    refused.close();
    tab.close();
    for (const [name, metrics] of Object.entries(contract)) {
      for (const [key, type] of Object.entries(metrics)) {
        const [metric, labels = ''] = key.replace('}', '').split('{');
        await eventually(`${metric} in ${name}`, async () => {
          const body = await (await fetch(`${services[name].url}/metrics`)).text();
          assert.match(body, new RegExp(`^# HELP carillon_${metric} \\S`, 'm'));
          assert.match(body, new RegExp(`^# TYPE carillon_${metric} ${type}$`, 'm'));
          const sample = body.match(new RegExp(`^carillon_${metric}${type === 'histogram' ? '_count' : ''}(\\{.*\\})? `, 'm'));
          assert.ok(sample, 'a sample');
          for (const label of labels.split(',').filter(Boolean)) assert.match(sample[1] ?? '', new RegExp(`\\b${label}="`));
          return true;
        });
      }
    }
  });

  test('says so when NATS is stopped, and when it is there again', async () => {
    await nats.stop();
    await says({ gateway: [503, { bus: false, notifications: true, auth: true }],
      notifications: [200, { store: true, bus: false }], auth: [200, { store: true, bus: false }] });
    await nats.again();
    await says(all);
  });

  test('says so when PostgreSQL is stopped, and when it is there again', async () => {
    await postgres.stop();
    await says({ notifications: [503, { store: false, bus: true }], auth: [503, { store: false, bus: true }],
      gateway: [503, { bus: true, notifications: false, auth: false }] });
    await postgres.again();
    await says(all);
  });
});
