// Clients that come and go, by the thousand: byte by byte, from many loopback addresses, each a user of its own.
import { createHmac, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { Server, eventually } from '../e2e/harness.mjs';
import { crowd, polling, websocket } from '../e2e/siege.mjs';
import { frame, opcodes, upgradeRequest } from '../e2e/wire.mjs';

const secret = 'churn-churn-churn-churn-churn-churn';
/** Ports of one address are held for a minute after their connection: so many addresses carry all of the churn. */
const sources = 40;
/** Longer than any answer takes, on a slow machine or under valgrind. */
const patience = 60_000;

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function freshToken() {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { iss: 'carillon', aud: 'carillon', sub: randomUUID(), iat: now, exp: now + 3_600, jti: randomUUID(), permissions: ['notification:read'] };
  const signed = `${base64url({ alg: 'HS256', typ: 'at+jwt' })}.${base64url(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** One TCP connection whose every wait is an event: thousands of them take no polling. */
class Line {
  static next = 0;

  constructor(port) {
    this.text = '';
    this.ended = false;
    Line.next = (Line.next + 1) % sources;
    this.socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.9.${1 + Line.next}`, noDelay: true });
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
      if (this.answersPings && this.text.endsWith('\x81\x012')) this.message('3');
      // A close frame is answered by the end of the connection.
      if (this.farewell && this.text.includes('\x88')) this.socket.end();
      this.wake?.();
    });
    this.socket.on('error', (error) => (this.error = error));
    this.socket.on('close', () => {
      this.ended = true;
      this.wake?.();
    });
  }

  /** Waits for the pattern in what has come since the last one. */
  until(pattern) {
    return this.wait(`${pattern}`, () => {
      const match = pattern.exec(this.text);
      if (match) this.text = this.text.slice(match.index + match[0].length);
      return match;
    });
  }

  closed() {
    return this.wait('the end', () => this.ended);
  }

  async wait(what, probe) {
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        const fail = (why) => reject(new Error(`${what}: ${why}, after ${JSON.stringify(this.text.slice(-200))}`));
        timer = setTimeout(() => fail('not in time'), patience);
        this.wake = () => {
          const found = probe();
          if (found) resolve(found);
          else if (this.ended) fail(this.error?.message ?? 'the connection ended');
        };
        this.wake();
      });
    } finally {
      clearTimeout(timer);
      this.wake = undefined;
    }
  }

  message(text) {
    this.socket.write(frame(opcodes.text, text));
  }

  request(method, path, body) {
    this.socket.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\n${body === undefined ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`}\r\n${body ?? ''}`);
  }

  async upgraded() {
    this.socket.write(upgradeRequest(websocket));
    await this.until(/HTTP\/1\.1 101 /);
    await this.until(/0\{"sid":[^}]*\}/);
    return this;
  }

  async handshake() {
    this.request('GET', polling);
    return (await this.until(/0\{"sid":"([^"]+)"[^}]*\}/))[1];
  }
}

const goodbyes = [
  (line) => line.socket.destroy(),
  (line) => line.socket.resetAndDestroy(),
  (line) => line.socket.end(Buffer.concat([frame(opcodes.text, '41'), frame(opcodes.close, Buffer.from([0x03, 0xe8]))])),
  (line) => line.socket.end(frame(opcodes.text, '1')),
];

/** A server and what comes and goes on it. `flags` and `wrapper` as for `Server.start`. */
export class Churn {
  static async start({ flags = [], wrapper = [], timeout = '1s' } = {}) {
    const churn = new Churn();
    churn.server = await Server.start({
      wrapper,
      flags: ['--jwt-secret', secret, '--ping-interval', timeout, '--ping-timeout', timeout, '--max-connections', '8000',
              '--max-sockets-per-user', '1000', '--log-level', 'warn', ...flags],
    });
    churn.port = Number(new URL(churn.server.url).port);
    churn.opened = 0;
    return churn;
  }

  /** So many authenticated WebSockets, `width` at a time: each connects, joins, and leaves in one of four ways. */
  async comeAndGo(count, width = 300) {
    await crowd(count, width, async (i) => {
      const line = await new Line(this.port).upgraded();
      line.message(`40${JSON.stringify({ token: freshToken() })}`);
      await line.until(/40\{"sid":/);
      goodbyes[i % goodbyes.length](line);
      await line.closed();
    });
    this.opened += count;
  }

  /** Polling sessions that nobody comes back to: bare, joined, and with a poll that was broken off. */
  async abandon(count, width = 100) {
    await crowd(count, width, async (i) => {
      const line = new Line(this.port);
      const sid = await line.handshake();
      if (i % 3 !== 0) {
        line.request('POST', `${polling}&sid=${sid}`, `40${JSON.stringify({ token: freshToken() })}`);
        await line.until(/HTTP\/1\.1 200 /);
      }
      if (i % 3 === 2) {
        line.request('GET', `${polling}&sid=${sid}`);
        await line.until(/40\{"sid":/);
        line.request('GET', `${polling}&sid=${sid}`);
      }
      line.socket.destroy();
      await line.closed();
    });
    this.opened += count;
  }

  /** Handshakes that no CONNECT follows, every other one a WebSocket that stays open until the server ends it. With
      `answering`, those answer pings, so that it is for want of the CONNECT. */
  async sayNothing(count, { width = 100, answering = false } = {}) {
    const waiting = await crowd(count, width, async (i) => {
      const line = new Line(this.port);
      line.answersPings = answering;
      if (i % 2) {
        await line.upgraded();
        line.farewell = true;
        return { line };
      }
      await line.handshake();
      line.socket.destroy();
      return { line };
    });
    this.opened += count;
    await Promise.all(waiting.map(({ line }) => line.closed()));
  }

  /** The sum of what all tables hold, and of what the gauges of the contract say. */
  async held() {
    const { body } = await this.server.request('GET', '/metrics');
    const found = {};
    for (const line of body.split('\n')) {
      const match = line.match(/^carillon_(clients_held|connections_active|users_active|outbound_queue_bytes)(?:\{\w+="(\w+)"\})? (\S+)$/);
      if (match) found[match[2] ?? match[1]] = Number(match[3]);
    }
    return found;
  }

  /** Waits until every gauge is back at zero. */
  async empty(ms = patience) {
    let seen;
    await eventually('every table is empty', async () => {
      seen = await this.held();
      return Object.keys(seen).length >= 10 && Object.values(seen).every((entries) => entries === 0);
    }, ms).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(seen)}`);
    });
    return seen;
  }
}
