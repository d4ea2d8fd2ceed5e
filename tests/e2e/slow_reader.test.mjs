// Clients that take what they are sent too slowly: counts coalesce to the last one, everything else is kept and in order,
// and past the bound the connection closes.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server, eventually } from './harness.mjs';
import { Poller, websocket } from './siege.mjs';
import { WebSocketWire, request } from './wire.mjs';

const fat = '🔔'.repeat(4_000);

/** `[name, payload]` of an event's packet; nothing for any other. */
function parse(packet) {
  const text = String(packet);
  return text.startsWith('42[') ? JSON.parse(text.slice(2)) : undefined;
}

/** What has to be true of all events that one client was sent. Returns the titles that rang and the counts. */
function judge(packets) {
  const events = packets.map(parse).filter(Boolean);
  const titles = [];
  const counts = [];
  let counted = -1n;
  let offset = -1n;
  for (const event of events) {
    const [name, payload] = event;
    assert.ok(BigInt(event.at(-1)) >= offset, `${name} goes back to ${event.at(-1)}`);
    offset = BigInt(event.at(-1));
    if (name === 'notification:new') {
      assert.ok(BigInt(payload.version) > counted, `${payload.title} was counted before it came`);
      titles.push(payload.title);
    }
    if (name === 'unreadCount:updated') {
      assert.ok(BigInt(payload.version) > counted, `a count goes back to ${payload.version}`);
      counted = BigInt(payload.version);
      counts.push({ ...payload, after: titles.length });
    }
  }
  return { titles, counts };
}

