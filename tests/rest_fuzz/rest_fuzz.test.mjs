// Every operation of /openapi.json gets requests that fit its description and requests that do not: none may end in a 5xx.
// schemathesis (PyPI) makes them; `./dev test` puts it into build/schemathesis.
import { test, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Server } from '../e2e/harness.mjs';

const program = fileURLToPath(new URL('../../build/schemathesis/bin/schemathesis', import.meta.url));
const examples = process.env.CARILLON_FULL === '1' ? 300 : 25;
const seed = Number(process.env.CARILLON_SEED ?? Date.now() % 1_000_000);

let server;
after(async () => server?.stop());

test(`no request that is made from the description ends in a 5xx (seed ${seed})`, { timeout: 300_000 }, async (t) => {
  server = await Server.start({ flags: ['--rest-rate-limit', '1000000', '--login-rate-limit', '1000000'] });
  const user = randomUUID();
  const permissions = ['notification:read', 'notification:update', 'notification:create', 'admin'];
  const token = await server.token(user, ...permissions.flatMap((name) => ['--permission', name]));
  await server.create(user, 'there is one');
  const child = spawn(program, ['run', `${server.url}/openapi.json`, '--experimental=openapi-3.1', `--base-url=${server.url}`,
    '--header', `Authorization: Bearer ${token}`, '--checks', 'not_a_server_error', '--data-generation-method', 'all',
    '--hypothesis-max-examples', String(examples), '--hypothesis-seed', String(seed), '--hypothesis-suppress-health-check=all',
    '--hypothesis-deadline=None', '--request-timeout=10000', '--no-color'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const [code] = await once(child, 'close');
  t.diagnostic(output.trim().split('\n').at(-1));
  assert.equal(code, 0, output);
  // It did something, and the server is as it was.
  assert.ok((await server.metric('carillon_http_requests_total')) > 100);
  assert.equal(await server.metric('carillon_http_requests_total', { status: '500' }), 0);
  assert.equal((await server.request('GET', '/readyz')).status, 200);
});
