// `carillon loadtest` against the real server, against gateways that misbehave, and as its user meets it.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { readFile, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';
import { Server, binary, eventually, run, temporaryDirectory } from './harness.mjs';

const secret = 'a secret of the load test, long enough';

let server;
let dir;

before(async () => {
  server = await Server.start();
  dir = await temporaryDirectory();
});
after(async () => {
  await server.stop();
  await rm(dir, { recursive: true });
});

// Runs a load test to its end; `json` is what it wrote.
async function loadtest(flags, { url = server.url, keys = ['--data-dir', server.dataDir] } = {}) {
  const file = join(dir, `${randomUUID()}.json`);
  const result = await run(['loadtest', '--url', url, ...keys, '--json', file, '--quiet', ...flags], { timeout: 60_000 });
  const json = await readFile(file, 'utf8').then(JSON.parse, () => undefined);
  return { ...result, json };
}

const met = (json, name) => json.checks.find((check) => check.name === name)?.met;

describe('each scenario with 50 clients', () => {
  for (const scenario of ['connect', 'push', 'read', 'churn', 'mixed', 'storm']) {
    test(scenario, async () => {
      const report = join(dir, `${scenario}.html`);
      const { code, stdout, stderr, json } = await loadtest([
        '--scenario', scenario, '--duration', '2s', '--churn-rate', '0.3', '--report', report, '--pid', `gateway=${server.pid}`,
      ]);
      assert.equal(code, 0, stdout + stderr);
      assert.equal(json.schema, 'carillon-loadtest/1');
      assert.equal(json.verdict, 'passed');
      assert.equal(json.connections.connected, 50);
      assert.equal(json.connections.latencyMs.count >= 50, true);
      assert.ok(json.generator.cpuPercent > 0);
      const measured = json.phases.at(-1).servers[0];
      assert.ok(measured.seen && measured.memoryKb > 1_000, JSON.stringify(measured));
      if (scenario !== 'connect') {
        const { created, owed, delivered, lost, duplicated, toWrongUser, latencyMs } = json.notifications;
        assert.ok(created > 20, `${created} created`);
        assert.deepEqual({ lost, duplicated, toWrongUser }, { lost: 0, duplicated: 0, toWrongUser: 0 });
        assert.equal(delivered, owed);
        assert.ok(owed >= created * 1.5, 'two tabs each');
        assert.ok(latencyMs.p50 > 0 && latencyMs.p50 <= latencyMs.p99 && latencyMs.p99 <= latencyMs.max);
      }
      if (scenario === 'read' || scenario === 'mixed') {
        assert.ok(json.reads.acked > 5, JSON.stringify(json.reads));
        assert.equal(json.reads.lost + json.reads.duplicated + json.reads.unanswered, 0);
      }
      if (scenario === 'churn') assert.ok(json.connections.attempts > 60, 'clients came and went');
      if (scenario === 'storm') {
        assert.equal(json.storm.back, 50);
        assert.ok(json.storm.currentMs >= json.storm.backMs && json.storm.backMs > 0, JSON.stringify(json.storm));
      }
      const html = await readFile(report, 'utf8');
      assert.match(html, /<svg/);
      assert.doesNotMatch(html, /<script|<link|src=|@import|url\(/, 'the report needs nothing else');
      assert.match(stdout, /passed: every threshold was met/);
    });
  }
});

describe('thresholds and exit codes', () => {
  test('a missed threshold is named, and the exit code is 1', async () => {
    const { code, stdout, json } = await loadtest(['--scenario', 'push', '--duration', '1s', '--max-p50-ms', '0.0001']);
    assert.equal(code, 1, stdout);
    assert.equal(json.verdict, 'failed');
    assert.equal(met(json, 'delivery p50'), false);
    assert.match(stdout, /MISSED delivery p50/);
  });

  test('nobody there', async () => {
    const { code, stderr, json } = await loadtest(['--scenario', 'connect', '--clients', '4'], { url: 'http://127.0.0.1:9' });
    assert.equal(code, 1);
    assert.match(stderr, /no client could connect to http:\/\/127\.0\.0\.1:9: Connection refused/);
    assert.equal(json.connections.connected, 0);
    assert.equal(met(json, 'connected'), false);
  });

  test('tokens that the gateway refuses', async () => {
    const { code, stderr, json } = await loadtest(['--scenario', 'connect', '--clients', '4'], { keys: ['--jwt-secret', secret] });
    assert.equal(code, 1);
    assert.match(stderr, /refused: token_invalid/);
    assert.equal(json.connections.failures['refused: token_invalid'], 4);
  });

  test('what it cannot do is one line that names the option, and exit code 2', async () => {
    const refused = async (expected, ...flags) => {
      const { code, stderr } = await run(['loadtest', '--data-dir', server.dataDir, ...flags]);
      assert.equal(code, 2, stderr);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
      assert.match(stderr, expected);
    };
    await refused(/--scenario: wants connect, push/, '--scenario', 'rain');
    await refused(/--url: wants a http:\/\//, '--url', 'localhost:3000');
    await refused(/TLS/, '--url', 'https://127.0.0.1');
    await refused(/--pid: wants NAME=PID/, '--pid', 'gateway=x');
    await refused(/--pid: there is no process/, '--pid', 'gateway=999999999');
    await refused(/--tabs/, '--tabs', '5000');
    await refused(/--hold: wants --scenario push/, '--hold');
    await refused(/--kill: wants --scenario storm and the name of a --pid, not 'gateway'/, '--scenario', 'storm', '--kill', 'gateway');
    await refused(/--freeze: wants --scenario push/, '--scenario', 'storm', '--freeze', 'gateway');
    await refused(/--clients: wants a multiple of --tabs/, '--clients', '51');
    await refused(/--duration/, '--duration', '5');
    await refused(/--jwt-secret/, '--jwt-secret', 'short');
    await refused(/--token-file/, '--token-file', join(dir, 'nothing'));
    await refused(/--clients: .* open files/, '--clients', '900000000');
    await refused(/--nats-url: no NATS server at nats:\/\/127\.0\.0\.1:9/, '--nats-url', 'nats://127.0.0.1:9', '--scenario', 'push');
    await refused(/--data-dir/, '--data-dir', join(dir, 'none'));
  });

  test('Ctrl-C ends it early, and the report is written all the same', async () => {
    const file = join(dir, 'stopped.json');
    const child = spawn(binary, ['loadtest', '--url', server.url, '--data-dir', server.dataDir, '--duration', '10m', '--json', file,
      '--report', join(dir, 'stopped.html')], { stdio: ['ignore', 'ignore', 'pipe'] });
    let progress = '';
    child.stderr.on('data', (chunk) => (progress += chunk));
    await eventually('it is under way', () => /delivered/.test(progress));
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    assert.equal(code, 130, progress);
    const json = JSON.parse(await readFile(file, 'utf8'));
    assert.equal(json.verdict, 'interrupted');
    assert.ok(json.notifications.delivered > 0);
    assert.match(await readFile(join(dir, 'stopped.html'), 'utf8'), /interrupted/);
  });
});

// Asks JetStream's API over the plain NATS protocol.
async function askJetStream(port, subject, body = '') {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk));
  socket.write(`CONNECT {"verbose":false}\r\nSUB box 1\r\nPUB ${subject} box ${body.length}\r\n${body}\r\n`);
  const match = await eventually('JetStream answers', () => answer.match(/MSG box 1 \d+\r\n(.*)\r\n/));
  socket.destroy();
  return JSON.parse(match[1]);
}

