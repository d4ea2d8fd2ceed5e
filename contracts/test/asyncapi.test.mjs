// The AsyncAPI document: valid by the official parser, complete, and its page up to date.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';
import { bundle, page } from '../asyncapi.mjs';

const at = (path) => new URL(`../${path}`, import.meta.url);

test('the official parser finds nothing wrong', async () => {
  const { document, diagnostics } = await new Parser().parse(JSON.stringify(bundle()));
  // Hints that are a matter of taste are no faults: severity 0 is an error, 1 a warning.
  const faults = diagnostics.filter(({ severity }) => severity <= 1).map(({ message, path }) => `${path.join('/')}: ${message}`);
  assert.deepEqual(faults, []);
  assert.equal(document.version(), '3.0.0');
  assert.equal(document.operations().length, 14);
});

test('the parser would find something wrong', async () => {
  const broken = bundle();
  broken.operations.read.action = 'whisper';
  const { diagnostics } = await new Parser().parse(JSON.stringify(broken));
  assert.ok(diagnostics.some(({ severity }) => severity === 0));
});

test('every schema of a socket or bus event is in it, and every example of the types', () => {
  const text = readFileSync(at('asyncapi.yaml'), 'utf8');
  for (const folder of ['socket', 'bus']) {
    for (const file of readdirSync(at(folder))) assert.ok(text.includes(`./${folder}/${file} `), `${folder}/${file}`);
  }
  const events = readFileSync(at('../clients/contracts/src/events.ts'), 'utf8');
  const names = [...events.matchAll(/^ {2}"?([\w:-]+)"?: \(/gm)].map(([, name]) => name);
  const { channels } = bundle();
  const declared = Object.values(channels.socket.messages).map((message) => message.name);
  assert.ok(names.length >= 10);
  for (const name of names) assert.ok(declared.includes(name), name);
});

test('its version is the project\'s, and its page is what it says', () => {
  const document = bundle();
  assert.ok(readFileSync(at('../CMakeLists.txt'), 'utf8').includes(`project(carillon VERSION ${document.info.version} `));
  assert.equal(readFileSync(at('../docs/events.md'), 'utf8'), page(document), 'run npm run docs --workspace contracts');
});
