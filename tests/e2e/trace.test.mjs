// W3C Trace Context, from the request that creates a notification to the line about the socket it was written to.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Server, binary, eventually, temporaryDirectory } from './harness.mjs';
import { Gateway, secrets, userSecret } from './cluster_gateway.mjs';
import { Nats, Postgres, Process, Service } from '../cluster/servers.mjs';

const debug = ['--log-level', 'debug', '--log-format', 'json'];
const newTrace = () => randomBytes(16).toString('hex');
const traceparent = (trace) => `00-${trace}-${randomBytes(8).toString('hex')}-01`;

const lines = (process) => process.log.split('\n').filter((line) => line.startsWith('{')).flatMap((line) => {
  try {
    return [JSON.parse(line)];
  } catch {
    return []; // the last one is still being written
  }
});
const requests = (process, trace) => lines(process).filter((line) => line.msg === 'http request' && line.trace === trace);
const writes = (process, notification) => lines(process)
  .filter((line) => line.msg === 'event written to a socket' && line.notification === notification);

/** Waits for the lines about one event on the sockets, and compares them. */
async function assertWritten(process, { notification, user, event, sockets, trace }) {
  const found = await eventually(`lines about ${event} in the log`, () => {
    const all = writes(process, notification).filter((line) => line.event === event);
    return all.length >= sockets.length && all;
  });
  assert.deepEqual(found.map(({ socket }) => socket).sort(), [...sockets].sort(), 'each socket once');
  for (const line of found) {
    assert.equal(line.level, 'debug');
    assert.equal(line.user, user);
    if (trace) assert.equal(line.trace, trace);
    else assert.match(line.trace, /^[0-9a-f]{32}$/);
  }
  return found[0].trace;
}

