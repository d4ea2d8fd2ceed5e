// What the gateway says about itself and the services behind it is true: answers are what /openapi.json promises, and what it
// describes is there.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import Ajv from 'ajv/dist/2020.js';
import { eventually } from './harness.mjs';
import { systems } from './cluster_server.mjs';

for (const { store, start } of systems) describe(`/openapi.json: ${store}`, () => {
  let server;
  let document;
  let ajv;
  before(async () => {
    server = await start();
    const answer = await server.request('GET', '/openapi.json');
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type'), /^application\/json/);
    document = answer.body;
    ajv = new Ajv({ strict: false, validateFormats: false });
    ajv.addSchema(document, 'openapi');
  });
  after(async () => assert.equal(await server.stop(), 0));

  const resolve = (value) => (value?.$ref ? value.$ref.slice(2).split('/').reduce((at, key) => at[key], document) : value);
  const pointer = (...keys) => `openapi#/${keys.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;

  /** Holds an answer against the description of its operation. */
  function assertDescribed(path, method, answer) {
    const { responses } = document.paths[path][method];
    const status = responses[answer.status] ? String(answer.status) : 'default';
    const described = responses[status];
    assert.ok(described, `${method} ${path} answered ${answer.status}, which is not described`);
    const { content } = resolve(described);
    if (!content) return assert.equal(answer.body, '');
    const type = answer.headers.get('content-type').split(';')[0];
    assert.ok(content[type], `${method} ${path} answered ${type}`);
    const schema = described.$ref ? pointer(...described.$ref.slice(2).split('/'), 'content', type, 'schema')
      : pointer('paths', path, method, 'responses', status, 'content', type, 'schema');
    const validate = ajv.getSchema(schema);
    assert.ok(validate, schema);
    assert.ok(validate(answer.body), `${method} ${path} ${answer.status}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(answer.body)}`);
    if (content['application/problem+json']) assert.equal(answer.body.status, answer.status);
    return undefined;
  }

  test('answers are what it promises, good ones and refusals', async () => {
    const user = await server.register('Described');
    await eventually('the welcome', async () => (await server.request('GET', '/notifications/unread-count', { token: user.token })).body.count === 1);
    const token = await server.token(user.id, ...['notification:read', 'notification:update', 'notification:create', 'admin'].flatMap((p) => ['--permission', p]));
    const made = await server.create(user.id, 'one', { body: 'body', data: { url: '/x' } });
    const nobody = await server.token(randomUUID(), '--permission', 'nothing');
    const headers = { 'idempotency-key': 'k' };
    const body = { userId: user.id, type: 't', title: 'two' };
    const calls = [
      ['/notifications', 'get', [{ token }, { token, query: '?limit=1' }, { token, query: '?limit=0' }, { token, query: '?cursor=x' }, { token: nobody }, {}]],
      ['/notifications', 'post', [{ token, body, headers }, { token, body, headers }, { token, body: { ...body, title: 'three' }, headers }, { token, body: {} }, { token, body: '{' }, { token: nobody, body }, { token, body, headers: { 'content-type': 'text/plain' } }]],
      ['/notifications/unread-count', 'get', [{ token }, { token: 'nonsense' }]],
      ['/notifications/{id}', 'get', [{ token, id: made.notificationId }, { token, id: randomUUID() }, { token, id: 'x' }]],
      ['/notifications/{id}/read', 'post', [{ token, id: made.notificationId }, { token, id: randomUUID() }, { token, id: made.notificationId, headers: { 'idempotency-key': 'two words' } }]],
      ['/notifications/read-all', 'post', [{ token }, { token, body: { before: '1' } }, { token, body: { before: 'x' } }]],
      ['/auth/me', 'get', [{ token: user.token }, {}]],
      ['/auth/login', 'post', [{ body: { email: user.email, password: 'correct horse' } }, { body: { email: user.email, password: 'wrong horse' } }, { body: {} }]],
      ['/auth/register', 'post', [{ body: { email: user.email, password: 'correct horse' } }, { body: { email: 'x', password: 'y' } }]],
      ['/auth/refresh', 'post', [{}]],
      ['/auth/logout', 'post', [{}]],
      ['/.well-known/jwks.json', 'get', [{}]],
      ['/openapi.json', 'get', [{}]],
      ['/asyncapi.json', 'get', [{}]],
      ['/admin/users/{id}/data', 'get', [{ token, id: user.id }, { token, id: user.id, query: '?limit=1' }, { token, id: randomUUID() }, { token: user.token, id: user.id }]],
      ['/admin/users/{id}/revoke', 'post', [{ token, id: randomUUID() }, { token, id: randomUUID(), body: { tokenId: 'x' }, headers }, { token, id: randomUUID(), body: { tokenId: 'x' }, headers }, { token, id: 'x' }, { token, id: user.id, body: { tokenId: 7 } }, { token: nobody, id: user.id }]],
      ['/admin/users/{id}/data', 'delete', [{ token, id: user.id }, { token, id: 'x' }]],
    ];
    await check(calls, 40);
  });

  test('so are those of the services behind it', async () => {
    const userId = randomUUID();
    const token = await server.internalToken();
    const body = { userId, type: 't', title: 'one' };
    const headers = { 'idempotency-key': `internal-${userId}` };
    const made = (await server.request('POST', '/notification', { token, body, base: server.notificationsUrl })).body;
    const account = await server.register('Internal');
    const of = `?userId=${userId}`;
    const users = Array.from({ length: 1_001 }, () => userId);
    const user = await server.token(userId);
    await check([
      ['/notification', 'post', [{ token, body, headers }, { token, body, headers }, { token, body: { ...body, title: 'x' }, headers }, { token, body: {} }, { token, body: '{' }, { token: user, body }, { body }, { token, body, headers: { 'carillon-on-behalf-of': userId } }, { token, body, headers: { 'carillon-on-behalf-of': 'x' } }]],
      ['/notification', 'get', [{ token, query: of }, { token }, { token, query: `${of}&limit=101` }, { token, query: `${of}&status=x` }, { token, query: '?userId=x' }, { query: of }]],
      ['/notification/bulk', 'post', [{ token, body: { notifications: [body, { type: 't' }] } }, { token, body: { notifications: users.map(() => body) } }, { token, body: [] }]],
      ['/notification/unread-count', 'get', [{ token, query: of }, { token, query: `?userId=${randomUUID()}` }, { token }]],
      ['/notification/unread-counts', 'post', [{ token, body: { userIds: [userId, randomUUID()] } }, { token, body: { userIds: users } }, { token, body: { userIds: ['x'] } }]],
      ['/notification/sync', 'get', [{ token, query: `${of}&since=0` }, { token, query: `${of}&since=99` }, { token, query: of }, { token, query: `${of}&since=0&limit=501` }]],
      ['/notification/{id}', 'get', [{ token, id: made.notificationId, query: of }, { token, id: randomUUID(), query: of }, { token, id: 'x', query: of }]],
      ['/notification/{id}/read', 'post', [{ token, id: made.notificationId, body: { userId } }, { token, id: made.notificationId, body: { userId: randomUUID() } }, { token, id: made.notificationId, body: {} }]],
      ['/notification/reads', 'post', [{ token, body: { reads: [{ userId, notificationId: randomUUID() }] } }, { token, body: { reads: [{}] } }, { token, body: [] }]],
      ['/notification/read-all', 'post', [{ token, body: { userId } }, { token, body: { userId, before: '1' } }, { token, body: { before: '1' } }]],
      ['/users/{id}/data', 'get', [{ token, id: userId }, { token, id: userId, query: '?limit=1' }, { token, id: randomUUID() }, { token: user, id: userId }]],
      ['/users/{id}/data', 'delete', [{ token, id: userId }, { token, id: 'x' }]],
      ['/users/{id}/account', 'get', [{ token, id: account.id }, { token, id: userId }, { id: account.id }]],
      ['/users/{id}/account', 'delete', [{ token, id: account.id }, { token, id: account.id }]],
    ], 45);
  });

  /** Where the operation is answered, by the document. */
  function baseOf(path) {
    const service = document.paths[path].servers?.[0].description;
    return { 'The notification service': server.notificationsUrl, 'The auth service': server.authUrl }[service] ?? server.url;
  }

  async function check(calls, least) {
    let checked = 0;
    for (const [path, method, variants] of calls) {
      for (const { id = '', query = '', ...options } of variants) {
        const answer = await server.request(method.toUpperCase(), path.replace('{id}', id) + query, { base: baseOf(path), ...options });
        assert.ok(answer.status < 500, `${method} ${path}: ${answer.status}`);
        assertDescribed(path, method, answer);
        checked += 1;
      }
    }
    assert.ok(checked >= least, `only ${checked}`);
  }

  test('every path it names allows the methods it names', async () => {
    for (const [path, item] of Object.entries(document.paths)) {
      const answer = await server.request('OPTIONS', path.replace('{id}', randomUUID()), { base: baseOf(path) });
      const allowed = (answer.headers.get('allow') ?? '').split(', ');
      for (const method of Object.keys(item).filter((key) => ['get', 'post', 'delete'].includes(key))) {
        assert.ok(allowed.includes(method.toUpperCase()), `${method} ${path}: ${answer.status} ${allowed}`);
      }
    }
  });
});
