// SECURITY.md stays true: each test that it names exists, and each attack that is tested is named.
import { test, describe } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './harness.mjs';

const text = readFileSync(join(root, 'SECURITY.md'), 'utf8');
// Behind the line that explains how tests are named.
const quoted = [...text.slice(text.indexOf('\n### ')).matchAll(/`([^`\n]+)`/g)].map(([, name]) => name);
const e2e = join(root, 'tests', 'e2e');

/** The names of the tests in a file, as they are written. */
function namesIn(file) {
  const source = readFileSync(join(e2e, `${file}.test.mjs`), 'utf8');
  return [...source.matchAll(/\btest\(\s*(['"`])((?:\\.|(?!\1).)+)\1/g)].map(([, , name]) => name.replace(/\\(.)/g, '$1'));
}

describe('SECURITY.md', () => {
  test('each C++ test that it names exists', () => {
    const defined = new Set();
    for (const path of readdirSync(join(root, 'src'), { recursive: true })) {
      if (!/\.[ch]pp$/.test(path)) continue;
      const source = readFileSync(join(root, 'src', path), 'utf8');
      for (const [, suite, name] of source.matchAll(/\b(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)/g)) defined.add(`${suite}.${name}`);
    }
    const named = quoted.filter((name) => /^[A-Z]\w*\.[A-Z]\w+$/.test(name));
    assert.ok(named.length >= 30, `it names ${named.length}`);
    assert.deepEqual(named.filter((name) => !defined.has(name)), []);
  });

  test('each end-to-end test that it names exists', () => {
    const named = quoted.map((name) => name.match(/^([a-z_]+): (.+)$/)).filter((match) => match && existsSync(join(e2e, `${match[1]}.test.mjs`)));
    const looksLikeOne = quoted.filter((name) => /^[a-z_]+: ./.test(name) && !/^(typ|alg|iss|aud): /.test(name));
    assert.deepEqual(looksLikeOne.filter((name) => !named.some(([whole]) => whole === name)), [], 'no such file');
    assert.ok(named.length >= 40, `it names ${named.length}`);
    assert.deepEqual(named.filter(([, file, name]) => !namesIn(file).includes(name)).map(([whole]) => whole), []);
  });

  test('each attack that is tested is named in it', () => {
    for (const file of ['attacks', 'attacks_slow']) {
      const names = namesIn(file);
      assert.ok(names.length >= 8, file);
      assert.deepEqual(names.filter((name) => !quoted.includes(`${file}: ${name}`)), []);
    }
  });
});
