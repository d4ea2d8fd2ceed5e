// Who may make tokens: the auth service signs with a private key, gateways hold public keys only and take new ones from a
// file without a restart. And the attacks on that, against the running processes.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Server, binary, eventually, run, temporaryDirectory } from './harness.mjs';
import { Nats, Postgres, Process, Service } from '../cluster/servers.mjs';

const secrets = ['--internal-secret', 'i'.repeat(40)];
const privatePem = (type, options) =>
  generateKeyPairSync(type, options).privateKey.export({ type: 'pkcs8', format: 'pem' });

const part = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A token with any header and claims; `sign` makes the bytes of its signature. */
const forge = (header, claims, signature) => {
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${Buffer.from(signature(input)).toString('base64url')}`;
};

describe('gateways with public keys only', { timeout: 300_000 }, () => {
  let folder, nats, postgres, auth, notifications, gateway;
  const files = {};
  let keySet;
  const backends = () => ['--nats-url', nats.url, '--database-url', postgres.url, ...secrets];
  const authFlags = (...keys) =>
    ['auth', ...backends(), '--register-rate-limit', '1000', ...keys.flatMap((key) => ['--jwt-private-key', files[key]])];

  /** What the auth service publishes, by way of its own port. */
  const published = async () => {
    const { stdout } = await run(['token', '--internal', ...secrets]);
    const answer = await fetch(`${auth.url}/.well-known/jwks.json`, { headers: { authorization: `Bearer ${stdout.trim()}` } });
    assert.equal(answer.status, 200);
    return answer.text();
  };

  class Gateway extends Server {
    constructor(service) {
      super();
      this.service = service;
      this.url = service.url;
    }

    async token(user, ...flags) {
      const { code, stdout, stderr } = await run(['token', '--user', user, '--jwt-private-key', files.first, ...flags]);
      if (code !== 0) throw new Error(stderr);
      return stdout.trim();
    }
  }
  const statusWith = async (token) => (await gateway.request('GET', '/notifications/unread-count', { token })).status;

  before(async () => {
    folder = await temporaryDirectory();
    for (const [name, type, options] of [['first', 'ed25519'], ['second', 'ec', { namedCurve: 'P-256' }],
      ['third', 'rsa', { modulusLength: 2048 }], ['stranger', 'ed25519'], ['weak', 'rsa', { modulusLength: 1024 }]]) {
      files[name] = join(folder, `${name}.pem`);
      await writeFile(files[name], privatePem(type, options), { mode: 0o600 });
    }
    keySet = join(folder, 'keys.json');
    [nats, postgres] = await Promise.all([Nats.start(join(folder, 'nats')), Postgres.start(join(folder, 'postgres'))]);
    auth = await Service.start(binary, 'auth', authFlags('first'));
    await writeFile(keySet, await published());
    notifications = await Service.start(binary, 'notifications', ['notifications', ...backends()]);
    gateway = new Gateway(await Service.start(binary, 'gateway', ['gateway', '--nats-url', nats.url, '--notifications-url',
      notifications.url, '--auth-url', auth.url, ...secrets, '--jwt-jwks', keySet, '--drain-seconds', '1']));
  });

  after(async () => {
    if (!gateway) Process.killAll();
    for (const service of [gateway?.service, notifications, auth]) {
      if (service) assert.equal(await service.stop(), 0, `${service.name}: ${service.log.slice(-2_000)}`);
    }
    await nats?.stop();
    await postgres?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test('a log-in, a socket and REST work with a key that the gateway cannot sign with', async () => {
    const user = await gateway.register();
    const header = JSON.parse(Buffer.from(user.token.split('.')[0], 'base64url'));
    const { body } = await gateway.request('GET', '/.well-known/jwks.json');
    assert.deepEqual({ alg: header.alg, typ: header.typ, kid: header.kid }, { alg: 'EdDSA', typ: 'at+jwt', kid: body.keys[0].kid });
    assert.equal(body.keys.length, 1);
    assert.equal(body.keys[0].d, undefined, 'the private half is not published');
    const tab = await gateway.connect(user.token).connected();
    await eventually('the welcome is counted', () => tab.count === 1);
    assert.equal(await statusWith(user.token), 200);
    assert.equal((await gateway.request('GET', '/auth/me', { token: user.token })).body.id, user.id);
    tab.close();
  });

  test('the key is rotated without a restart of the gateway, and tokens of the old one live on until it is taken away', async () => {
    const user = await gateway.register();
    const old = user.token;
    await auth.stop();
    auth.args.splice(0, auth.args.length, ...authFlags('second', 'first'), '--port', String(auth.port));
    await auth.again();
    await writeFile(keySet, await published());
    const login = await eventually('the auth service is back', async () => {
      const answer = await gateway.request('POST', '/auth/login', { body: { email: user.email, password: 'correct horse' } });
      return answer.status === 200 && answer.body;
    });
    assert.equal(JSON.parse(Buffer.from(login.accessToken.split('.')[0], 'base64url')).alg, 'ES256');
    await eventually('the gateway knows the new key', async () => (await statusWith(login.accessToken)) === 200);
    assert.equal(await statusWith(old), 200);
    const tab = await gateway.connect(login.accessToken).connected();
    tab.close();

    await writeFile(keySet, '{"keys":[');
    await eventually('the bad file is told of', () => /stay as they are/.test(gateway.service.log));
    assert.equal(await statusWith(login.accessToken), 200);

    const { keys } = JSON.parse(await published());
    await writeFile(keySet, JSON.stringify({ keys: keys.filter((key) => key.kty === 'EC') }));
    await eventually('the old key is forgotten', async () => (await statusWith(old)) === 401);
    assert.equal(await statusWith(login.accessToken), 200);
    await writeFile(keySet, await published());
    await eventually('both are known again', async () => (await statusWith(old)) === 200);
  });

  test('tokens made without the private key are refused', async () => {
    const { keys } = JSON.parse(await published());
    const known = keys.find((key) => key.crv === 'Ed25519');
    const publicPem = createPublicKey({ key: known, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: 'carillon', aud: 'carillon', sub: randomUUID(), iat: now, exp: now + 600, permissions: ['admin', 'notification:read'] };
    const hmac = (secret) => (input) => createHmac('sha256', secret).update(input).digest();
    const { privateKey: stranger, publicKey: strangersPublic } = generateKeyPairSync('ed25519');
    const byStranger = (input) => sign(null, Buffer.from(input), stranger);
    const genuine = await gateway.token(claims.sub, '--permission', 'notification:read');
    assert.equal(await statusWith(genuine), 200, 'the check itself works');
    const [head, body, mac] = genuine.split('.');
    const admin = part({ ...JSON.parse(Buffer.from(body, 'base64url')), permissions: ['admin'] });
    const header = { alg: 'EdDSA', typ: 'at+jwt', kid: known.kid };
    const forged = {
      'alg none': forge({ ...header, alg: 'none' }, claims, () => ''),
      'alg None': forge({ ...header, alg: 'None' }, claims, () => ''),
      'the public key (PEM) as an HMAC secret': forge({ ...header, alg: 'HS256' }, claims, hmac(publicPem)),
      'the public key (raw) as an HMAC secret': forge({ ...header, alg: 'HS256' }, claims, hmac(Buffer.from(known.x, 'base64url'))),
      'an empty HMAC secret': forge({ ...header, alg: 'HS256' }, claims, hmac('')),
      'another key under the known kid': forge(header, claims, byStranger),
      'a key that the token brings': forge({ ...header, jwk: strangersPublic.export({ format: 'jwk' }) }, claims, byStranger),
      'a key to be fetched': forge({ ...header, kid: 'other', jku: 'http://127.0.0.1:1/keys', x5u: 'http://127.0.0.1:1/' }, claims, byStranger),
      'kid as a path': forge({ alg: 'HS256', typ: 'at+jwt', kid: '../../../../dev/null' }, claims, hmac('')),
      'kid as SQL': forge({ ...header, kid: "x' UNION SELECT 'secret" }, claims, hmac('secret')),
      'no kid with several keys': forge({ alg: 'EdDSA', typ: 'at+jwt' }, claims, byStranger),
      'a critical extension': forge({ ...header, crit: ['b64'], b64: false }, claims, byStranger),
      'other claims under the signature': `${head}.${admin}.${mac}`,
      'another algorithm of the family': forge({ ...header, alg: 'ES256' }, claims, byStranger),
      'no signature': `${head}.${body}.`,
      'two parts': `${head}.${body}`,
      'four parts': `${genuine}.${mac}`,
      'a signature with a tail': `${genuine}AA`,
      'more than 8 KB': forge(header, { ...claims, pad: 'x'.repeat(9_000) }, byStranger),
    };
    for (const [name, token] of Object.entries(forged)) {
      const { status, body: problem } = await gateway.request('GET', '/notifications/unread-count', { token });
      assert.deepEqual({ name, status, code: problem.code }, { name, status: 401, code: 'token_invalid' });
      const tab = gateway.connect(token);
      const refusal = await eventually(`the socket is refused: ${name}`, () => tab.errors[0]);
      assert.deepEqual({ name, code: refusal.data?.code }, { name, code: 'token_invalid' });
      tab.close();
    }
  });

  test('a service\'s token is no user\'s, and a user\'s opens no service', async () => {
    const { stdout } = await run(['token', '--internal', ...secrets]);
    assert.equal(await statusWith(stdout.trim()), 401);
    const token = await gateway.token(randomUUID(), '--permission', 'admin');
    for (const service of [auth, notifications]) {
      const path = service === auth ? '/auth/me' : `/notification/unread-count?userId=${randomUUID()}`;
      assert.equal((await fetch(service.url + path, { headers: { authorization: `Bearer ${token}` } })).status, 401);
    }
  });

  test('weak and other private keys are refused at the start, in one line that names the option', async () => {
    const public_ = join(folder, 'public.pem');
    await writeFile(public_, createPublicKey(privatePem('ed25519')).export({ type: 'spki', format: 'pem' }));
    for (const file of [files.weak, public_, join(folder, 'nothing.pem')]) {
      const { code, stderr } = await run(['auth', ...backends(), '--jwt-private-key', file]);
      assert.equal(code, 2);
      assert.match(stderr.trim().split('\n').at(-1), /--jwt-private-key: /);
      assert.doesNotMatch(stderr, /-----|[A-Za-z0-9+]{40}/, 'nothing of the key');
    }
  });
});

test('serve signs with a private key as well, and `carillon token` with the same', async () => {
  const folder = await temporaryDirectory();
  const file = join(folder, 'key.pem');
  await writeFile(file, privatePem('rsa', { modulusLength: 2048 }));
  const server = await Server.start({ flags: ['--jwt-private-key', file] });
  const user = await server.register();
  assert.equal(JSON.parse(Buffer.from(user.token.split('.')[0], 'base64url')).alg, 'RS256');
  const { stdout } = await run(['token', '--user', user.id, '--jwt-private-key', file]);
  for (const token of [user.token, stdout.trim()]) {
    assert.equal((await server.request('GET', '/notifications/unread-count', { token })).status, 200);
  }
  assert.equal((await server.request('GET', '/.well-known/jwks.json')).body.keys[0].kty, 'RSA');
  assert.equal(await server.stop(), 0);
  await rm(folder, { recursive: true, force: true });
});
