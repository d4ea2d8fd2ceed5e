// Every operation of /openapi.json gets requests that fit its description and requests that do not: none may end in a 5xx, and
// every answer is one that the description promises. schemathesis (PyPI) makes them; `./dev test` puts it into
// build/schemathesis.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Server, binary } from '../e2e/harness.mjs';

const program = fileURLToPath(new URL('../../build/schemathesis/bin/schemathesis', import.meta.url));
const folder = fileURLToPath(new URL('.', import.meta.url));
const storage = fileURLToPath(new URL('../../build/hypothesis', import.meta.url));
const examples = process.env.CARILLON_FULL === '1' ? 300 : 25;
const seed = Number(process.env.CARILLON_SEED ?? Date.now() % 1_000_000);
const checks = 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance';

let server;
before(async () => {
  server = await Server.start({ flags: ['--rest-rate-limit', '1000000', '--login-rate-limit', '1000000'] });
});
after(async () => server?.stop());

async function fuzz(t, base, options, env = {}) {
  const child = spawn(program, ['run', `${server.url}/openapi.json`, '--experimental=openapi-3.1', `--base-url=${base}`,
    '--checks', checks, '--data-generation-method', 'all', '--hypothesis-max-examples', String(examples),
    '--hypothesis-seed', String(seed), '--hypothesis-suppress-health-check=all', '--hypothesis-deadline=None',
    '--request-timeout=10000', '--no-color', ...options], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, HYPOTHESIS_STORAGE_DIRECTORY: storage, ...env } });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const [code] = await once(child, 'close');
  t.diagnostic(output.trim().split('\n').at(-1));
  assert.equal(code, 0, output);
  // It did something, and the server is as it was.
  assert.ok((await server.metric('carillon_http_requests_total', {}, base)) > 100);
  assert.ok((await server.metric('carillon_http_requests_total', { status: '200' }, base)) > 10, 'the token was taken');
  assert.equal(await server.metric('carillon_http_requests_total', { status: '500' }, base), 0);
  assert.equal((await server.request('GET', '/readyz', { base })).status, 200);
}

test(`the public API answers as it is described (seed ${seed})`, { timeout: 600_000 }, async (t) => {
  const user = randomUUID();
  const permissions = ['notification:read', 'notification:update', 'notification:create', 'admin'];
  const token = await server.token(user, ...permissions.flatMap((name) => ['--permission', name]));
  await server.create(user, 'there is one');
  await fuzz(t, server.url, ['--exclude-tag', 'internal', '--header', `Authorization: Bearer ${token}`]);
});

test(`the internal API answers as it is described (seed ${seed})`, { timeout: 600_000 }, async (t) => {
  const env = { SCHEMATHESIS_HOOKS: 'internal_token', PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1', CARILLON_BINARY: binary, CARILLON_DATA: server.dataDir };
  await fuzz(t, server.notificationsUrl, ['--include-tag', 'internal', '--exclude-path', '/users/{id}/account'], env);
  await fuzz(t, server.authUrl, ['--include-path', '/users/{id}/account'], env);
});
