// `./dev cluster`: NATS, PostgreSQL, two notification services, one auth service, two gateways, and HAProxy in front on port
// 3000. A status table that stays live; Ctrl-C stops it all. Data and logs are kept in build/cluster.
import { mkdirSync, writeFileSync, existsSync, readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { Nats, Postgres, Process, Service, pause } from './servers.mjs';

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
const notifications = [];
for (const n of [1, 2]) {
  notifications.push(await add(Service.start(binary, `notifications-${n}`, ['notifications', ...backends],
    { env: keys, logFile: log(`notifications-${n}`) })));
}
const auth = await add(Service.start(binary, 'auth', ['auth', ...backends], { env: userKeys, logFile: log('auth') }));
const gateways = [];
for (const n of [1, 2]) {
  gateways.push(await add(Service.start(binary, `gateway-${n}`, ['gateway', '--nats-url', nats.url,
    '--notifications-url', notifications.map(({ url }) => url).join(','), '--auth-url', auth.url],
  { env: userKeys, logFile: log(`gateway-${n}`) })));
}

// Polling clients need the gateway that holds their session; a cookie of HAProxy's keeps them there.
writeFileSync(join(folder, 'haproxy.cfg'), `global
  maxconn 4000
defaults
  mode http
  timeout connect 2s
  timeout client 1h
  timeout server 1h
frontend front
  bind 127.0.0.1:${frontPort}
  default_backend gateways
backend gateways
  balance roundrobin
  cookie CARILLON_GATEWAY insert indirect nocache
  option httpchk GET /readyz
  default-server inter 500 fall 2 rise 1 check
${gateways.map(({ name, port }) => `  server ${name} 127.0.0.1:${port} cookie ${name}`).join('\n')}
`);
const proxy = new Process('haproxy', 'haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { logFile: log('haproxy') });
proxy.port = frontPort;
proxy.launch();
parts.push(proxy);

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
