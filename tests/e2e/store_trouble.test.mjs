// The store in trouble, for real: a full or read-only disk, a file that somebody else has locked, a PostgreSQL that takes no
// writes, does not answer or is gone. Writes answer 503 with Retry-After,
// readiness goes off, reads go on; when the trouble is over everything works again without a restart, and nothing that was
// acknowledged is missing.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { open, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Server, eventually, run, temporaryDirectory } from './harness.mjs';
import { ClusterServer } from './cluster_server.mjs';

const secret = 'a secret of these tests that is long enough';

/** A user with a token, whatever the data directory. */
async function makeUser() {
  const id = randomUUID();
  const { stdout } = await run(['token', '--user', id, '--jwt-secret', secret,
    ...['notification:read', 'notification:update', 'notification:create'].flatMap((name) => ['--permission', name])]);
  return { id, token: stdout.trim(), made: new Set() };
}

async function create(server, user) {
  const answer = await server.request('POST', '/notifications', { token: user.token, body: { userId: user.id, type: 'trouble', title: 'x', body: 'y'.repeat(3_000) } });
  if (answer.status === 201) user.made.add(answer.body.notificationId);
  return answer;
}

function assertUnavailable(answer) {
  assert.equal(answer.status, 503, JSON.stringify(answer.body));
  assert.match(answer.headers.get('content-type'), /problem\+json/);
  assert.ok(Number(answer.headers.get('retry-after')) >= 1);
}

async function assertWhole(server, user) {
  const listed = [];
  let page;
  for (let cursor = ''; cursor !== null; cursor = page.nextCursor) {
    page = (await server.request('GET', `/notifications?limit=100${cursor && `&cursor=${cursor}`}`, { token: user.token })).body;
    listed.push(...page.data.map((row) => row.notificationId));
  }
  assert.deepEqual(new Set(listed), user.made, 'what was acknowledged is there, and nothing else');
  assert.equal(page.unreadCount, user.made.size);
}

test('a full disk', { timeout: 120_000 }, async (t) => {
  const dataDir = await temporaryDirectory();
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  // A small disk of its own, seen by the server alone; this process reaches it by way of /proc.
  const server = await Server.start({
    dataDir,
    flags: ['--jwt-secret', secret, '--rest-rate-limit', '1000000'],
    wrapper: ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', `mount -t tmpfs -o size=8m tmpfs '${dataDir}' && exec "$@"`, 'sh'],
  });
  t.after(() => server.stop());
  const user = await makeUser();
  for (let i = 0; i < 20; i += 1) assert.equal((await create(server, user)).status, 201);

  const filler = `/proc/${server.pid}/root${dataDir}/filler`;
  const file = await open(filler, 'w');
  const block = Buffer.alloc(64 * 1024, 1);
  await assert.rejects(async () => {
    for (;;) await file.write(block);
  }, { code: 'ENOSPC' });
  await file.close();

  const refused = await eventually('the disk is full for the server too', async () => {
    const answer = await create(server, user);
    return answer.status === 201 ? undefined : answer;
  }, 60_000);
  assertUnavailable(refused);
  assertUnavailable(await server.request('POST', '/notifications/read-all', { token: user.token }));
  await eventually('readiness is off', async () => (await server.request('GET', '/readyz')).status === 503);
  assert.equal((await server.request('GET', '/livez')).status, 200);
  assert.equal((await server.request('GET', '/notifications', { token: user.token })).status, 200, 'reads go on');

  await rm(filler);
  await eventually('readiness is back', async () => (await server.request('GET', '/readyz')).status === 200);
  assert.equal((await create(server, user)).status, 201);
  await assertWhole(server, user);
});

test('a file that another program has locked', { timeout: 120_000 }, async (t) => {
  const server = await Server.start({ flags: ['--jwt-secret', secret, '--rest-rate-limit', '1000000'] });
  t.after(() => server.stop());
  const user = await makeUser();
  for (let i = 0; i < 5; i += 1) assert.equal((await create(server, user)).status, 201);

  const holder = spawn('python3', ['-c',
    'import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None); db.execute("BEGIN IMMEDIATE"); print("held", flush=True); sys.stdin.read(); db.execute("ROLLBACK")',
    `${server.dataDir}/carillon.db`], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => holder.kill());
  await once(holder.stdout, 'data');
  assertUnavailable(await create(server, user));
  await eventually('readiness is off', async () => (await server.request('GET', '/readyz')).status === 503);
  assert.equal((await server.request('GET', '/notifications', { token: user.token })).status, 200, 'reads go on');

  holder.stdin.end();
  await once(holder, 'close');
  await eventually('readiness is back', async () => (await server.request('GET', '/readyz')).status === 200);
  assert.equal((await create(server, user)).status, 201);
  await assertWhole(server, user);
});

