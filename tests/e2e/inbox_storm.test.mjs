// Thousands of random operations by several clients at once, over REST and over sockets: in the end everybody has the same
// exact count, nobody's count ever went back, and nobody touched what is another's.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { eventually, randomNumbers } from './harness.mjs';
import { systems } from './cluster_server.mjs';

const clientCount = 8;
const userCount = 5;
const operationCount = Number(process.env.CARILLON_STORM_OPERATIONS ?? 10_000);
const seed = Number(process.env.CARILLON_STORM_SEED ?? Date.now() % 1_000_000);

/** `SELECT` by another program, past everything of ours: for each user its unread rows and all of them. */
async function countRows(server) {
  const sqlite = `import sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
for row in db.execute("SELECT lower(hex(user_id)), sum(read_at IS NULL), count(*) FROM notifications GROUP BY user_id"): print(*row, sep="|")`;
  const text = server.postgres
    ? await server.postgres.sql("SELECT replace(user_id::text, '-', ''), count(*) FILTER (WHERE read_at IS NULL), count(*) FROM notification.notifications GROUP BY user_id")
    : (await promisify(execFile)('python3', ['-c', sqlite, `${server.dataDir}/carillon.db`])).stdout.trim();
  return text.split('\n').map((line) => line.split('|')).map(([id, unread, all]) => [id, Number(unread), Number(all)]);
}

