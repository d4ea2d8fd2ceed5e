// The process as its operator meets it: starting, refusing to start, the commands, stopping.
import { test, describe } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { open, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { Server, eventually, run, temporaryDirectory } from './harness.mjs';

const without = (flag) => free.filter((_, i) => free[i - (i % 2)] !== flag);
const free = ['--port', '0', '--auth-port', '0', '--notifications-port', '0'];

// One line that names the option, and exit code 2.
function assertRefused(result, ...parts) {
  assert.equal(result.code, 2, `${result.code} ${result.signal} ${result.stderr}`);
  const lines = result.stderr.trim().split('\n').filter((line) => !/^\d{4}-/.test(line));
  assert.equal(lines.length, 1, result.stderr);
  for (const part of parts) assert.match(lines[0], part);
}

describe('starting', () => {
  test('a port in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const dir = await temporaryDirectory();
    const port = String(taken.address().port);
    assertRefused(await run(['serve', '--data-dir', dir, ...without('--port'), '--port', port]), new RegExp(port), /in use/i);
    assertRefused(await run(['serve', '--data-dir', dir, ...without('--auth-port'), '--auth-port', port]), new RegExp(port), /in use/i);
    taken.close();
    await rm(dir, { recursive: true });
  });

  test('a port that another carillon of the same user listens on, whatever its shards', async () => {
    const server = await Server.start();
    const dir = await temporaryDirectory();
    const { port } = new URL(server.url);
    assertRefused(await run(['serve', '--data-dir', dir, ...without('--port'), '--port', port]), /--port/, new RegExp(port), /in use/i);
    assert.equal((await server.request('GET', '/livez')).status, 200);
    await server.stop();
    await rm(dir, { recursive: true });
  });

  test('an address that this machine has not', async () => {
    const dir = await temporaryDirectory();
    assertRefused(await run(['serve', '--data-dir', dir, ...free, '--host', '203.0.113.5']), /--host/, /203\.0\.113\.5/);
    await rm(dir, { recursive: true });
  });

  // Not by permissions: root, who runs this too, has them all.
  test('a data directory that cannot be made or written', async () => {
    const dir = await temporaryDirectory();
    await writeFile(join(dir, 'file'), 'x');
    await symlink(join(dir, 'nowhere'), join(dir, 'link'));
    for (const path of [join(dir, 'file', 'data'), join(dir, 'file'), join(dir, 'link'), '/proc', '/proc/carillon', '']) {
      assertRefused(await run(['serve', ...free, '--data-dir', path]), /--data-dir/);
    }
    await rm(dir, { recursive: true });
  });

  test('a damaged page of a real database is found at the start, and left as it is', async () => {
    const dir = await temporaryDirectory();
    assert.equal((await run(['migrate', '--data-dir', dir])).code, 0);
    const file = await open(join(dir, 'carillon.db'), 'r+');
    await file.write(Buffer.alloc(3000, 0xa5), 0, 3000, 4096);
    await file.close();
    const before = await readFile(join(dir, 'carillon.db'));
    assertRefused(await run(['serve', ...free, '--data-dir', dir]), /carillon\.db/, /damaged|malformed/);
    assert.deepEqual(await readFile(join(dir, 'carillon.db')), before);
    await rm(dir, { recursive: true });
  });

  test('a key file that is too short', async () => {
    const dir = await temporaryDirectory();
    await writeFile(join(dir, 'jwt-secret'), 'short\n');
    assertRefused(await run(['serve', ...free, '--data-dir', dir]), /jwt-secret/, /32 bytes/);
    assert.equal(await readFile(join(dir, 'jwt-secret'), 'utf8'), 'short\n');
    await rm(dir, { recursive: true });
  });

  test('a corrupt database is refused and left as it is', async () => {
    const dir = await temporaryDirectory();
    await writeFile(join(dir, 'carillon.db'), 'this is no database, and never was one. '.repeat(200));
    const before = await readFile(join(dir, 'carillon.db'));
    assertRefused(await run(['serve', ...free, '--data-dir', dir]), /carillon\.db/);
    assert.deepEqual(await readFile(join(dir, 'carillon.db')), before);
    await rm(dir, { recursive: true });
  });

  test('two processes on one data directory', async () => {
    const server = await Server.start();
    assertRefused(await run(['serve', ...free, '--data-dir', server.dataDir]), new RegExp(server.dataDir));
    await server.stop();
  });

  test('a typo in the configuration', async () => {
    const dir = await temporaryDirectory();
    await writeFile(join(dir, 'typo.toml'), 'prot = 3000\n');
    await writeFile(join(dir, 'broken.toml'), 'port = [1, 2]\n');
    assertRefused(await run(['serve', ...free, '--data-dir', dir, '--config', join(dir, 'typo.toml')]), /prot/);
    assertRefused(await run(['serve', '--data-dir', dir, '--config', join(dir, 'broken.toml')]), /port/);
    assertRefused(await run(['serve', ...free, '--data-dir', dir, '--config', join(dir, 'none.toml')]), /none\.toml/);
    assertRefused(await run(['serve', ...free, '--data-dir', dir, '--prot', '1']), /--prot/);
    assertRefused(await run(['serve', ...without('--port'), '--data-dir', dir, '--port', '70000']), /--port/);
    assertRefused(await run(['serve', ...free, '--data-dir', dir, '--ping-interval', '5']), /--ping-interval/, /10m/);
    for (const [name, value, wanted] of [
      ['--ping-interval', '-5s', /10m/], ['--ping-timeout', '1.5h', /10m/], ['--token-ttl', '99999999999999999h', /10m/],
      ['--auth-timeout', '0s', /at least/], ['--rate-limit', '0', /1 to/], ['--rate-limit', 'ten', /1 to/],
      ['--log-level', 'loud', /debug, info, warn/], ['--log-format', 'xml', /text or json/],
      ['--cors-origin', 'app.example.com', /https:\/\/app\.example\.com/], ['--cors-origin', 'https://a.example/', /no path/],
      ['--socketio-path', 'socket', /begins and ends/], ['--drain-seconds', '5s', /0 to 3600/], ['--jwt-secret', 'short', /32/],
      ['--internal-secret', 'short', /32/], ['--config', dir, /cannot read/],
    ]) {
      assertRefused(await run(['serve', ...free, '--data-dir', dir, name, value]), new RegExp(name), wanted);
    }
    assertRefused(await run(['serve', ...free, '--data-dir', dir, '--port']), /--port/, /wants one value/);
    assertRefused(await run(['serve', '--data-dir', dir, '--rate-limit', '1', '--rate-limit', '2']), /--rate-limit/, /wants one value/);
    await writeFile(join(dir, 'empty.toml'), 'port =\n');
    assertRefused(await run(['serve', '--data-dir', dir, '--config', join(dir, 'empty.toml')]), /--port/);
    assertRefused(await run(['serve', ...without('--port'), '--data-dir', dir], { env: { CARILLON_PORT: 'x' } }), /--port/);
    assertRefused(await run(['sevre']), /sevre/);
    await rm(dir, { recursive: true });
  });

  test('options come from the environment and a file as well', async () => {
    const dir = await temporaryDirectory();
    await writeFile(join(dir, 'carillon.toml'), 'max-sockets-per-user = 1\nlog-format = "json"\n');
    const server = await Server.start({ dataDir: join(dir, 'data'), flags: ['--config', join(dir, 'carillon.toml')], env: { CARILLON_PING_INTERVAL: '7s' } });
    const handshake = await (await fetch(`${server.url}/socket.io/?EIO=4&transport=polling`)).text();
    assert.equal(JSON.parse(handshake.slice(1)).pingInterval, 7000);
    await server.stop();
    for (const line of server.log.trim().split('\n')) assert.doesNotThrow(() => JSON.parse(line), line);
    await rm(dir, { recursive: true });
  });

  test('--help helps and --version tells', async () => {
    for (const args of [['--help'], ['serve', '--help'], ['token', '--help'], ['send', '--help'], ['migrate', '--help']]) {
      const { code, stdout } = await run(args);
      assert.equal(code, 0);
      assert.match(stdout, /--|usage/);
    }
    assert.equal((await run([])).code, 2);
    assert.match((await run(['token', '--user', randomUUID(), '--jwt-secret', 's'.repeat(32)], { env: { CARILLON_PROT: '1', CARILLON_PORT: '1' } })).stderr,
      /^carillon: CARILLON_PROT [^\n]*no option[^\n]*\n$/);
    assert.match((await run(['--version'])).stdout, /^carillon \d+\.\d+\.\d+\n$/);
  });
});

