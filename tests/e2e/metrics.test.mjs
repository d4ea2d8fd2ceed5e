// Each metric of the contract is moved by what it says it counts.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Server, eventually } from './harness.mjs';

describe('metrics', () => {
  let server;
  before(async () => {
    server = await Server.start();
  });
  after(async () => assert.equal(await server.stop(), 0));

  const value = (name, labels) => server.metric(`carillon_${name}`, labels);
  const grows = async (name, labels, action) => {
    const earlier = await value(name, labels);
    await action();
    await eventually(`${name} ${JSON.stringify(labels)} grows`, async () => (await value(name, labels)) > earlier);
  };

  test('connections, users, and why they ended', async () => {
    const user = await server.register();
    assert.equal(await value('connections_active', { transport: 'websocket' }), 0);
    let tab;
    await grows('connections_total', {}, async () => {
      tab = await server.connect(user.token, { transports: ['websocket'] }).connected();
    });
    await eventually('one WebSocket', async () => (await value('connections_active', { transport: 'websocket' })) === 1);
    assert.equal(await value('users_active'), 1);
    const polling = await server.connect(user.token, { transports: ['polling'] }).connected();
    await eventually('one poller', async () => (await value('connections_active', { transport: 'polling' })) === 1);
    assert.equal(await value('users_active'), 1);
    await grows('disconnections_total', {}, async () => {
      tab.close();
      polling.close();
    });
    await eventually('nobody is left', async () =>
      (await value('connections_active')) === 0 && (await value('users_active')) === 0);
    assert.equal(await value('connections_total'), await value('disconnections_total'));
  });

  test('failed authentications by code', async () => {
    await grows('auth_failures_total', { code: 'token_invalid' }, async () => {
      const tab = server.connect('garbage');
      await eventually('the refusal', () => tab.errors.length);
      tab.close();
    });
  });

  test('messages in and out by event, limits, deliveries', async () => {
    const user = await server.register();
    const tab = await server.connect(user.token).connected();
    await grows('messages_sent_total', { event: 'notification:new' }, () => server.create(user.id));
    await grows('messages_sent_total', { event: 'unreadCount:updated' }, () => server.create(user.id));
    await grows('delivery_latency_seconds_count', {}, () => server.create(user.id));
    await grows('messages_received_total', { event: 'notification:read-all' }, () => tab.emit('notification:read-all'));
    await grows('messages_sent_total', { event: 'notification:updated' }, async () => {
      await server.create(user.id);
      await tab.emit('notification:read-all');
    });
    await grows('messages_received_total', { event: 'other' }, () => tab.emit('whatever'));
    await grows('rate_limited_total', {}, () =>
      Promise.all(Array.from({ length: 20 }, () => tab.emit('notification:sync', { since: '0' }))));
    tab.close();
  });

  test('requests, notifications, events and queries', async () => {
    const user = randomUUID();
    await grows('http_requests_total', { route: '/notifications', status: '401' }, () => server.request('GET', '/notifications'));
    await grows('http_request_duration_seconds_count', { route: '/livez' }, () => server.request('GET', '/livez'));
    await grows('notifications_created_total', {}, () => server.create(user));
    await grows('bus_events_total', { subject: 'notification.created' }, () => server.create(user));
    await grows('bus_events_total', { subject: 'user.registered' }, () => server.register());
    await grows('store_query_duration_seconds_count', {}, () => server.create(user));
    await eventually('the outbox is empty', async () => (await value('outbox_pending')) === 0);
    assert.ok((await value('process_resident_memory_bytes')) > 1e6);
    const { body } = await server.request('GET', '/metrics');
    for (const name of ['slow_consumers_total', 'outbound_queue_bytes', 'outbox_pending']) {
      assert.match(body, new RegExp(`^carillon_${name}\\b`, 'm'));
    }
  });
});
