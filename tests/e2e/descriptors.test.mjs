// A process that may open few files: what follows from the limit, and what happens when it is reached.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Server, eventually } from './harness.mjs';
import { crowd, polling, times, websocket } from './siege.mjs';
import { Connection, WebSocketWire, request } from './wire.mjs';

const limited = (soft, hard, flags = []) => Server.start({ wrapper: ['prlimit', `--nofile=${soft}:${hard}`], flags });
const limits = (server) => Object.fromEntries([...server.log.match(/^.*\blimits\b.*$/m)[0].matchAll(/(\w+)=(\d+)/g)].map(([, name, value]) => [name, Number(value)]));
/** What is left for connections: a fifth stays free, and some for the process itself. */
const roomFor = ({ open_files: files, threads }) => {
  const left = files - 64 - 8 * threads;
  return left - Math.floor(left / 5);
};
const exhausted = (server) => server.log.split('\n').filter((line) => /cannot accept connections/.test(line));

describe('the limit of file descriptors', () => {
  test('the soft one is raised to the hard one, and --max-connections follows', async () => {
    const server = await limited(128, 300);
    const found = limits(server);
    assert.deepEqual([found.open_files_before, found.open_files], [128, 300]);
    assert.equal(found.max_connections, roomFor(found));
    assert.equal(await server.metric('carillon_process_max_fds'), 300);
    const port = Number(new URL(server.url).port);
    const answers = await crowd(found.max_connections + 20, 10, () => request(port, polling));
    assert.equal(answers.filter(({ status }) => status === 200).length, found.max_connections);
    const refused = answers.filter(({ status }) => status !== 200);
    assert.deepEqual(new Set(refused.map(({ status, text }) => `${status} ${text}`)), new Set(['503 {"message":"Too many connections"}']));
    assert.ok(refused.every(({ headers }) => Number(headers['retry-after']) > 0));
    assert.equal((await WebSocketWire.open(port, websocket)).status, 503);
    assert.equal(await server.stop(), 0);
  });

  test('a --max-connections that is more than it has room for is told of', async () => {
    const server = await limited(256, 256, ['--max-connections', '1000']);
    assert.match(server.log, /--max-connections is more than the limit of open files has room for.*room=\d+/);
    assert.equal(await server.stop(), 0);
  });

  test('when it is reached the server waits, says so once, and goes on when connections leave', async () => {
    const server = await limited(200, 200);
    const port = Number(new URL(server.url).port);
    const user = await server.register();
    const tab = await server.connect(user.token, { transports: ['websocket'] }).connected();
    await eventually('the welcome is counted', () => tab.count === 1);
    for (let round = 0; round < 2; round += 1) {
      // The system accepts for a server that cannot: all of them are connected.
      const crowdOf = times(400, () => new Connection(port));
      await eventually('all are connected', () => crowdOf.every(({ connected }) => connected));
      await eventually('the server says that it cannot accept', () => exhausted(server).length > 0);
      // Those who are in are served, down to the database.
      for (let i = 0; i < 3; i += 1) assert.equal((await tab.emit('notification:read-all')).ok, true);
      crowdOf.forEach((connection, i) => (i % 2 ? connection.close() : connection.reset()));
      const late = await server.connect(user.token).connected();
      const made = await server.create(user.id, `after round ${round}`);
      for (const one of [tab, late]) await one.event('notification:new', ({ notificationId }) => notificationId === made.notificationId);
      late.close();
      await eventually('their descriptors are free', async () => (await server.metric('carillon_process_open_fds')) < 80);
    }
    assert.deepEqual(tab.disconnects, []);
    const told = exhausted(server);
    assert.match(told[0], /error .*cannot accept connections.*Too many open files/);
    const seconds = told.map((line) => Date.parse(line.split(' ')[0]) / 1_000);
    for (let i = 1; i < seconds.length; i += 1) assert.ok(seconds[i] - seconds[i - 1] > 9, `${told.length} lines: ${told.join('\n')}`);
    tab.close();
    assert.equal(await server.stop(), 0);
  });
});
