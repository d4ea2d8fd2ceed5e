// The OpenAPI document: valid, and the routes in it are the gateway's routes, no more and no fewer.
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

test('every route of the gateway is in it, and no other', () => {
  const methods = { get: 'get', post: 'post', del: 'delete' };
  const routes = [...source('gateway/public_rest.cpp').matchAll(/add\(Method::(\w+), "([^"]+)"/g)].map(([, method, path]) => `${methods[method]} ${path}`);
  const operations = [...source('http/ops_routes.cpp').matchAll(/add\("(\/[^"]+)"/g)].map(([, path]) => `get ${path}`);
  assert.ok(routes.length >= 14 && operations.length === 3, 'the tables were found');
  const served = [...routes, ...operations, 'get /openapi.json', 'get /asyncapi.json'];
  const described = Object.entries(document().paths).flatMap(([path, item]) =>
    Object.keys(item).filter((key) => key !== 'parameters').map((method) => `${method} ${path}`));
  assert.deepEqual(described.sort(), served.sort());
});

test('every operation has a name of its own, and says how it refuses', () => {
  const names = new Set();
  for (const [path, item] of Object.entries(document().paths)) {
    for (const [method, operation] of Object.entries(item).filter(([key]) => key !== 'parameters')) {
      assert.ok(!names.has(operation.operationId), operation.operationId);
      names.add(operation.operationId);
      const open = operation.tags.includes('operations');
      assert.ok(open || operation.responses.default, `${method} ${path}`);
      const changes = method === 'post' && !path.startsWith('/auth/');
      const key = (operation.parameters ?? []).some(({ $ref }) => $ref === '#/components/parameters/idempotencyKey');
      assert.equal(key, changes, `${method} ${path}: Idempotency-Key`);
    }
  }
});