test('events straight onto JetStream: each is on the stream, and a gateway that does not follow it fails', async () => {
  const nats = spawn('nats-server', ['-js', '-a', '127.0.0.1', '-p', '-1', '-sd', join(dir, 'nats')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  nats.stderr.on('data', (chunk) => (log += chunk));
  try {
    const port = await eventually('NATS is ready', () => /Server is ready/.test(log) && Number(log.match(/client connections on 127\.0\.0\.1:(\d+)/)[1]));
    const flags = ['--scenario', 'push', '--nats-url', `nats://127.0.0.1:${port}`, '--events', '500', '--rate', '0', '--grace', '500ms', '--no-sync'];
    const without = await loadtest(flags);
    assert.equal(without.json.notifications.createFailures['NATS: no stream has the subject'], 500);
    const stream = { name: 'NOTIFICATION_EVENT', subjects: ['notification.>'], storage: 'file', retention: 'limits', discard: 'old', num_replicas: 1 };
    await askJetStream(port, '$JS.API.STREAM.CREATE.NOTIFICATION_EVENT', JSON.stringify(stream));
    const { code, json } = await loadtest(flags);
    assert.equal(code, 1);
    assert.equal(json.notifications.created, 500);
    assert.equal(json.notifications.lost, 1000, 'the embedded server has a bus of its own');
    assert.equal((await askJetStream(port, '$JS.API.STREAM.INFO.NOTIFICATION_EVENT')).state.messages, 500);
  } finally {
    nats.kill('SIGKILL');
  }
});

test('a server that is killed under way is seen', async () => {
  const victim = await Server.start();
  const file = join(dir, 'killed.json');
  const child = spawn(binary, ['loadtest', '--url', victim.url, '--data-dir', victim.dataDir, '--duration', '3s', '--grace', '1s',
    '--json', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let progress = '';
  child.stderr.on('data', (chunk) => (progress += chunk));
  const ended = once(child, 'close');
  await eventually('it is under way', () => /delivered/.test(progress));
  await victim.kill();
  assert.equal((await ended)[0], 1);
  const json = JSON.parse(await readFile(file, 'utf8'));
  assert.equal(json.connections.dropped, 50, JSON.stringify(json.connections));
  assert.ok(Object.keys(json.notifications.createFailures).length > 0);
  await victim.stop();
});

// A gateway with our events that is not ours: Engine.IO over WebSocket, just enough of it, and `POST /notifications`.
// `deliver(title, tabs, everybody)` says what it does with a notification.
class OddGateway {
  static async start(deliver) {
    const odd = new OddGateway();
    odd.tabs = new Map();
    odd.http = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        const { userId, title } = JSON.parse(body);
        const send = (tab, times = 1) => {
          const payload = { notificationId: randomUUID(), userId, type: 'odd', title, createdAt: new Date().toISOString(), unreadCount: 1 };
          for (let i = 0; i < times; i += 1) tab.send(`42["notification:new",${JSON.stringify(payload)}]`);
        };
        const everybody = [...odd.tabs.values()].flatMap((tabs) => [...tabs]);
        deliver(send, [...odd.tabs.get(userId)], everybody);
        response.writeHead(201, { 'content-type': 'application/json' }).end('{}');
      });
    });
    odd.sockets = new WebSocketServer({ server: odd.http });
    odd.sockets.on('connection', (socket) => {
      socket.send(`0${JSON.stringify({ sid: 'x', upgrades: [], pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 1_000_000 })}`);
      socket.on('message', (data) => {
        const text = data.toString();
        if (!text.startsWith('40')) return;
        const { token } = JSON.parse(text.slice(2));
        const { sub } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
        if (!odd.tabs.has(sub)) odd.tabs.set(sub, new Set());
        odd.tabs.get(sub).add(socket);
        socket.send('40{"sid":"y"}');
      });
    });
    odd.http.listen(0, '127.0.0.1');
    await once(odd.http, 'listening');
    odd.url = `http://127.0.0.1:${odd.http.address().port}`;
    return odd;
  }

  stop() {
    for (const socket of this.sockets.clients) socket.terminate();
    this.http.close();
    this.http.closeAllConnections();
  }
}