test('a disk that is remounted read-only', { timeout: 120_000 }, async (t) => {
  const folder = await temporaryDirectory();
  t.after(() => rm(folder, { recursive: true, force: true }));
  const library = join(folder, 'read_only_disk.so');
  execFileSync('g++', ['-shared', '-fPIC', '-O1', '-o', library, fileURLToPath(new URL('read_only_disk.cpp', import.meta.url))]);
  const readOnly = join(folder, 'read-only');
  const server = await Server.start({
    flags: ['--jwt-secret', secret, '--rest-rate-limit', '1000000'],
    env: { LD_PRELOAD: library, CARILLON_READ_ONLY_SWITCH: readOnly },
  });
  t.after(() => server.stop());
  const user = await makeUser();
  for (let i = 0; i < 5; i += 1) assert.equal((await create(server, user)).status, 201);

  await writeFile(readOnly, '');
  assertUnavailable(await create(server, user));
  assertUnavailable(await server.request('POST', '/notifications/read-all', { token: user.token }));
  await eventually('readiness is off', async () => (await server.request('GET', '/readyz')).status === 503);
  assert.equal((await server.request('GET', '/livez')).status, 200);
  assert.equal((await server.request('GET', '/notifications', { token: user.token })).status, 200, 'reads go on');

  await rm(readOnly);
  await eventually('readiness is back', async () => (await server.request('GET', '/readyz')).status === 200);
  assert.equal((await create(server, user)).status, 201);
  await assertWhole(server, user);
});

// --- PostgreSQL

/** The server and its children. */
function processesOf(postgres) {
  return [postgres.pid, ...readFileSync(`/proc/${postgres.pid}/task/${postgres.pid}/children`, 'utf8').trim().split(' ').map(Number)];
}

const troubles = [
  {
    name: 'takes no writes',
    readsGoOn: true,
    async begin({ postgres }) {
      await postgres.sql('ALTER SYSTEM SET default_transaction_read_only = on', 'postgres');
      await postgres.sql('SELECT pg_reload_conf()', 'postgres');
    },
    async end({ postgres }) {
      await postgres.sql('BEGIN READ WRITE; COMMIT', 'postgres');
      await postgres.sql('ALTER SYSTEM RESET default_transaction_read_only', 'postgres');
      await postgres.sql('SELECT pg_reload_conf()', 'postgres');
    },
  },
  {
    name: 'does not answer',
    begin: async (server) => {
      server.stopped = processesOf(server.postgres);
      for (const pid of server.stopped) process.kill(pid, 'SIGSTOP');
    },
    end: async (server) => server.stopped.forEach((pid) => process.kill(pid, 'SIGCONT')),
  },
  { name: 'is killed', begin: ({ postgres }) => postgres.kill(), end: ({ postgres }) => postgres.again() },
];

test('a PostgreSQL in trouble', { timeout: 300_000 }, async (t) => {
  const server = await ClusterServer.start({ flags: ['--rest-rate-limit', '1000000'] });
  t.after(() => server.stop());
  const id = randomUUID();
  const user = { id, made: new Set(), token: await server.token(id, ...['notification:read', 'notification:update', 'notification:create'].flatMap((name) => ['--permission', name])) };
  const ready = async () => (await Promise.all([...server.notifications, ...server.gateways].map((service) => service.readiness()))).map(({ status }) => status);
  for (const { name, readsGoOn, begin, end } of troubles) {
    await t.test(`that ${name}`, async () => {
      for (let i = 0; i < 5; i += 1) assert.equal((await create(server, user)).status, 201);
      await begin(server);
      // A session may have a transaction under way that began before.
      const refused = await eventually('it refuses', async () => {
        const answer = await create(server, user);
        return answer.status === 201 ? undefined : answer;
      });
      assertUnavailable(refused);
      const started = Date.now();
      assertUnavailable(await server.request('POST', '/notifications/read-all', { token: user.token }));
      assert.ok(Date.now() - started < 10_000, 'nobody waits for long');
      const direct = await server.request('POST', '/notification', { token: await server.internalToken(), base: server.notificationsUrl,
        body: { userId: id, type: 'trouble', title: 'x' } });
      assertUnavailable(direct);
      await eventually('readiness is off everywhere', async () => (await ready()).every((status) => status === 503), 30_000);
      if (readsGoOn) assert.equal((await server.request('GET', '/notifications', { token: user.token })).status, 200);
      await end(server);
      await eventually('readiness is back everywhere', async () => (await ready()).every((status) => status === 200), 60_000);
      assert.equal((await create(server, user)).status, 201);
      await assertWhole(server, user);
      for (const service of server.services) assert.equal(service.starts, 1, 'nothing was started again');
    });
  }
});
