// Tokens that are taken back, on several gateways: over NATS, without it, and for a gateway that starts later.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Gateway, secrets, userSecret } from './cluster_gateway.mjs';
import { binary, eventually, temporaryDirectory } from './harness.mjs';
import { Nats, Postgres, Process, Service } from '../cluster/servers.mjs';

describe('revocations', { timeout: 300_000 }, () => {
  let folder, nats, postgres, auth, notifications, a, b, admin;
  const backends = () => ['--nats-url', nats.url, '--database-url', postgres.url, ...secrets];
  const gatewayFlags = () => ['gateway', '--nats-url', nats.url, '--notifications-url', notifications.url, '--auth-url', auth.url,
    ...secrets, ...userSecret, '--drain-seconds', '1'];
  const statusAt = async (gateway, token) => (await gateway.request('GET', '/notifications/unread-count', { token })).status;
  const revoke = (gateway, id, body, headers = {}) =>
    gateway.request('POST', `/admin/users/${id}/revoke`, { token: admin, body, headers });

  before(async () => {
    folder = await temporaryDirectory();
    [nats, postgres] = await Promise.all([Nats.start(join(folder, 'nats')), Postgres.start(join(folder, 'postgres'))]);
    auth = await Service.start(binary, 'auth', ['auth', ...backends(), ...userSecret, '--register-rate-limit', '1000']);
    notifications = await Service.start(binary, 'notifications', ['notifications', ...backends()]);
    [a, b] = (await Promise.all([1, 2].map((n) => Service.start(binary, `gateway-${n}`, gatewayFlags())))).map((service) => new Gateway(service));
    admin = await a.token(randomUUID(), '--permission', 'admin');
  });

  after(async () => {
    if (!b) Process.killAll();
    for (const service of [a?.service, b?.service, notifications, auth]) {
      if (service) assert.equal(await service.stop(), 0, `${service.name}: ${service.log.slice(-2_000)}`);
    }
    await nats?.stop();
    await postgres?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test('every gateway closes the sockets and refuses the token; one that starts later does too', async () => {
    const user = await a.register();
    const other = await b.register();
    const tabs = [await a.connect(user.token).connected(), await b.connect(user.token).connected()];
    const bystander = await b.connect(other.token).connected();
    const started = performance.now();
    assert.equal((await revoke(a, user.id)).status, 200);
    for (const tab of tabs) await eventually('the socket is closed', () => tab.disconnects.length > 0, 1_000);
    for (const gateway of [a, b]) await eventually('REST refuses', async () => (await statusAt(gateway, user.token)) === 401, 1_000);
    assert.ok(performance.now() - started < 1_000, `it took ${performance.now() - started} ms`);
    for (const tab of tabs) {
      const refusal = await eventually('the client is refused when it comes back', () => tab.errors[0]);
      assert.equal(refusal.data.code, 'token_invalid');
      tab.close();
    }
    assert.equal(bystander.disconnects.length, 0);
    bystander.close();

    const late = new Gateway(await Service.start(binary, 'gateway-late', gatewayFlags()));
    await eventually('the late gateway refuses the token', async () => (await statusAt(late, user.token)) === 401, 2_000);
    assert.equal(await statusAt(late, other.token), 200);
    assert.equal(await late.service.stop(), 0);
  });

  test('with NATS away, gateways hear of it from the auth service', async () => {
    const user = await a.register();
    const tab = await b.connect(user.token).connected();
    await nats.stop();
    assert.equal((await revoke(a, user.id)).status, 200);
    await eventually('the socket is closed', () => tab.disconnects.length > 0, 10_000);
    assert.equal(await statusAt(b, user.token), 401);
    tab.close();
    await nats.again();
    await eventually('both are well again', async () => (await a.service.readiness()).status === 200 && (await b.service.readiness()).status === 200, 30_000);
  });

  test('the cookie passes through the gateway, and any gateway rotates it', async () => {
    const email = `ada-${randomUUID()}@example.test`;
    const cookieOf = (answer) => answer.headers.getSetCookie().find((field) => field.startsWith('carillon_refresh='))?.split(';')[0];
    const registered = await a.request('POST', '/auth/register', { body: { email, password: 'correct horse' } });
    const first = cookieOf(registered);
    const answers = await Promise.all([a, b, a, b].map((gateway) => gateway.request('POST', '/auth/refresh', { headers: { cookie: first } })));
    assert.deepEqual(answers.map((answer) => answer.status), [200, 200, 200, 200]);
    assert.equal(new Set(answers.map(cookieOf)).size, 1);
    const foreign = await b.request('POST', '/auth/refresh', { headers: { cookie: cookieOf(answers[0]), origin: 'https://evil.example' } });
    assert.equal(foreign.status, 403);
    await auth.kill();
    assert.equal((await a.request('POST', '/auth/refresh', { headers: { cookie: cookieOf(answers[0]) } })).status, 503);
    await auth.again();
    const next = await eventually('the auth service is back', async () => {
      const answer = await b.request('POST', '/auth/refresh', { headers: { cookie: cookieOf(answers[0]) } });
      return answer.status === 200 && answer;
    });
    await eventually('the other gateway has noticed', async () => (await a.service.readiness()).status === 200, 30_000);
    assert.equal((await a.request('POST', '/auth/logout', { headers: { cookie: cookieOf(next) } })).status, 204);
    assert.equal((await b.request('POST', '/auth/refresh', { headers: { cookie: cookieOf(next) } })).status, 401);
  });

  test('an idempotency key makes a revocation once, on PostgreSQL too', async () => {
    const user = await a.register();
    const key = { 'idempotency-key': randomUUID() };
    const both = await Promise.all([a, b].map((gateway) => revoke(gateway, user.id, undefined, key)));
    assert.deepEqual(both.map((answer) => answer.status), [200, 200]);
    assert.deepEqual(both[0].body, both[1].body);
    assert.equal(both.filter((answer) => answer.headers.get('idempotency-replayed') === 'true').length, 1);
    assert.equal((await revoke(a, user.id, { tokenId: 'another' }, key)).status, 422);
  });
});
