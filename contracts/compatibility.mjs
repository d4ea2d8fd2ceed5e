// Refuses a change of a schema that breaks those who speak to us: compares contracts/ with baseline.json, what was released
// last. `--accept` makes the present schemas the baseline: part of a release, and of nothing else.
//
// What clients send (in) must still be accepted; what they are sent (out) must still be what they expect; bus events are both,
// as others publish them too.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const folders = ['socket', 'bus', 'http', 'internal'];
const notes = new Set(['$schema', '$defs', 'title', 'description', 'format']);
const known = new Set(['type', 'const', 'enum', 'required', 'properties', 'items', 'oneOf', 'anyOf', 'pattern', 'not',
  'minLength', 'maxLength', 'minimum', 'maximum', 'minItems', 'maxItems']);
const inbound = new Set(['socket/auth', 'socket/notification-read', 'socket/notification-read-all', 'socket/notification-sync',
  'http/create-notification', 'http/login-request', 'http/register-request', 'http/read-all-request',
  'internal/bulk-request', 'internal/read-request', 'internal/read-all-request', 'internal/unread-counts-request']);

/** 'in', 'out' or both, by a schema's path. A request that is not listed is found by its name. */
export function directionsOf(path) {
  if (path.startsWith('bus/')) return ['in', 'out'];
  return inbound.has(path) || path.endsWith('-request') ? ['in'] : ['out'];
}

export function load(folder = here) {
  const schemas = {};
  for (const name of folders) {
    for (const file of readdirSync(join(folder, name)).sort()) {
      if (file.endsWith('.json')) schemas[`${name}/${file.slice(0, -5)}`] = JSON.parse(readFileSync(join(folder, name, file), 'utf8'));
    }
  }
  return schemas;
}

const resolve = (schema, root) => (schema?.$ref ? resolve(root.$defs[schema.$ref.replace('#/$defs/', '')], root) : schema);
const typesOf = (schema) => (schema.type === undefined ? null : [schema.type].flat());
const valuesOf = (schema) => ('const' in schema ? [schema.const] : schema.enum ?? null);

/** What breaks between two schemas, for one direction: sentences, none when nothing does. */
export function breaks(before, after, direction, path = '', roots = [before, after]) {
  const [old, now] = [resolve(before, roots[0]), resolve(after, roots[1])];
  if (isDeepStrictEqual(old, now) && isDeepStrictEqual(roots[0].$defs, roots[1].$defs)) return [];
  if (old === false || old === true || now === true) return [];
  if (now === false) return [`${path} is not allowed any more`];
  for (const schema of [old, now]) {
    for (const key of Object.keys(schema)) if (!known.has(key) && !notes.has(key)) throw new Error(`${path}: the check does not know the keyword ${key}`);
  }
  const variants = (schema) => schema.oneOf ?? schema.anyOf ?? null;
  if (variants(old) || variants(now)) return variantBreaks(variants(old) ?? [old], variants(now) ?? [now], direction, path, roots);

  const found = [];
  const say = (text) => found.push(`${path || 'the payload'} ${text}`);
  // What may be in it: fewer things break a sender, more things a reader.
  const sets = (name, a, b) => {
    if (isDeepStrictEqual(a, b)) return;
    const within = (small, large) => large === null || (small !== null && small.every((value) => large.includes(value)
      || (name === 'type' && value === 'integer' && large.includes('number'))));
    if (direction === 'in' && !within(a, b)) say(`accepts less: ${name} ${JSON.stringify(a)} became ${JSON.stringify(b)}`);
    if (direction === 'out' && !within(b, a)) say(`may be something new: ${name} ${JSON.stringify(a)} became ${JSON.stringify(b)}`);
  };
  sets('type', typesOf(old), typesOf(now));
  sets('values', valuesOf(old), valuesOf(now));
  for (const [name, sign] of [['minLength', -1], ['minimum', -1], ['minItems', -1], ['maxLength', 1], ['maximum', 1], ['maxItems', 1]]) {
    const [a, b] = [old[name] ?? sign * Infinity, now[name] ?? sign * Infinity];
    const narrower = sign * (b - a) < 0;
    if (a === b) continue;
    if (direction === 'in' && narrower) say(`accepts less: ${name} ${a} became ${b}`);
    if (direction === 'out' && !narrower) say(`may be something new: ${name} ${a} became ${b}`);
  }
  for (const name of ['pattern', 'not']) {
    const gone = now[name] === undefined;
    if (isDeepStrictEqual(old[name], now[name]) || (direction === 'in' && gone) || (direction === 'out' && old[name] === undefined)) continue;
    say(`has another ${name}, and nobody can tell whether that breaks anything`);
  }
  const [needed, needs] = [old.required ?? [], now.required ?? []];
  if (direction === 'in') for (const name of needs) if (!needed.includes(name)) say(`needs ${name} now`);
  if (direction === 'out') for (const name of needed) if (!needs.includes(name)) say(`may come without ${name} now`);
  for (const [name, property] of Object.entries(old.properties ?? {})) {
    if (property === false) continue;
    const next = now.properties?.[name];
    if (next === undefined) say(`has lost the field ${name}`);
    else found.push(...breaks(property, next, direction, `${path}/${name}`, roots));
  }
  if (old.items && now.items) found.push(...breaks(old.items, now.items, direction, `${path}/items`, roots));
  else if (direction === 'in' && now.items) say('accepts only some items now');
  else if (direction === 'out' && old.items) say('may have any items now');
  return found;
}

/** Each variant there was must still be there; a reader must not meet one that was not. */
function variantBreaks(old, now, direction, path, roots) {
  const found = [];
  const best = (variant, others, compare) => {
    const each = others.map((other) => compare(variant, other));
    return each.reduce((least, next) => (next.length < least.length ? next : least), each[0] ?? [`${path} has lost a variant`]);
  };
  for (const variant of old) found.push(...best(variant, now, (a, b) => breaks(a, b, direction, path, roots)));
  if (direction === 'out') for (const variant of now) found.push(...best(variant, old, (b, a) => breaks(a, b, direction, path, roots)));
  return [...new Set(found)];
}

/** Of whole sets of schemas, by path. */
export function compare(before, after) {
  const found = [];
  for (const [path, schema] of Object.entries(before)) {
    if (after[path] === undefined) {
      found.push(`${path}: is gone`);
      continue;
    }
    for (const direction of directionsOf(path)) {
      for (const sentence of breaks(schema, after[path], direction)) if (!found.includes(`${path}: ${sentence}`)) found.push(`${path}: ${sentence}`);
    }
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const baseline = join(here, 'baseline.json');
  if (process.argv.includes('--accept')) {
    writeFileSync(baseline, `${JSON.stringify(load(), null, 1)}\n`);
  } else {
    const found = compare(JSON.parse(readFileSync(baseline, 'utf8')), load());
    for (const sentence of found) console.error(sentence);
    if (found.length > 0) process.exitCode = 1;
  }
}
