// docs/socketio.md names a test for each row: they exist.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

test('every test that docs/socketio.md names exists, and every row has one or says why not', () => {
  const text = readFileSync(`${root}docs/socketio.md`, 'utf8');
  const sources = ['socketio', 'http', 'gateway'].flatMap((room) => readdirSync(`${root}src/${room}`)
    .filter((name) => name.endsWith('_test.cpp'))
    .map((name) => readFileSync(`${root}src/${room}/${name}`, 'utf8')));
  const known = new Set(sources.flatMap((source) => [...source.matchAll(/TEST(?:_F|_P)?\((\w+), (\w+)\)/g)].map(([, suite, name]) => `${suite}.${name}`)));
  const named = [...text.matchAll(/`([A-Z]\w+\.[A-Z]\w+)`/g)].map(([, name]) => name);
  assert.ok(named.length > 80);
  assert.deepEqual(named.filter((name) => !known.has(name)), []);
  const programs = [...text.matchAll(/`(\w+\.test\.mjs)`/g)].map(([, name]) => name);
  assert.deepEqual(programs.filter((name) => !['differential', 'clients', 'e2e'].some((dir) => existsSync(`${root}tests/${dir}/${name}`))), []);
  for (const row of text.split('\n').filter((line) => /^\| \d/.test(line))) {
    const [, , , status, shown] = row.split('|').map((cell) => cell.trim());
    assert.ok(shown || /not offered|contracts send|differs today/.test(status), row);
  }
});
