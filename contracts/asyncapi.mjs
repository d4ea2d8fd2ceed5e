// Puts asyncapi.yaml and the schemas it refers to into one document. `--out FILE` writes it as JSON; `--page FILE` writes it as
// a page for people; `--openapi FILE` writes openapi.yaml, put together alike. Used by the build, so it needs nothing but a YAML parser.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { parse } from 'yaml';

const here = dirname(fileURLToPath(import.meta.url));

/** Each schema once in `components.schemas`, by its title; what several share, by its name. */
export function bundle(file = 'asyncapi.yaml') {
  const document = parse(readFileSync(join(here, file), 'utf8'));
  const schemas = {};
  const add = (name, schema) => {
    if (schemas[name] !== undefined && !isDeepStrictEqual(schemas[name], schema)) throw new Error(`${name} is two different things`);
    schemas[name] = schema;
  };
  const localRefs = (value) => {
    if (Array.isArray(value)) return value.map(localRefs);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) =>
      [key, key === '$ref' ? inner.replace('#/$defs/', '#/components/schemas/') : localRefs(inner)]));
  };
  const visit = (value) => {
    if (Array.isArray(value)) return value.map(visit);
    if (value === null || typeof value !== 'object') return value;
    if (typeof value.$ref === 'string' && value.$ref.startsWith('./')) {
      const { $schema, $defs = {}, ...schema } = JSON.parse(readFileSync(join(here, value.$ref), 'utf8'));
      for (const [name, def] of Object.entries($defs)) add(name, localRefs(def));
      add(schema.title, localRefs(schema));
      return { $ref: `#/components/schemas/${schema.title}` };
    }
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, visit(inner)]));
  };
  const bundled = visit(document);
  for (const [name, schema] of Object.entries(bundled.components.schemas ?? {})) add(name, schema);
  bundled.components.schemas = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
  return bundled;
}

/** Told by their type; what they are is said once, at the end. */
const scalars = new Set(['uuid', 'version', 'dateTime', 'count']);
const refName = (ref) => ref.split('/').pop();

function typeText(schema, schemas) {
  if (schema === false) return 'never there';
  if (schema.$ref) {
    const name = refName(schema.$ref);
    return schemas[name].properties ? `[${name}](#${name.toLowerCase()})` : typeText({ ...schemas[name] }, schemas) + (scalars.has(name) ? ` ([${name}](#${name.toLowerCase()}))` : '');
  }
  if ('const' in schema) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(' or ');
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return choices.map((choice) => typeText(choice, schemas)).join(' or ');
  if (schema.type === 'array') return `array of ${typeText(schema.items ?? {}, schemas)}`;
  const limits = [];
  if (schema.minLength) limits.push(`at least ${schema.minLength}`);
  if (schema.maxLength) limits.push(`at most ${schema.maxLength} characters`);
  if (schema.minimum !== undefined) limits.push(`from ${schema.minimum}`);
  if (schema.maximum !== undefined && schema.maximum < Number.MAX_SAFE_INTEGER) limits.push(`to ${schema.maximum}`);
  return [schema.type ?? 'anything'].flat().join(' or ') + (limits.length > 0 ? `, ${limits.join(' ')}` : '');
}

function payloadText(schema, schemas) {
  const variants = (schema.oneOf ?? schema.anyOf ?? [schema]).map((variant) => (variant.$ref ? schemas[refName(variant.$ref)] : variant));
  return variants.map((variant) => {
    if (!variant.properties) return `${typeText(variant, schemas)}\n`;
    const rows = Object.entries(variant.properties).filter(([, property]) => property !== false).map(([name, property]) => {
      const shared = property.$ref ? refName(property.$ref) : '';
      const note = property.description ?? (scalars.has(shared) ? '' : schemas[shared]?.description) ?? '';
      return `| \`${name}\` | ${typeText(property, schemas)} | ${variant.required?.includes(name) ? 'yes' : ''} | ${note.replaceAll('|', '\\|')} |`;
    });
    const title = variants.length > 1 && variant.title ? `${variant.title}:\n\n` : '';
    if (rows.length === 0) return `${title}An empty object.\n`;
    return `${title}| field | type | always there | |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  }).join('\nor\n\n');
}

/** The document for people. */
export function page(document) {
  const { schemas } = document.components;
  const resolve = ({ $ref }) => $ref.slice(2).split('/').reduce((value, key) => value[key], document);
  const lines = [
    '<!-- Written by contracts/asyncapi.mjs from contracts/asyncapi.yaml and the schemas: npm run docs --workspace contracts -->',
    `# ${document.info.title}`, '', document.info.description, '',
    'The same for machines is `/asyncapi.json` of every gateway.', '',
  ];
  for (const [name, channel] of Object.entries(document.channels)) {
    lines.push(`## ${channel.title}${channel.address === '/' ? '' : `, subject \`${channel.address}\``}`, '');
    if (channel.description) lines.push(channel.description, '');
    for (const { host, description } of channel.servers.map(resolve)) lines.push(`\`${host}\`: ${description}`, '');
    for (const operation of Object.values(document.operations)) {
      if (operation.channel.$ref !== `#/channels/${name}`) continue;
      const messages = operation.messages?.map(resolve) ?? Object.values(channel.messages);
      const to = name === 'socket' ? (operation.action === 'receive' ? 'to the server' : 'to the client') : operation.action;
      lines.push(`### ${messages.map((message) => `\`${message.name}\``).join(', ')}: ${to}`, '', operation.summary, '');
      if (name !== 'socket' && operation.action === 'receive') continue;
      for (const message of [...messages, ...(operation.reply?.messages.map(resolve) ?? [])]) {
        lines.push(`**\`${message.name}\`**${message.title ? `: ${message.title}` : ''}`, '', payloadText(resolve(message.payload), schemas));
      }
    }
  }
  lines.push('## Shared', '');
  for (const [name, schema] of Object.entries(schemas)) {
    if (/^[A-Z]/.test(name) || !(schema.properties || scalars.has(name))) continue;
    lines.push(`### ${name}`, '', ...(schema.description ? [schema.description, ''] : []));
    if (schema.properties) lines.push(payloadText(schema, schemas));
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { out: { type: 'string' }, page: { type: 'string' }, openapi: { type: 'string' } } });
  const document = bundle();
  const outputs = [[values.out, `${JSON.stringify(document)}\n`], [values.page, page(document)],
    [values.openapi, `${JSON.stringify(bundle('openapi.yaml'))}\n`]];
  for (const [file, text] of outputs) {
    if (file === undefined) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