const invalid = {
  'all zero': `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
  'no parent': `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`,
  'capitals': '00-4BF92F3577B34DA6A3CE929D0E0E4736-B7AD6B7169203331-01',
  'version ff': 'ff-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01',
  'short': '00-4bf92f3577b34da6-b7ad6b7169203331-01',
  'words': 'not a trace',
};

describe('the trace of a request, in one process', { timeout: 60_000 }, () => {
  let server, user, tabs, creator;

  before(async () => {
    server = await Server.start({ flags: debug });
    user = await server.register();
    tabs = [server.connect(user.token), server.connect(user.token, { transports: ['websocket'], nsp: '/ws' })];
    for (const tab of tabs) await tab.connected();
    await eventually('the welcome is counted', () => tabs.every(({ count }) => count === 1));
    creator = await server.token(randomUUID(), '--permission', 'notification:create');
  });

  after(async () => {
    for (const tab of tabs ?? []) tab.close();
    await server?.stop();
  });

  const post = (headers) => server.request('POST', '/notifications', {
    token: creator, headers, body: { userId: user.id, type: 'test', title: 'traced' },
  });
  const about = (answer, event = 'notification:new') => ({
    notification: answer.body.notificationId, user: user.id, event, sockets: tabs.map(({ socket }) => socket.id),
  });

  test('a public create, to each socket of the user', async () => {
    const trace = newTrace();
    const answer = await post({ traceparent: traceparent(trace) });
    assert.equal(answer.status, 201);
    await assertWritten(server, { ...about(answer), trace });
    await eventually('the request is of the trace', () => requests(server, trace).length === 1);
  });

  test('an internal create', async () => {
    const trace = newTrace();
    const answer = await server.request('POST', '/notification', {
      base: server.notificationsUrl, token: await server.internalToken(), headers: { traceparent: traceparent(trace) },
      body: { userId: user.id, type: 'test', title: 'from inside' },
    });
    assert.equal(answer.status, 201);
    await assertWritten(server, { ...about(answer), trace });
    await eventually('the request is of the trace', () => requests(server, trace)[0]?.route === '/notification');
  });

  test('a mark', async () => {
    const created = await post({});
    await assertWritten(server, about(created));
    const trace = newTrace();
    const marked = await server.request('POST', `/notifications/${created.body.notificationId}/read`,
      { token: user.token, headers: { traceparent: traceparent(trace) } });
    assert.equal(marked.status, 200);
    await assertWritten(server, { ...about(marked, 'notification:updated'), trace });
  });

  test('an invalid traceparent, or none, begins a new one', async () => {
    const seen = new Set();
    for (const [what, header] of [...Object.entries(invalid), ['none', undefined]]) {
      const answer = await post(header === undefined ? {} : { traceparent: header });
      assert.equal(answer.status, 201, what);
      const trace = await assertWritten(server, about(answer));
      assert.ok(!(header ?? '').toLowerCase().includes(trace), what);
      assert.ok(!seen.has(trace), `${what}: a trace of its own`);
      seen.add(trace);
      await eventually('the request is of the trace', () => requests(server, trace).length === 1);
    }
  });

  test('without level debug there is no such line', async (t) => {
    const quiet = await Server.start({ flags: ['--log-format', 'json'] });
    t.after(() => quiet.stop());
    const other = await quiet.register();
    const tab = await quiet.connect(other.token).connected();
    const trace = newTrace();
    const answer = await quiet.request('POST', '/notifications', {
      token: await quiet.token(randomUUID(), '--permission', 'notification:create'),
      headers: { traceparent: traceparent(trace) }, body: { userId: other.id, type: 'test', title: 'quiet' },
    });
    await tab.event('notification:new', ({ notificationId }) => notificationId === answer.body.notificationId);
    await eventually('the request is logged', () => requests(quiet, trace).length === 1);
    assert.equal(writes(quiet, answer.body.notificationId).length, 0);
    tab.close();
  });
});

describe('the trace of a request, through NATS and PostgreSQL to two gateways', { timeout: 120_000 }, () => {
  let folder, nats, postgres, auth, notifications, services, gateways, user, tabs, creator;

  before(async () => {
    folder = await temporaryDirectory();
    [nats, postgres] = await Promise.all([Nats.start(join(folder, 'nats')), Postgres.start(join(folder, 'postgres'))]);
    const backends = ['--nats-url', nats.url, '--database-url', postgres.url, ...secrets, ...debug];
    [auth, notifications] = await Promise.all([
      Service.start(binary, 'auth', ['auth', ...backends, ...userSecret]),
      Service.start(binary, 'notifications', ['notifications', ...backends]),
    ]);
    services = await Promise.all([1, 2].map((n) => Service.start(binary, `gateway-${n}`, ['gateway', '--nats-url', nats.url,
      '--notifications-url', notifications.url, '--auth-url', auth.url, ...secrets, ...userSecret, ...debug, '--drain-seconds', '1'])));
    gateways = services.map((service) => new Gateway(service));
    user = await gateways[0].register();
    tabs = gateways.map((gateway) => gateway.connect(user.token));
    for (const tab of tabs) await tab.connected();
    await eventually('the welcome is counted', () => tabs.every(({ count }) => count === 1));
    creator = await gateways[0].token(randomUUID(), '--permission', 'notification:create');
  });

  after(async () => {
    for (const tab of tabs ?? []) tab.close();
    if (!services) Process.killAll(); // it never stood
    for (const service of [...(services ?? []), notifications, auth]) await service?.stop();
    await nats?.stop();
    await postgres?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const about = (answer, i) => ({
    notification: answer.body.notificationId, user: user.id, event: 'notification:new', sockets: [tabs[i].socket.id],
  });

  test('one trace id in the gateway that was asked, in the service, and at each socket', async () => {
    const trace = newTrace();
    const answer = await gateways[0].request('POST', '/notifications', {
      token: creator, headers: { traceparent: traceparent(trace) }, body: { userId: user.id, type: 'test', title: 'traced' },
    });
    assert.equal(answer.status, 201);
    for (const [i, service] of services.entries()) await assertWritten(service, { ...about(answer, i), trace });
    await eventually('the request is of the trace', () => requests(services[0], trace).length === 1);
    assert.equal(requests(services[1], trace).length, 0);
    await eventually('the service has it in its log', () => requests(notifications, trace).length === 1);
  });

  test('an internal create', async () => {
    const trace = newTrace();
    const answer = await gateways[0].request('POST', '/notification', {
      base: notifications.url, token: await gateways[0].internalToken(), headers: { traceparent: traceparent(trace) },
      body: { userId: user.id, type: 'test', title: 'from inside' },
    });
    assert.equal(answer.status, 201);
    for (const [i, service] of services.entries()) await assertWritten(service, { ...about(answer, i), trace });
    await eventually('the request is of the trace', () => requests(notifications, trace).length === 1);
  });

  test('an invalid one begins a new trace, the same everywhere', async () => {
    const answer = await gateways[1].request('POST', '/notifications', {
      token: creator, headers: { traceparent: invalid['all zero'] }, body: { userId: user.id, type: 'test', title: 'anew' },
    });
    assert.equal(answer.status, 201);
    const trace = await assertWritten(services[1], about(answer, 1));
    assert.notEqual(trace, '0'.repeat(32));
    await assertWritten(services[0], { ...about(answer, 0), trace });
    await eventually('the request is of the trace', () => requests(services[1], trace).length === 1);
    await eventually('the service has it in its log', () => requests(notifications, trace).length === 1);
  });
});
