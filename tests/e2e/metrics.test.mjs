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
  });

  // A polling client that authenticates and then never polls again: what is sent to it waits in its queue.
  async function sleeper(token) {
    const base = `${server.url}/socket.io/?EIO=4&transport=polling`;
    const { sid } = JSON.parse((await (await fetch(base)).text()).slice(1));
    await fetch(`${base}&sid=${sid}`, { method: 'POST', body: `40${JSON.stringify({ token })}` });
    assert.match(await (await fetch(`${base}&sid=${sid}`)).text(), /^40\{"sid"/);
  }

  test('a client that does not read: its queue, and its end as a slow consumer', async () => {
    const user = await server.register();
    await eventually('the welcome is over', async () => (await value('outbox_pending')) === 0);
    await sleeper(user.token);
    const fat = { userId: user.id, type: 'test', title: 'fat', body: '🔔'.repeat(4_000) };
    const send = async (count) => {
      const answer = await server.request('POST', '/notification/bulk', {
        base: server.notificationsUrl, token: await server.internalToken(), body: { notifications: Array(count).fill(fat) } });
      assert.equal(answer.status, 200);
    };
    await send(40);
    await eventually('the queue is seen', async () => (await value('outbound_queue_bytes')) > 500_000);
    const slow = await value('slow_consumers_total');
    await grows('disconnections_total', { reason: 'slow consumer' }, async () => {
      for (let n = 0; n < 6; n += 1) await send(40);
    });
    assert.equal(await value('slow_consumers_total'), slow + 1);
    await eventually('the queue is gone', async () => (await value('outbound_queue_bytes')) === 0);
  });

  test('what waits in the outbox', async () => {
    const token = await server.internalToken();
    let most = 0;
    let over = false;
    const watching = (async () => {
      while (!over) most = Math.max(most, await value('outbox_pending'));
    })();
    for (let n = 0; n < 40 && most === 0; n += 1) {
      const notifications = Array.from({ length: 500 }, () => ({ userId: randomUUID(), type: 'test', title: 'burst' }));
      await server.request('POST', '/notification/bulk', { base: server.notificationsUrl, token, body: { notifications } });
    }
    over = true;
    await watching;
    assert.ok(most > 0, 'the gauge never moved');
    await eventually('the outbox is empty', async () => (await value('outbox_pending')) === 0);
  });

  test('every metric of the contract is there, with its labels, help and type', async () => {
    const { body } = await server.request('GET', '/metrics');
    const contract = {
      'connections_active{transport}': 'gauge', users_active: 'gauge', connections_total: 'counter', 'disconnections_total{reason}': 'counter',
      'auth_failures_total{code}': 'counter', 'messages_received_total{event}': 'counter', 'messages_sent_total{event}': 'counter',
      rate_limited_total: 'counter', slow_consumers_total: 'counter', outbound_queue_bytes: 'gauge', delivery_latency_seconds: 'histogram',
      'http_requests_total{route,status}': 'counter', 'http_request_duration_seconds{route}': 'histogram', notifications_created_total: 'counter',
      outbox_pending: 'gauge', 'bus_events_total{subject,result}': 'counter', 'store_query_duration_seconds{query}': 'histogram',
    };
    for (const [key, type] of Object.entries(contract)) {
      const [name, labels = ''] = key.replace('}', '').split('{');
      assert.ok(new RegExp(`^# HELP carillon_${name} \\S`, 'm').test(body), name);
      assert.ok(new RegExp(`^# TYPE carillon_${name} ${type}$`, 'm').test(body), name);
      const sample = body.match(new RegExp(`^carillon_${name}${type === 'histogram' ? '_count' : ''}(\\{.*\\})? `, 'm'));
      assert.ok(sample, `no sample of ${name}`);
      for (const label of labels.split(',').filter(Boolean)) assert.match(sample[1] ?? '', new RegExp(`\\b${label}="`), `${name}: ${sample[1]}`);
    }
    for (const [name, type] of Object.entries({ resident_memory_bytes: 'gauge', cpu_seconds_total: 'counter', open_fds: 'gauge', start_time_seconds: 'gauge' })) {
      assert.ok(new RegExp(`^# TYPE carillon_process_${name} ${type}\\ncarillon_process_${name} \\d`, 'm').test(body), `process_${name}`);
    }
    const cpu = () => value('process_cpu_seconds_total');
    const earlier = await cpu();
    assert.ok(earlier > 0);
    await eventually('the processor time grows', async () => (await cpu()) > earlier);
    const few = await value('process_open_fds');
    const { token } = await server.register();
    const tabs = await Promise.all(Array.from({ length: 20 }, () => server.connect(token, { transports: ['websocket'] }).connected()));
    await eventually('their descriptors are counted', async () => (await value('process_open_fds')) >= few + 10);
    tabs.forEach((tab) => tab.close());
    assert.ok((await value('process_resident_memory_bytes')) > 1e6);
  });
});
