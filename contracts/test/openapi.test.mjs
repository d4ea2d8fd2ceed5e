// The OpenAPI document: valid, and the routes in it are those of the gateway and of the services, no more and no fewer.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { bundle } from '../asyncapi.mjs';

const document = () => bundle('openapi.yaml');
const source = (path) => readFileSync(new URL(`../../src/${path}`, import.meta.url), 'utf8');

test('the schema of OpenAPI 3.1 finds nothing wrong', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(document());
  assert.ok(valid, JSON.stringify(errors));
  assert.equal(validator.version, '3.1');
});

test('it would find something wrong', async () => {
  const broken = document();
  broken.paths['/notifications'].get.responses = 'none';
  assert.equal((await new Validator().validate(broken)).valid, false);
});

const methods = { get: 'get', post: 'post', del: 'delete' };

/** What the document has under the tag `internal`, or all the rest: "get /path". */
const described = (internal) => Object.entries(document().paths).flatMap(([path, item]) =>
  Object.entries(item).filter(([key, operation]) => methods[key === 'delete' ? 'del' : key] && operation.tags.includes('internal') === internal)
    .map(([method]) => `${method} ${path}`)).sort();

test('every route of the gateway is in it, and no other', () => {
  const routes = [...source('gateway/public_rest.cpp').matchAll(/add\(Method::(\w+), "([^"]+)"/g)].map(([, method, path]) => `${methods[method]} ${path}`);
  const operations = [...source('http/ops_routes.cpp').matchAll(/add\("(\/[^"]+)"/g)].map(([, path]) => `get ${path}`);
  assert.ok(routes.length >= 14 && operations.length === 3, 'the tables were found');
  const served = [...routes, ...operations, 'get /openapi.json', 'get /asyncapi.json'];
  assert.deepEqual(described(false), served.sort());
});

test('so is every route of the services behind it, but those that the gateway has under the same path', () => {
  const notifications = [...source('notifications/notification_routes.cpp').matchAll(/add\(Method::(\w+), "([^"]+)"/g)];
  const others = ['notifications/user_data_routes.cpp', 'auth/auth_routes.cpp'].flatMap((file) =>
    [...source(file).matchAll(/router\.add\(\{http::Method::(\w+), "([^"]+)", internal/g)]);
  assert.ok(notifications.length >= 9 && others.length >= 8, 'the tables were found');
  const routes = [...notifications, ...others].map(([, method, path]) => `${methods[method]} ${path}`);
  const shared = described(false);
  assert.deepEqual(described(true), routes.filter((route) => !shared.includes(route)).sort());
});

test('an internal operation names its service, and wants its own token', () => {
  for (const [path, item] of Object.entries(document().paths)) {
    for (const [method, operation] of Object.entries(item).filter(([key]) => ['get', 'post', 'delete'].includes(key))) {
      const internal = operation.tags.includes('internal');
      assert.equal(Boolean(item.servers), internal, `${method} ${path}: servers`);
      if (internal) assert.deepEqual(operation.security, [{ internal: [] }], `${method} ${path}`);
    }
  }
});

test('every operation has a name of its own, and says how it refuses', () => {
  const names = new Set();
  for (const [path, item] of Object.entries(document().paths)) {
    for (const [method, operation] of Object.entries(item).filter(([key]) => ['get', 'post', 'delete'].includes(key))) {
      assert.ok(!names.has(operation.operationId), operation.operationId);
      names.add(operation.operationId);
      const open = operation.tags.includes('operations');
      assert.ok(open || operation.responses.default, `${method} ${path}`);
      // What reads, and marks, which are repeatable as they are, need no key.
      const keyless = ['/notification/unread-counts', '/notification/reads'];
      const changes = method === 'post' && !path.startsWith('/auth/') && !keyless.includes(path);
      const key = (operation.parameters ?? []).some(({ $ref }) => $ref === '#/components/parameters/idempotencyKey');
      assert.equal(key, changes, `${method} ${path}: Idempotency-Key`);
    }
  }
});