for (const { store, start } of systems) describe(`a storm on few inboxes: ${store} (seed ${seed})`, () => {
  let server;
  before(async () => {
    server = await start({ flags: ['--rest-rate-limit', '1000000', '--rate-limit', '1000'] });
  }, { timeout: 120_000 });
  after(async () => assert.equal(await server.stop(), 0));

  /** Watches what a tab hears: one version has one count, and counts come in the order of their versions. */
  function watch(tab, owner, faults) {
    let last = -1n;
    tab.socket.on('unreadCount:updated', ({ count, version }) => {
      if (BigInt(version) < last) faults.push(`went back from ${last} to ${version}`);
      last = BigInt(version);
      const known = owner.counts.get(version);
      if (known !== undefined && known !== count) faults.push(`version ${version} has the counts ${known} and ${count}`);
      owner.counts.set(version, count);
    });
    tab.socket.on('notification:new', (event) => {
      if (event.userId !== owner.id) faults.push(`heard of a notification of ${event.userId}`);
    });
  }

  test('counts agree everywhere', async (t) => {
    const users = [];
    for (let i = 0; i < userCount; i += 1) {
      const id = randomUUID();
      const permissions = ['notification:read', 'notification:update', 'notification:create'];
      users.push({ id, token: await server.token(id, ...permissions.flatMap((name) => ['--permission', name])), known: [], counts: new Map() });
    }
    const faults = [];
    const clients = [];
    for (let i = 0; i < clientCount; i += 1) {
      const owner = users[i % userCount];
      const tab = server.connect(owner.token);
      watch(tab, owner, faults);
      await tab.connected();
      t.after(() => tab.close());
      clients.push({ owner, tab, random: randomNumbers(seed * 31 + i) });
    }

    const learn = (owner, { unreadCount, version }) => {
      const known = owner.counts.get(version);
      if (known !== undefined && known !== unreadCount) faults.push(`version ${version} has the counts ${known} and ${unreadCount}`);
      owner.counts.set(version, unreadCount);
    };
    const ask = (client, method, path, options = {}) => server.request(method, path, { token: client.owner.token, ...options });

    async function create(client) {
      const target = users[client.random(userCount)];
      const key = client.random(4) === 0 ? { 'idempotency-key': randomUUID() } : {};
      const body = { userId: target.id, type: 'storm', title: `for ${target.id}` };
      const times = key['idempotency-key'] ? 2 : 1;
      const answers = [];
      for (let i = 0; i < times; i += 1) answers.push(await ask(client, 'POST', '/notifications', { body, headers: key }));
      for (const answer of answers) assert.equal(answer.status, 201, JSON.stringify(answer.body));
      assert.equal(new Set(answers.map((answer) => answer.body.notificationId)).size, 1);
      target.known.push(answers[0].body.notificationId);
    }
    async function read(client) {
      // One's own, or another's, which must not be there.
      const target = client.random(5) === 0 ? users[client.random(userCount)] : client.owner;
      if (target.known.length === 0) return create(client);
      const id = target.known[client.random(target.known.length)];
      const own = target === client.owner;
      if (client.random(2) === 0) {
        const ack = await client.tab.emit('notification:read', { notificationId: id });
        if (own) learn(client.owner, ack);
        else assert.equal(ack.error?.code, 'not_found');
      } else {
        const answer = await ask(client, 'POST', `/notifications/${id}/read`);
        assert.equal(answer.status, own ? 200 : 404);
        if (own) learn(client.owner, answer.body);
      }
      return undefined;
    }
    async function readAll(client) {
      const newest = [...client.owner.counts.keys()].at(-1) ?? '0';
      const before = client.random(2) === 0 ? { before: String(BigInt(newest) - BigInt(client.random(5)) > 0n ? BigInt(newest) - BigInt(client.random(5)) : 0n) } : undefined;
      const answer = client.random(2) === 0 ? await client.tab.emit('notification:read-all', ...(before ? [before] : []))
        : (await ask(client, 'POST', '/notifications/read-all', { body: before })).body;
      assert.ok(answer.version !== undefined, JSON.stringify(answer));
      learn(client.owner, answer);
    }
    async function look(client) {
      const other = users[client.random(userCount)];
      if (client.random(3) === 0 && other.known.length) {
        const id = other.known[client.random(other.known.length)];
        const answer = await ask(client, 'GET', `/notifications/${id}`);
        assert.equal(answer.status, other === client.owner ? 200 : 404);
        return;
      }
      const page = (await ask(client, 'GET', `/notifications?limit=${1 + client.random(20)}&status=${['all', 'unread', 'read'][client.random(3)]}`)).body;
      learn(client.owner, page);
      assert.ok(page.data.every((row) => row.userId === client.owner.id));
    }
    async function sync(client) {
      const since = [...client.owner.counts.keys()].at(-1 - client.random(5)) ?? '0';
      const answer = await client.tab.emit('notification:sync', { since, limit: 1 + client.random(50) });
      assert.equal(answer.ok, true);
      assert.ok(answer.notifications.every((row) => row.userId === client.owner.id));
      learn(client.owner, answer);
    }

    let left = operationCount;
    await Promise.all(clients.map(async (client) => {
      while (left-- > 0) {
        const pick = client.random(100);
        if (pick < 45) await create(client);
        else if (pick < 75) await read(client);
        else if (pick < 80) await readAll(client);
        else if (pick < 92) await look(client);
        else await sync(client);
      }
    }));

    for (const user of users) {
      const { body } = await server.request('GET', '/notifications/unread-count', { token: user.token });
      for (const { tab } of clients.filter(({ owner }) => owner === user)) {
        await eventually(`every tab of ${user.id} knows version ${body.version}`, () => tab.of('unreadCount:updated').some(({ version }) => version === body.version));
        assert.equal(tab.count, body.count);
      }
      user.count = body.count;
    }
    const rows = await countRows(server);
    assert.equal(rows.length, userCount);
    for (const user of users) {
      const [, unread, all] = rows.find(([id]) => id === user.id.replaceAll('-', ''));
      assert.equal(unread, user.count, 'SELECT count(*) and the service agree');
      assert.equal(all, user.known.length, 'every creation is there once');
    }
    assert.deepEqual(faults, []);
  });

  test('a list has no gap and no repeat while others write', async () => {
    const id = randomUUID();
    const token = await server.token(id);
    const internal = await server.internalToken();
    const bulk = (count) => server.request('POST', '/notification/bulk', {
      token: internal, base: server.notificationsUrl,
      body: { notifications: Array.from({ length: count }, (_, i) => ({ userId: id, type: 'list', title: `n${i}` })) },
    });
    const before = (await bulk(300)).body.results.map(({ notification }) => notification.notificationId);
    let writing = true;
    let written = 0;
    const writer = (async () => {
      while (writing) written += (await bulk(3)).body.results.length;
    })();
    const seen = [];
    for (let cursor = ''; cursor !== null;) {
      const page = (await server.request('GET', `/notifications?limit=7${cursor && `&cursor=${encodeURIComponent(cursor)}`}`, { token })).body;
      seen.push(...page.data.map((row) => row.notificationId));
      cursor = page.nextCursor;
    }
    writing = false;
    await writer;
    assert.ok(written > 0);
    assert.equal(new Set(seen).size, seen.length, 'no repeat');
    const unique = new Set(seen);
    assert.deepEqual(before.filter((one) => !unique.has(one)), [], 'no gap');
  });
});
