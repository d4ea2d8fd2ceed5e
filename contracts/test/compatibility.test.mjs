// The check that no schema breaks: of the schemas as they are, and of the check itself.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { breaks, compare, directionsOf, load } from '../compatibility.mjs';

const baseline = JSON.parse(readFileSync(new URL('../baseline.json', import.meta.url), 'utf8'));

test('no schema breaks those who speak to us', () => {
  assert.ok(Object.keys(baseline).length > 30);
  assert.deepEqual(compare(baseline, load()), []);
});

test('a commit that breaks a schema does not pass', () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-contracts-'));
  try {
    cpSync(fileURLToPath(new URL('..', import.meta.url)), folder, { recursive: true, filter: (path) => !path.includes('node_modules') });
    const check = () => spawnSync(process.execPath, [join(folder, 'compatibility.mjs')], { encoding: 'utf8' });
    const suite = () => spawnSync(process.execPath, ['--test', '--test-name-pattern', 'no schema breaks', join(folder, 'test/compatibility.test.mjs')],
      { encoding: 'utf8', env: { ...process.env, NODE_TEST_CONTEXT: undefined } });
    assert.equal(check().status, 0);
    assert.equal(suite().status, 0);
    const file = join(folder, 'socket/notification-new.json');
    const schema = JSON.parse(readFileSync(file, 'utf8'));
    schema.properties.heading = schema.properties.title;
    delete schema.properties.title;
    schema.required = schema.required.map((name) => (name === 'title' ? 'heading' : name));
    writeFileSync(file, JSON.stringify(schema));
    const refused = check();
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /^socket\/notification-new: .*title/m);
    assert.equal(suite().status, 1);
    // An optional field more is nobody's harm.
    schema.properties.title = schema.properties.heading;
    schema.required = schema.required.map((name) => (name === 'heading' ? 'title' : name));
    writeFileSync(file, JSON.stringify(schema));
    assert.equal(check().status, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('the check', () => {
  const object = (properties, required = Object.keys(properties)) => ({ type: 'object', required, properties });
  const text = { type: 'string', minLength: 1, maxLength: 10 };
  const cases = [
    // [what, before, after, breaks a sender, breaks a reader]
    ['nothing', object({ a: text }), object({ a: text }), false, false],
    ['another description', object({ a: text }), object({ a: { ...text, description: 'x' } }), false, false],
    ['a new optional field', object({ a: text }), object({ a: text, b: text }, ['a']), false, false],
    ['a new field that is always there', object({ a: text }), object({ a: text, b: text }), true, false],
    ['a lost field', object({ a: text, b: text }), object({ a: text }), true, true],
    ['a lost optional field', object({ a: text, b: text }, ['a']), object({ a: text }), true, true],
    ['a renamed field', object({ a: text }), object({ c: text }), true, true],
    ['a field that becomes optional', object({ a: text }), object({ a: text }, []), false, true],
    ['a field that becomes required', object({ a: text }, []), object({ a: text }), true, false],
    ['a field that is forbidden', object({ a: text }, []), object({ a: false }, []), true, true],
    ['another type', object({ a: text }), object({ a: { type: 'integer' } }), true, true],
    ['null as well', object({ a: { type: 'string' } }), object({ a: { type: ['string', 'null'] } }), false, true],
    ['null no more', object({ a: { type: ['string', 'null'] } }), object({ a: { type: 'string' } }), true, false],
    ['a type where there was any', object({ a: {} }), object({ a: { type: 'string' } }), true, false],
    ['integers become numbers', { type: 'integer' }, { type: 'number' }, false, true],
    ['numbers become integers', { type: 'number' }, { type: 'integer' }, true, false],
    ['a shorter text', text, { ...text, maxLength: 9 }, true, false],
    ['a longer text', text, { ...text, maxLength: 11 }, false, true],
    ['a limit where there was none', { type: 'string' }, { type: 'string', maxLength: 5 }, true, false],
    ['a greater minimum', { type: 'integer', minimum: 0 }, { type: 'integer', minimum: 1 }, true, false],
    ['a smaller minimum', { type: 'integer', minimum: 0 }, { type: 'integer', minimum: -1 }, false, true],
    ['fewer items', { type: 'array', items: text, maxItems: 5 }, { type: 'array', items: text, maxItems: 4 }, true, false],
    ['other items', { type: 'array', items: text }, { type: 'array', items: { type: 'integer' } }, true, true],
    ['any items', { type: 'array', items: text }, { type: 'array' }, false, true],
    ['one more value', { enum: ['a'] }, { enum: ['a', 'b'] }, false, true],
    ['one value less', { enum: ['a', 'b'] }, { enum: ['a'] }, true, false],
    ['another constant', { const: 'a' }, { const: 'b' }, true, true],
    ['another pattern', { type: 'string', pattern: 'a' }, { type: 'string', pattern: 'b' }, true, true],
    ['a pattern where there was none', { type: 'string' }, { type: 'string', pattern: 'b' }, true, false],
    ['a pattern less', { type: 'string', pattern: 'a' }, { type: 'string' }, false, true],
    ['one more variant', { oneOf: [object({ a: { const: 1 } })] }, { oneOf: [object({ a: { const: 1 } }), object({ a: { const: 2 } })] }, false, true],
    ['one variant less', { oneOf: [object({ a: { const: 1 } }), object({ b: text })] }, { oneOf: [object({ a: { const: 1 } })] }, true, true],
    ['variants in another order', { oneOf: [object({ a: { const: 1 } }), object({ b: text })] }, { oneOf: [object({ b: text }), object({ a: { const: 1 } })] }, false, false],
    ['deep inside', object({ a: object({ b: { type: 'array', items: object({ c: text }) } }) }), object({ a: object({ b: { type: 'array', items: object({ d: text }) } }) }), true, true],
    ['behind a reference', { $defs: { x: text }, ...object({ a: { $ref: '#/$defs/x' } }) }, { $defs: { x: { ...text, maxLength: 3 } }, ...object({ a: { $ref: '#/$defs/x' } }) }, true, false],
  ];
  for (const [what, before, after, sender, reader] of cases) {
    test(`${what}: ${sender ? 'breaks' : 'spares'} senders, ${reader ? 'breaks' : 'spares'} readers`, () => {
      assert.equal(breaks(before, after, 'in').length > 0, sender, breaks(before, after, 'in').join());
      assert.equal(breaks(before, after, 'out').length > 0, reader, breaks(before, after, 'out').join());
    });
  }

  test('a schema that is gone, one that is new, and which way each goes', () => {
    assert.deepEqual(compare({ 'socket/x': text }, { 'socket/y': text }), ['socket/x: is gone']);
    assert.deepEqual(directionsOf('bus/notification-created'), ['in', 'out']);
    assert.deepEqual(directionsOf('socket/notification-read'), ['in']);
    assert.deepEqual(directionsOf('http/some-new-request'), ['in']);
    assert.deepEqual(directionsOf('http/notification'), ['out']);
  });

  test('a keyword that it does not know is not passed over', () => {
    assert.throws(() => breaks({ type: 'object' }, { type: 'object', dependentRequired: {} }, 'in'), /dependentRequired/);
  });

  test('every payload of today, with any one field taken away or renamed, is refused', () => {
    const today = load();
    let tried = 0;
    for (const [path, schema] of Object.entries(today)) {
      for (const name of Object.keys(schema.properties ?? {})) {
        const changed = structuredClone(schema);
        delete changed.properties[name];
        assert.notDeepEqual(compare({ [path]: schema }, { [path]: changed }), [], `${path} without ${name}`);
        changed.properties[`${name}2`] = schema.properties[name];
        assert.notDeepEqual(compare({ [path]: schema }, { [path]: changed }), [], `${path} with ${name} renamed`);
        tried += 1;
      }
    }
    assert.ok(tried > 90, String(tried));
  });
});
