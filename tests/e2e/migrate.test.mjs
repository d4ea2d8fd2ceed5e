// `carillon migrate` on PostgreSQL: it says what it did, and what is wrong in one line.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run, temporaryDirectory } from './harness.mjs';
import { Postgres } from '../cluster/servers.mjs';

let folder, postgres;
before(async () => {
  folder = await temporaryDirectory();
  postgres = await Postgres.start(join(folder, 'postgres'));
}, { timeout: 120_000 });
after(async () => {
  await postgres?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

test('migrate brings both schemas up to date once, and says so', async () => {
  const first = await run(['migrate', '--database-url', postgres.url]);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^applied notification\/0001_initial$/m);
  assert.match(first.stdout, /^applied auth\/0001_initial$/m);
  assert.match(first.stdout, /The database is up to date\./);
  const again = await run(['migrate'], { env: { CARILLON_DATABASE_URL: postgres.url } });
  assert.equal(again.code, 0, again.stderr);
  assert.equal(again.stdout.trim(), 'The database was up to date.');
  assert.equal(await postgres.sql('SELECT count(*) FROM notification.schema_migrations'), '1');
});

test('migrate refuses what it cannot use in one line, without the password', async () => {
  const { code, stdout, stderr } = await run(['migrate', '--database-url', postgres.url.replace('carillon@', 'nobody:secret@')]);
  assert.equal(code, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /--database-url: cannot connect to 127\.0\.0\.1:\d+\/carillon/);
  assert.doesNotMatch(stderr, /secret/);
  assert.equal(stderr.trim().split('\n').length, 1, stderr);
});