describe('commands', () => {
  test('token and send work against a running server; send prints the id', async () => {
    const server = await Server.start();
    const user = await server.register();
    const tab = await server.connect(user.token).connected();
    const common = ['send', '--url', server.url, '--user', user.id, '--type', 'test', '--title', 'From the shell'];
    const sent = await run([...common, '--body', 'Hello', '--data-dir', server.dataDir]);
    assert.equal(sent.code, 0, sent.stderr);
    const seen = await tab.event('notification:new', (payload) => payload.notificationId === sent.stdout.trim());
    assert.equal(seen.body, 'Hello');
    const token = await server.token(randomUUID(), '--permission', 'notification:create');
    assert.equal((await run([...common, '--token', token])).code, 0);
    const forbidden = await run([...common, '--token', await server.token(randomUUID())]);
    assert.equal(forbidden.code, 1);
    assert.match(forbidden.stderr, /forbidden/i);
    const nobody = await run(['send', '--url', 'http://127.0.0.1:9', '--user', user.id, '--type', 't', '--title', 't', '--token', token]);
    assert.equal(nobody.code, 1);
    assert.match(nobody.stderr, /127\.0\.0\.1:9/);
    assertRefused(await run(['token', '--user', 'me', '--data-dir', server.dataDir]), /--user/, /UUID/);
    assertRefused(await run(['token', '--data-dir', server.dataDir]), /--user/);
    tab.close();
    await server.stop();
  });

  test('migrate says what it did', async () => {
    const dir = await temporaryDirectory();
    const first = await run(['migrate', '--data-dir', join(dir, 'data')]);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /0001/);
    const second = await run(['migrate', '--data-dir', join(dir, 'data')]);
    assert.match(second.stdout, /up to date/i);
    await rm(dir, { recursive: true });
  });

  test('keys and database are private', async () => {
    const dir = join(await temporaryDirectory(), 'data');
    const server = await Server.start({ dataDir: dir });
    await server.stop();
    assert.equal((await stat(dir)).mode & 0o777, 0o700);
    for (const file of ['jwt-secret', 'internal-secret', 'carillon.db']) {
      assert.equal((await stat(join(dir, file))).mode & 0o777, 0o600, file);
    }
    await rm(dir, { recursive: true });
  });
});

