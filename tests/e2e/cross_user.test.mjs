// Thousands of requests and commands with the tokens of two users, with everything that belongs to others in every place that
// takes a value: nothing of another's is ever answered, rung or changed.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { eventually, randomNumbers } from './harness.mjs';
import { systems } from './cluster_server.mjs';

const requestCount = Number(process.env.CARILLON_FUZZ_REQUESTS ?? (process.env.CARILLON_FULL === '1' ? 10_000 : 2_000));
const seed = Number(process.env.CARILLON_SEED ?? Date.now() % 1_000_000);

for (const { store, start } of systems) describe(`what is another's: ${store} (seed ${seed})`, () => {
  let server;
  before(async () => {
    server = await start({ flags: ['--rest-rate-limit', '1000000', '--rate-limit', '100000'] });
  }, { timeout: 120_000 });
  after(async () => assert.equal(await server.stop(), 0));

  const read = (user, path) => server.request('GET', path, { token: user.token });

  /** Everything that a user can see of the own inbox. */
  async function inboxOf(user) {
    const rows = [];
    let page;
    for (let cursor = ''; cursor !== null; cursor = page.nextCursor) {
      page = (await read(user, `/notifications?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)).body;
      rows.push(...page.data);
    }
    return { rows, unreadCount: page.unreadCount, version: page.version };
  }

  test('is neither read nor changed', { timeout: 300_000 }, async (t) => {
    const permissions = ['notification:read', 'notification:update', 'notification:create:self'];
    const users = [];
    for (let i = 0; i < 4; i += 1) {
      const id = randomUUID();
      const user = { id, secret: `secret-${randomUUID()}`, victim: i >= 2 };
      user.token = await server.token(id, ...permissions.flatMap((name) => ['--permission', name]));
      user.made = [];
      for (let n = 0; n < 25; n += 1) {
        const made = await server.create(id, `${user.secret} ${n}`, { body: user.secret, data: { of: user.secret } });
        user.made.push(made.notificationId);
      }
      user.cursor = (await read(user, '/notifications?limit=5')).body.nextCursor;
      user.key = randomUUID();
      const keyed = await server.request('POST', `/notifications/${user.made[0]}/read`, { token: user.token, headers: { 'idempotency-key': user.key } });
      assert.equal(keyed.status, 200);
      user.tab = await server.connect(user.token).connected();
      t.after(() => user.tab.close());
      users.push(user);
    }
    const victims = users.filter(({ victim }) => victim);
    const attackers = users.filter(({ victim }) => !victim);
    for (const user of victims) {
      await eventually('the tab is current', () => user.tab.count === 24);
      user.inbox = await inboxOf(user);
      user.heard = user.tab.events.length;
    }

    // What may not be in an answer to `user`, and what never may change hands.
    const foreign = new Map(users.map((user) => [user, users.filter((other) => other !== user)
      .flatMap((other) => [other.secret, ...other.made])]));
    let leaks = 0;
    const refuseLeaks = (user, sent, text, what) => {
      for (const word of foreign.get(user)) {
        if (!text.includes(word)) continue;
        // An id that was asked for may be repeated in a refusal; a secret never.
        if (!word.startsWith('secret-') && sent.includes(word)) continue;
        leaks += 1;
        assert.fail(`${what} answered ${user.id} with what is another's: ${text.slice(0, 300)}`);
      }
    };

    const random = randomNumbers(seed);
    const pick = (list) => list[random(list.length)];
    const anyId = () => pick([pick(users).made[random(25)], pick(users).id, randomUUID()]);
    const anyVersion = () => pick(['0', '1', String(random(60)), '9223372036854775807']);
    const extras = (me) => {
      const other = pick(users.filter((user) => user !== me));
      return pick([{}, {}, { userId: other.id }, { sub: other.id }, { user: other.id }, { notificationId: other.made[random(25)] }]);
    };
    const rest = (me) => {
      const other = pick(users);
      const query = new URLSearchParams({ ...extras(me),
        ...pick([{}, { limit: String(1 + random(100)) }, { cursor: other.cursor }, { status: pick(['all', 'unread', 'read']) }, { since: anyVersion() }]) });
      const headers = { ...pick([{}, {}, { 'x-user-id': other.id }, { 'x-forwarded-user': other.id }, { 'idempotency-key': other.key }, { 'idempotency-key': randomUUID() }]) };
      const [method, path, body] = pick([
        ['GET', '/notifications'], ['GET', '/notifications/unread-count'], ['GET', `/notifications/${anyId()}`], ['GET', '/auth/me'],
        ['POST', `/notifications/${anyId()}/read`, pick([undefined, extras(me)])],
        ['POST', '/notifications/read-all', pick([undefined, { before: anyVersion() }, { before: anyVersion(), ...extras(me) }])],
        ['POST', '/notifications', { userId: other.id, type: 't', title: 'intruder', ...extras(me) }],
        [pick(['GET', 'DELETE']), `/admin/users/${other.id}/data`],
        [pick(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']), `/notification${pick(['', '/sync', '/unread-count', '/read-all', `/${anyId()}/read`])}`, extras(me)],
      ]);
      return { method, path: `${path}?${query}`, body: method === 'GET' ? undefined : body, headers };
    };
    const command = (me) => pick([
      ['notification:read', { notificationId: anyId(), ...extras(me) }],
      ['notification:read-all', pick([undefined, { before: anyVersion(), ...extras(me) }])],
      ['notification:sync', { since: anyVersion(), limit: 1 + random(500), ...extras(me) }],
      ['AUTH', { token: pick(users.filter((user) => user !== me)).token }],
    ]);

    let left = requestCount;
    const statuses = {};
    const workers = attackers.flatMap((me) => [me, me]).map(async (me) => {
      while (left-- > 0) {
        if (random(4) === 0) {
          const [name, payload] = command(me);
          const ack = await me.tab.emit(name, ...(payload === undefined ? [] : [payload]));
          refuseLeaks(me, JSON.stringify(payload ?? ''), JSON.stringify(ack), name);
          if (name === 'AUTH') assert.equal(ack.ok, false, "another's token on a live socket");
          continue;
        }
        const { method, path, body, headers } = rest(me);
        const answer = await server.request(method, path, { token: me.token, body, headers });
        assert.ok(answer.status < 500, `${method} ${path}: ${answer.status}`);
        statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
        refuseLeaks(me, path + JSON.stringify(body ?? ''), JSON.stringify(answer.body), `${method} ${path}`);
      }
    });
    await Promise.all(workers);
    t.diagnostic(`${requestCount} requests and commands: ${JSON.stringify(statuses)}`);
    assert.ok(statuses[200] > requestCount / 10 && statuses[404] > 0 && statuses[403] > 0, 'all kinds of answers came');
    assert.equal(leaks, 0);

    for (const user of victims) {
      assert.deepEqual(await inboxOf(user), user.inbox, 'nothing of it has changed');
      assert.equal(user.tab.events.length, user.heard, 'nothing was rung');
    }
    for (const user of attackers) {
      refuseLeaks(user, '', JSON.stringify(user.tab.events), 'the socket');
      const { rows, unreadCount } = await inboxOf(user);
      assert.ok(rows.every((row) => row.userId === user.id));
      assert.equal(rows.filter((row) => row.readAt === null).length, unreadCount);
    }
  });
});
