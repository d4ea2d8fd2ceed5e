// A client that speaks bytes: HTTP requests as they are written, WebSocket frames as they are built. It does what no
// stock client does, and sees what stock clients hide.
import { connect } from 'node:net';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { eventually } from './harness.mjs';

/** One TCP connection. Errors are an end like any other. */
export class Connection {
  static async open(port) {
    const connection = new Connection(port);
    await eventually('a connection', () => connection.connected || connection.ended);
    return connection;
  }

  constructor(port) {
    this.received = Buffer.alloc(0);
    this.connected = false;
    this.ended = false;
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('connect', () => (this.connected = true));
    this.socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.onData?.();
    });
    this.socket.on('end', () => this.end());
    this.socket.on('close', () => this.end());
    this.socket.on('error', () => this.end());
  }

  end() {
    this.ended = true;
    this.onData?.();
  }

  get text() {
    return this.received.toString('latin1');
  }

  write(bytes) {
    if (!this.socket.destroyed) this.socket.write(bytes);
    return this;
  }

  async until(pattern, ms) {
    await eventually(`${pattern} arrives`, () => {
      if (pattern.test(this.text)) return true;
      if (this.ended) throw new Error(`the connection ended with ${JSON.stringify(this.text.slice(-200))}`);
      return false;
    }, ms);
    return this.text.match(pattern);
  }

  async closed(ms) {
    await eventually('the server closes', () => this.ended, ms);
    return this.text;
  }

  close() {
    this.socket.destroy();
  }

  reset() {
    this.socket.resetAndDestroy();
  }
}

/** One request on a connection of its own: {status, headers, text}. */
export function request(port, path, { method = 'GET', headers = {}, body, agent = false, signal } = {}) {
  return new Promise((resolve, reject) => {
    const sent = http.request({ port, host: '127.0.0.1', path, method, headers, agent, signal }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** A frame, right or wrong as asked. */
export function frame(opcode, payload = '', { fin = true, rsv = 0, masked = true, length } = {}) {
  const data = Buffer.from(payload);
  const size = length ?? data.length;
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const mask = masked ? 0x80 : 0;
  if (size < 126) {
    head.push(mask | size);
  } else if (size <= 0xffff) {
    head.push(mask | 126, size >> 8, size & 0xff);
  } else {
    head.push(mask | 127);
    const wide = Buffer.alloc(8);
    wide.writeBigUInt64BE(BigInt(size));
    head.push(...wide);
  }
  if (!masked) return Buffer.concat([Buffer.from(head), data]);
  const key = randomBytes(4);
  const hidden = Buffer.from(data);
  for (let i = 0; i < hidden.length; i += 1) hidden[i] ^= key[i & 3];
  return Buffer.concat([Buffer.from(head), key, hidden]);
}

export function upgradeRequest(path, headers = {}) {
  const fields = {
    Host: 'wire.test', Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'), ...headers,
  };
  return `GET ${path} HTTP/1.1\r\n${Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

/** A WebSocket. Messages are kept in order: text as string, binary as Buffer. */
export class WebSocketWire {
  static async open(port, path, headers) {
    const socket = new WebSocketWire(port);
    socket.connection.write(upgradeRequest(path, headers));
    await eventually('an answer to the upgrade', () => socket.status || socket.ended);
    return socket;
  }

  constructor(port) {
    this.connection = new Connection(port);
    this.connection.onData = () => this.read();
    this.messages = [];
    this.pongs = [];
    this.closeCode = undefined; // null: a close frame without a code
  }

  get ended() {
    return this.connection.ended;
  }

  read() {
    const bytes = this.connection.received;
    if (!this.status) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.head = bytes.subarray(0, end).toString('latin1');
      this.status = Number(this.head.split(' ')[1]);
      this.connection.received = bytes.subarray(end + 4);
      if (this.status === 101) this.read();
      return;
    }
    if (this.status !== 101) return;
    for (;;) {
      const rest = this.connection.received;
      if (rest.length < 2) return;
      let size = rest[1] & 0x7f;
      let head = 2;
      if (size === 126) {
        if (rest.length < 4) return;
        size = rest.readUInt16BE(2);
        head = 4;
      } else if (size === 127) {
        if (rest.length < 10) return;
        size = Number(rest.readBigUInt64BE(2));
        head = 10;
      }
      if (rest.length < head + size) return;
      const payload = rest.subarray(head, head + size);
      this.connection.received = rest.subarray(head + size);
      const opcode = rest[0] & 0x0f;
      if (opcode === opcodes.text) this.messages.push(payload.toString());
      if (opcode === opcodes.binary) this.messages.push(Buffer.from(payload));
      if (opcode === opcodes.pong) this.pongs.push(payload.toString());
      if (opcode === opcodes.close) {
        this.closeCode = size >= 2 ? payload.readUInt16BE(0) : null;
        this.connection.write(frame(opcodes.close, payload.subarray(0, 2)));
      }
    }
  }

  /** A text for a string, binary for a Buffer; several leave together. */
  send(...messages) {
    this.connection.write(Buffer.concat(
      messages.map((message) => frame(typeof message === 'string' ? opcodes.text : opcodes.binary, message))));
    return this;
  }

  raw(...frames) {
    this.connection.write(Buffer.concat(frames.map((one) => Buffer.from(one))));
    return this;
  }

  /** The next message. */
  async next(ms) {
    return eventually('a message arrives', () => {
      if (this.messages.length) return { message: this.messages.shift() };
      if (this.ended) throw new Error(`the connection ended with ${this.closeCode}`);
      return undefined;
    }, ms).then(({ message }) => message);
  }

  /** The next message that is no ping of Engine.IO; pings are answered. */
  async nextPacket(ms) {
    for (;;) {
      const message = await this.next(ms);
      if (message !== '2') return message;
      this.send('3');
    }
  }

  /** Waits for the end of the connection; the code of the close frame, null without one in it, undefined without a frame. */
  async closed(ms) {
    await eventually('the server closes', () => this.ended, ms);
    return this.closeCode;
  }

  close() {
    this.connection.close();
  }
}