describe('a slow reader', { timeout: 240_000 }, () => {
  let server;
  let port;
  before(async () => {
    server = await Server.start({ flags: ['--rest-rate-limit', '100000', '--ping-interval', '5m'] });
    port = Number(new URL(server.url).port);
  });
  after(async () => assert.equal(await server.stop(), 0));

  const value = (name) => server.metric(`carillon_${name}`);
  const unread = async (user) => (await server.request('GET', '/notifications/unread-count', { token: user.token })).body;

  async function bulk(user, titles, body) {
    const { status } = await server.request('POST', '/notification/bulk', {
      base: server.notificationsUrl, token: await server.internalToken(),
      body: { notifications: titles.map((title) => ({ userId: user.id, type: 'test', title, body })) },
    });
    assert.equal(status, 200);
  }
  /** Somebody with a tab that reads, whose welcome has come. */
  async function person() {
    const user = await server.register();
    const tab = await server.connect(user.token, { transports: ['websocket'] }).connected();
    await eventually('the welcome is there', async () => (await unread(user)).count === 1);
    return { user, tab, has: (title) => eventually(`the tab has ${title}`, () => tab.of('notification:new').some((item) => item.title === title)) };
  }
  async function join(user) {
    const one = await WebSocketWire.open(port, websocket);
    one.send(`40${JSON.stringify({ token: user.token })}`);
    await eventually('it has joined and is told the count', () => one.messages.some((message) => parse(message)?.[0] === 'unreadCount:updated'));
    return one;
  }

  test('that wakes up is told one count, the last, behind all that it missed, each once', async () => {
    const { user, tab, has } = await person();
    const one = await join(user);
    one.connection.socket.pause();
    const before = await value('counts_coalesced_total');
    const sent = [];
    const send = async (count, kind, body) => {
      const titles = Array.from({ length: count }, (_, i) => `${kind} ${sent.length + i}`);
      await bulk(user, titles, body);
      sent.push(...titles);
      await has(titles.at(-1));
    };
    // Until the connection takes no more.
    while ((await value('counts_coalesced_total')) === before) {
      assert.ok(sent.length < 4_000, 'it takes everything');
      await send(10, 'fat', fat);
    }
    const stalled = sent.length;
    for (let i = 0; i < 20; i += 1) await send(10, 'small', 'x');
    assert.ok((await value('counts_coalesced_total')) - before >= 190, 'counts were kept');
    assert.equal(await value('slow_consumers_total'), 0);
    one.connection.socket.resume();
    await eventually('it has everything', () => one.messages.some((message) => message.includes(`"${sent.at(-1)}"`)), 30_000);
    await bulk(user, ['awake'], 'x');
    await eventually('it is told the count of it', () => {
      const [name, payload] = parse(one.messages.at(-1)) ?? [];
      return name === 'unreadCount:updated' && payload.count === sent.length + 2;
    });
    const { titles, counts } = judge(one.messages);
    assert.deepEqual(titles.filter((title) => /^(fat|small|awake)/.test(title)), [...sent, 'awake']);
    const late = counts.filter(({ after }) => after > titles.indexOf(sent[stalled]));
    assert.ok(late.length >= 2 && late.length <= 4, `${late.length} counts of what came while it was stalled`);
    assert.equal(late.at(-2).count, sent.length + 1);
    assert.deepEqual([late.at(-1).count, late.at(-1).version], await unread(user).then(({ count, version }) => [count, version]));
    one.close();
    tab.close();
  });

  test('that polls late gets at most 16 packets a time, all of them once, and one count', async () => {
    const { user, tab, has } = await person();
    const { text } = await request(port, '/socket.io/?EIO=4&transport=polling');
    const poller = new Poller(port, JSON.parse(text.slice(1)).sid);
    await poller.post(`40${JSON.stringify({ token: user.token })}`);
    const packets = [];
    const poll = async () => {
      const got = (await poller.get()).text.split('\x1e');
      assert.ok(got.length <= 16, `${got.length} packets`);
      packets.push(...got);
    };
    while (!packets.some((packet) => parse(packet)?.[0] === 'unreadCount:updated')) await poll();
    const told = packets.length;
    const sent = Array.from({ length: 50 }, (_, i) => `late ${i}`);
    for (let i = 0; i < 50; i += 10) await bulk(user, sent.slice(i, i + 10));
    await has('late 49');
    while (!packets.some((packet) => parse(packet)?.[1].count === 51)) await poll();
    const { titles, counts } = judge(packets);
    assert.deepEqual(titles.filter((title) => title.startsWith('late')), sent);
    assert.equal(judge(packets.slice(told)).counts.length, 1, JSON.stringify(counts));
    await poller.post('1');
    tab.close();
  });

  test('that never reads is closed at the bound, and nothing of its queue is kept', async () => {
    const { user, tab } = await person();
    const one = await join(user);
    one.connection.socket.pause();
    const slow = await value('slow_consumers_total');
    let sent = 0;
    while ((await value('slow_consumers_total')) === slow) {
      assert.ok((sent += 40) <= 4_000, 'it was not sent away');
      await bulk(user, Array(40).fill('fat'), fat);
    }
    await eventually('the tab that reads has all', () => tab.of('notification:new').filter(({ title }) => title === 'fat').length === sent, 30_000);
    await eventually('its queue is gone', async () => (await value('outbound_queue_bytes')) === 0);
    one.connection.socket.resume();
    await one.closed(30_000);
    judge(one.messages);
    const back = await join(user);
    assert.equal(judge(back.messages).counts.at(-1).count, sent + 1);
    back.close();
    tab.close();
  });
});

test('a peer that has vanished without a word ends by its ping, and nothing of it is kept', async () => {
  const server = await Server.start({ flags: ['--ping-interval', '1s', '--ping-timeout', '2s'] });
  try {
    const user = await server.register();
    const one = await WebSocketWire.open(Number(new URL(server.url).port), websocket);
    one.send(`40${JSON.stringify({ token: user.token })}`);
    await eventually('it has joined', () => one.messages.some((message) => message.startsWith('40')));
    // Its connection stays open, and it neither reads nor answers: what a machine that lost its power looks like.
    one.connection.socket.pause();
    await server.create(user.id, 'into the void');
    await eventually('it has ended', async () => (await server.metric('carillon_disconnections_total', { reason: 'ping timeout' })) === 1, 15_000);
    await eventually('nothing is kept', async () => (await server.metric('carillon_users_active')) === 0 && (await server.metric('carillon_outbound_queue_bytes')) === 0);
    one.close();
  } finally {
    assert.equal(await server.stop(), 0);
  }
});