describe('stopping', () => {
  test('SIGTERM drains: clients are told, sent away, and the exit code is 0', async () => {
    const server = await Server.start({ flags: ['--drain-seconds', '1'] });
    const user = await server.register();
    const tabs = await Promise.all(Array.from({ length: 5 }, () => server.connect(user.token, { reconnection: false }).connected()));
    server.child.kill('SIGTERM');
    for (const tab of tabs) {
      const { retryAfterMs } = await tab.event('server:draining');
      assert.ok(retryAfterMs >= 0 && retryAfterMs <= 60_000);
    }
    await eventually('all are sent away', () => tabs.every((tab) => tab.disconnects.length > 0));
    assert.equal(await server.stop(), 0);
    for (const tab of tabs) assert.notEqual(tab.disconnects[0], 'io server disconnect');
  });

  test('what was written is there after a stop and a start', async () => {
    const dir = await temporaryDirectory();
    const server = await Server.start({ dataDir: join(dir, 'data') });
    const user = await server.register();
    const made = await server.create(user.id, 'kept');
    await server.stop();
    await server.launch();
    const found = await server.request('GET', `/notifications/${made.notificationId}`, { token: user.token });
    assert.equal(found.status, 200);
    await server.stop();
    await rm(dir, { recursive: true });
  });
});

describe('garbage on the port', () => {
  test('gets an answer or a close, and the others carry on', async () => {
    const server = await Server.start();
    const user = await server.register();
    const tab = await server.connect(user.token).connected();
    const samples = [
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      'GET / HTTP/9.9\r\n\r\n',
      'POST /notifications HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      'GET /' + 'a'.repeat(100_000) + ' HTTP/1.1\r\nHost: x\r\n\r\n',
      'POST /socket.io/?EIO=4&transport=polling&sid=nonsense HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n\x00\x01\x02',
      '\x00'.repeat(10_000),
      'HEAD / HTTP/1.1\r\nHost: x\r\n' + 'X-A: b\r\n'.repeat(5_000) + '\r\n',
    ];
    for (const sample of samples) {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
      socket.on('error', () => {});
      let answer = '';
      socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
      socket.write(Buffer.from(sample, 'latin1'));
      await eventually(`an end of ${JSON.stringify(sample.slice(0, 40))}`, () => socket.readableEnded || socket.destroyed || /^HTTP\/1\.1 [45]/.test(answer), 20_000);
      assert.ok(!/^HTTP\/1\.1 2/.test(answer), answer.slice(0, 80));
      socket.destroy();
    }
    const made = await server.create(user.id, 'still here');
    await tab.event('notification:new', (payload) => payload.notificationId === made.notificationId);
    tab.close();
    await server.stop();
  });
});
