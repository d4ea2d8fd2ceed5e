// One Engine.IO session with a server, packet by packet. Both classes have the same three methods: `open`, `exchange`
// (sends packets, and waits until the server has dealt with them) and `close`.
import http from 'node:http';
import WebSocket from 'ws';

const deadlineMs = 10_000;

let marks = 0;

/**
 * A packet that every server answers, whatever the state of the session: a CONNECT to a namespace that nobody has. Once its
 * answer is there, all that came before has been dealt with.
 */
const mark = () => {
  const nsp = `/zz-${(marks += 1)}`;
  return { packet: `40${nsp},`, answer: `44${nsp},{"message":"Invalid namespace"}` };
};

export class PollingSession {
  constructor(port) {
    this.port = port;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
  }

  async open() {
    const { status, body } = await this.#request('GET', '');
    if (status !== 200) throw new Error(`handshake: ${status} ${body}`);
    this.sid = JSON.parse(body.slice(1)).sid;
  }

  async exchange(packets) {
    const outcome = { answers: [], post: undefined, end: 'open' };
    const payload = packets.map((packet) => (typeof packet === 'string' ? packet : `b${packet.toString('base64')}`));
    outcome.post = (await this.#request('POST', payload.join('\x1e'))).status;
    // Twice: some answers of the reference leave one turn later than that of the first mark.
    for (let i = 0; i < 2 && outcome.end === 'open'; i += 1) {
      const { packet, answer } = mark();
      await this.#request('POST', packet);
      await this.#poll(outcome, answer);
    }
    return outcome;
  }

  async #poll(outcome, until) {
    for (;;) {
      const { status, body } = await this.#request('GET');
      if (status !== 200) {
        outcome.end = `refused ${status} ${body}`;
        return;
      }
      for (const packet of body.split('\x1e')) {
        if (packet === until) return;
        if (packet === '1') {
          outcome.end = 'close packet';
          return;
        }
        outcome.answers.push(packet.startsWith('b') ? Buffer.from(packet.slice(1), 'base64') : packet);
      }
    }
  }

  post(body) {
    return this.#request('POST', body);
  }

  async close() {
    await this.#request('POST', '1');
    this.agent.destroy();
  }

  #request(method, body) {
    const sid = this.sid ? `&sid=${this.sid}` : '';
    return request({ port: this.port, agent: this.agent, method, body, path: `/socket.io/?EIO=4&transport=polling${sid}` });
  }
}

export class WebSocketSession {
  constructor(port) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`, { perMessageDeflate: false });
    this.messages = [];
    this.socket.on('message', (data, isBinary) => this.#take(isBinary ? data : data.toString()));
    this.socket.on('close', (code) => {
      this.closed = `closed ${code}`;
      this.wake?.();
    });
    this.socket.on('error', (error) => (this.failed = error));
  }

  #take(message) {
    this.messages.push(message);
    this.wake?.();
  }

  async open() {
    await this.#until(() => this.messages.length > 0);
    if (!this.messages.length) throw new Error(`handshake: ${this.failed ?? this.closed}`);
    this.sid = JSON.parse(this.messages.shift().slice(1)).sid;
  }

  async exchange(packets) {
    for (const packet of packets) this.socket.send(packet);
    const outcome = { answers: [], end: 'open' };
    for (let i = 0; i < 2 && !this.closed; i += 1) {
      const { packet, answer } = mark();
      this.socket.send(packet, () => {});
      await this.#until(() => this.messages.includes(answer));
      const at = this.messages.indexOf(answer);
      const before = this.messages.splice(0, at < 0 ? Infinity : at + 1);
      outcome.answers.push(...(at < 0 ? before : before.slice(0, -1)));
    }
    if (this.closed) {
      outcome.answers.push(...this.messages.splice(0));
      outcome.end = this.closed;
    }
    return outcome;
  }

  #until(done) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('no answer, and no close')), deadlineMs);
      this.wake = () => {
        if (!done() && !this.closed) return;
        this.wake = undefined;
        clearTimeout(late);
        resolve();
      };
      this.wake();
    });
  }

  async close() {
    if (this.closed) return;
    this.socket.close();
    await this.#until(() => false);
  }
}

/**
 * A request as it stands; `status` is 'reset' when the connection ended before an answer, and 'none' when none came within
 * `patienceMs`, if that is given.
 */
export function request({ port, agent, method = 'GET', path, headers = {}, body, patienceMs }) {
  return new Promise((resolve, reject) => {
    const posted = body !== undefined && method !== 'GET';
    const sent = http.request({
      host: '127.0.0.1', port, agent, method, path,
      headers: {
        ...(posted ? { 'content-type': 'text/plain;charset=UTF-8', 'content-length': Buffer.byteLength(body) } : {}),
        ...headers,
      },
      timeout: patienceMs ?? deadlineMs,
    });
    sent.on('response', (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() }));
      response.on('error', () => resolve({ status: 'reset', headers: {}, body: '' }));
    });
    sent.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode, headers: response.headers, body: '' });
    });
    sent.on('timeout', () => {
      if (patienceMs) resolve({ status: 'none', headers: {}, body: '' });
      else reject(new Error(`no answer to ${method} ${path}`));
      sent.destroy();
    });
    sent.on('error', (error) => {
      if (['ECONNRESET', 'EPIPE', 'HPE_INVALID_CONSTANT'].includes(error.code)) resolve({ status: 'reset', headers: {}, body: '' });
      else reject(error);
    });
    sent.end(posted ? body : undefined);
  });
}