describe('gateways of others', () => {
  const against = async (deliver, ...flags) => {
    const odd = await OddGateway.start(deliver);
    const found = await loadtest(['--scenario', 'push', '--clients', '8', '--duration', '1s', '--rate', '20', '--grace', '1s', ...flags],
      { url: odd.url, keys: ['--jwt-secret', secret] });
    odd.stop();
    return found;
  };

  test('one that does what it should passes, though it neither greets nor syncs', async () => {
    const { code, stdout, json } = await against((send, tabs) => tabs.forEach((tab) => send(tab)));
    assert.equal(code, 0, stdout);
    assert.equal(json.syncUsed, false);
    assert.equal(json.notifications.delivered, json.notifications.created * 2);
  });

  test('one that loses is caught', async () => {
    let count = 0;
    const { code, json } = await against((send, tabs) => tabs.forEach((tab) => (count++ % 10 === 3 ? undefined : send(tab))), '--no-sync');
    assert.equal(code, 1);
    assert.equal(met(json, 'delivery rate'), false);
    assert.ok(json.notifications.lost > 0);
  });

  test('one that sends twice is caught', async () => {
    let count = 0;
    const { code, json } = await against((send, tabs) => tabs.forEach((tab) => send(tab, count++ % 10 === 3 ? 2 : 1)), '--no-sync');
    assert.equal(code, 1);
    assert.equal(met(json, 'duplicates'), false);
    assert.ok(json.notifications.duplicated > 0);
    assert.equal(json.notifications.lost, 0);
  });

  test('one that tells everybody is caught', async () => {
    const { code, json } = await against((send, tabs, everybody) => everybody.forEach((tab) => send(tab)), '--no-sync');
    assert.equal(code, 1);
    assert.equal(met(json, 'to the wrong user'), false);
    assert.equal(json.notifications.toWrongUser, json.notifications.created * 6);
  });
});
