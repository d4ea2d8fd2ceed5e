// `./dev cluster`: NATS, PostgreSQL, two notification services, one auth service, two gateways, and HAProxy in front on port
// 3000. A status table that stays live; Ctrl-C stops it all. Data and logs are kept in build/cluster.
import { mkdirSync, writeFileSync, existsSync, readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { Balancer, Nats, Postgres, Service, pause } from './servers.mjs';

const folder = resolve('build/cluster');
const binary = resolve('build/release/carillon');
const frontPort = Number(process.env.CLUSTER_PORT ?? 3000);
mkdirSync(folder, { recursive: true });

function secret(name) {
  const file = join(folder, name);
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}

const keys = { CARILLON_INTERNAL_SECRET: secret('internal-secret') };
const userKeys = { ...keys, CARILLON_JWT_SECRET: secret('jwt-secret') };
const log = (name) => join(folder, `${name}.log`);
const parts = [];
let stopping = false;

async function add(starting) {
  const part = await starting;
  parts.push(part);
  return part;
}

const nats = await add(Nats.start(join(folder, 'nats'), { logFile: log('nats') }));
const postgres = await add(Postgres.start(join(folder, 'postgres'), { logFile: log('postgres') }));
const backends = ['--nats-url', nats.url, '--database-url', postgres.url];
const service = (name, args, env) => Service.start(binary, name, args, { env, logFile: log(name) });
const [auth, ...notifications] = await Promise.all([
  service('auth', ['auth', ...backends], userKeys),
  ...[1, 2].map((n) => service(`notifications-${n}`, ['notifications', ...backends], keys)),
].map(add));
const gateways = await Promise.all([1, 2].map((n) => add(service(`gateway-${n}`, ['gateway', '--nats-url', nats.url,
  '--notifications-url', notifications.map(({ url }) => url).join(','), '--auth-url', auth.url,
  '--trusted-proxy', '127.0.0.1'], userKeys))));

// Without stickiness: what belongs to a session of the other gateway is passed on to it.
await add(Balancer.start(join(folder, 'haproxy'), gateways, { port: frontPort, logFile: log('haproxy') }));

async function stop(code = 0) {
  if (stopping) return;
  stopping = true;
  process.stdout.write('\nStopping …\n');
  for (const part of [...parts].reverse()) await part.stop();
  process.exit(code);
}
process.on('SIGINT', () => stop());
process.on('SIGTERM', () => stop());

async function state(part) {
  if (!part.running) return 'ended';
  if (!(part instanceof Service)) return 'runs';
  try {
    const { status, body } = await part.readiness();
    const away = Object.entries(body.dependencies).filter(([, { ok }]) => !ok).map(([name]) => name);
    return (status === 200 ? 'ready' : 'not ready') + (away.length ? ` (away: ${away.join(', ')})` : '');
  } catch (error) {
    return `does not answer (${error.message})`;
  }
}

const interactive = process.stdout.isTTY;
for (let round = 0; !stopping; round += 1) {
  const rows = await Promise.all(parts.map(async (part) =>
    `${part.name.padEnd(16)} ${String(part.pid ?? '').padStart(7)}  ${String(part.port ?? '').padEnd(6)} ${await state(part)}`));
  const table = [`Carillon on NATS and PostgreSQL: http://localhost:${frontPort}   (Ctrl-C stops it all; logs: build/cluster)`, '',
    `${'process'.padEnd(16)} ${'pid'.padStart(7)}  ${'port'.padEnd(6)} state`, ...rows].join('\n');
  if (interactive) process.stdout.write(`\x1b[2J\x1b[H${table}\n`);
  else if (round === 0) process.stdout.write(`${table}\n`);
  if (!parts.every((part) => part.running)) await stop(1);
  await pause(1_000);
}
