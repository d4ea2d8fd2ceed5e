// A backup of the embedded database as docs/operations.md describes it: taken while the server works, then served.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Server, temporaryDirectory } from './harness.mjs';

test('a backup of the embedded database is served as it was', { timeout: 120_000 }, async () => {
  const server = await Server.start();
  const copy = await temporaryDirectory();
  let second;
  try {
    const user = randomUUID();
    const titles = Array.from({ length: 25 }, (_, i) => `No. ${i}`);
    for (const title of titles) await server.create(user, title);
    const goingOn = server.create(user, 'meanwhile');
    execFileSync('sqlite3', [join(server.dataDir, 'carillon.db'), `.backup '${join(copy, 'carillon.db')}'`]);
    await goingOn;
    for (const key of ['jwt-secret', 'internal-secret']) cpSync(join(server.dataDir, key), join(copy, key));
    await server.kill();

    second = await Server.start({ dataDir: copy });
    const token = await second.token(user, '--permission', 'notification:read');
    const { status, body } = await second.request('GET', '/notifications?limit=100', { token });
    assert.equal(status, 200);
    assert.equal(body.unreadCount, body.data.length);
    const found = body.data.map((row) => row.title).filter((title) => title !== 'meanwhile');
    assert.deepEqual(found, titles.reverse());
    await second.create(user, 'after');
  } finally {
    await second?.stop();
    rmSync(server.dataDir, { recursive: true, force: true });
    await rm(copy, { recursive: true, force: true });
  }
});
