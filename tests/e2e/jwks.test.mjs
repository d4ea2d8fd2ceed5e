// `--jwt-jwks URL`: the keys of somebody else's tokens, from their server.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { generateKeyPairSync, sign, randomUUID } from 'node:crypto';
import { binary, eventually, run } from './harness.mjs';
import { secrets } from './cluster_gateway.mjs';
import { Service, freePort } from '../cluster/servers.mjs';

class Key {
  constructor(kid) {
    this.kid = kid;
    Object.assign(this, generateKeyPairSync('rsa', { modulusLength: 2048 }));
  }

  get jwk() {
    return { ...this.publicKey.export({ format: 'jwk' }), kid: this.kid, use: 'sig', alg: 'RS256' };
  }

  token() {
    const now = Math.floor(Date.now() / 1000);
    const parts = [{ alg: 'RS256', typ: 'at+jwt', kid: this.kid },
      { iss: 'carillon', aud: 'carillon', sub: randomUUID(), iat: now, exp: now + 300, permissions: ['notification:read'] }];
    const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${text}.${sign('sha256', Buffer.from(text), this.privateKey).toString('base64url')}`;
  }
}

describe('--jwt-jwks URL', { timeout: 60_000 }, () => {
  const old = new Key('old');
  const next = new Key('next');
  let published = [old];
  let server, url, gateway;

  const flags = async (jwks) => ['gateway', '--jwt-jwks', jwks, '--nats-url', `nats://127.0.0.1:${await freePort()}`,
    '--notifications-url', 'http://127.0.0.1:1', '--auth-url', 'http://127.0.0.1:1', ...secrets, '--drain-seconds', '0'];
  /** 503: the token is good, and nobody is behind the gateway. */
  const status = async (token) =>
    (await fetch(`${gateway.url}/notifications`, { headers: { authorization: `Bearer ${token}` } })).status;

  before(async () => {
    server = createServer((request, response) => {
      if (request.url !== '/keys?tenant=1' || !published) return response.writeHead(500).end();
      response.setHeader('content-type', 'application/json');
      return response.end(JSON.stringify({ keys: published.map(({ jwk }) => jwk) }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${server.address().port}/keys?tenant=1`;
    gateway = await Service.start(binary, 'gateway', await flags(url));
  });
  after(async () => {
    assert.equal(await gateway?.stop(), 0);
    server.close();
  });

  test('takes their tokens, and new keys once a token names one', async () => {
    assert.equal(await status(old.token()), 503);
    assert.equal(await status(next.token()), 401);
    published = [old, next];
    await eventually('the new key is known', async () => (await status(next.token())) === 503, 20_000);
    assert.equal(await status(old.token()), 503);
    published = null;
    assert.equal(await status(next.token()), 503, 'the keys stay while the server is in trouble');
  });

  test('does not start without keys, and says why in one line', async () => {
    const { code, stderr } = await run(await flags(`http://127.0.0.1:${await freePort()}/keys`), { timeout: 30_000 });
    assert.equal(code, 2);
    const said = stderr.split('\n').filter((line) => line.startsWith('carillon gateway: '));
    assert.equal(said.length, 1, stderr);
    assert.match(said[0], /--jwt-jwks: cannot read http:\/\/127\.0\.0\.1:\d+\/keys: Connection refused$/);
    const wrong = await run(await flags('https://user@idp.test/keys'));
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--jwt-jwks/);
  });
});
