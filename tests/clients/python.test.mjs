// python-socketio (Debian's) against the real process: both of its clients, on each transport.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ConformanceServer } from './conformance_server.mjs';

const script = fileURLToPath(new URL('python_client.py', import.meta.url));
const python = process.env.CARILLON_PYTHON ?? '/usr/bin/python3'; // the one that Debian's packages are for
const checks = 9;

describe('python-socketio', () => {
  let server;
  // Short heartbeats: the synchronous client now and then ends without its close packet, and then waits for the next ping.
  before(async () => (server = await ConformanceServer.start({ 'ping-interval-ms': 1_000, 'ping-timeout-ms': 5_000 })));
  after(() => server.stop());

  for (const kind of ['sync', 'async']) {
    for (const mode of ['default', 'polling', 'websocket']) {
      test(`${kind} client, ${mode}`, async () => {
        const child = spawn(python, [script, server.url, kind, mode], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
        let said = '';
        child.stdout.on('data', (chunk) => (said += chunk));
        child.stderr.on('data', (chunk) => (said += chunk));
        const [code, signal] = await once(child, 'close');
        assert.equal(code, 0, `${signal ?? ''} ${said}`);
        assert.equal(said.split('\n').filter((line) => line.startsWith('ok ')).length, checks, said);
      });
    }
  }
});
