// Speaks NATS's own protocol, as somebody else's service would.
import { connect } from 'node:net';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { eventually } from './harness.mjs';

export class Publisher {
  static async open(port, { user, pass } = {}) {
    const publisher = new Publisher();
    publisher.socket = connect(port, '127.0.0.1');
    publisher.socket.on('error', () => {});
    publisher.input = '';
    publisher.socket.on('data', (chunk) => {
      publisher.input += chunk;
      if (chunk.includes('PING')) publisher.socket.write('PONG\r\n');
    });
    await once(publisher.socket, 'connect');
    const greeting = { verbose: false, headers: true, no_responders: true, user, pass };
    publisher.socket.write(`CONNECT ${JSON.stringify(greeting)}\r\nSUB _INBOX.acks.> 1\r\n`);
    return publisher;
  }

  /** Waits for JetStream's acknowledgement. */
  async publish(subject, payload, { id } = {}) {
    const token = randomUUID();
    this.send(subject, payload, { id, reply: `_INBOX.acks.${token}` });
    const acknowledged = new RegExp(`MSG _INBOX\\.acks\\.${token} 1 +\\d+\\r\\n\\{"stream": ?"[A-Z_]+"`);
    await eventually(`JetStream acknowledges ${subject}`, () => {
      if (acknowledged.test(this.input)) return true;
      throw new Error(this.input.slice(-300));
    });
  }

  /** Asks an API of JetStream; its answer, as JSON. */
  async ask(subject, body = '') {
    const token = randomUUID();
    this.send(subject, body, { reply: `_INBOX.acks.${token}` });
    const answered = new RegExp(`MSG _INBOX\\.acks\\.${token} 1 +(\\d+)\\r\\n`);
    return eventually(`an answer of ${subject}`, () => {
      const match = answered.exec(this.input);
      if (!match) throw new Error(this.input.slice(-300));
      const begin = match.index + match[0].length;
      const text = this.input.slice(begin, begin + Number(match[1]));
      return text.length === Number(match[1]) && JSON.parse(text);
    });
  }

  send(subject, payload, { id, reply = '' } = {}) {
    const body = typeof payload === 'string' ? payload : JSON.stringify(payload);
    const head = id ? `NATS/1.0\r\nNats-Msg-Id: ${id}\r\n\r\n` : '';
    const size = Buffer.byteLength(head) + Buffer.byteLength(body);
    this.socket.write(id
      ? `HPUB ${subject} ${reply} ${Buffer.byteLength(head)} ${size}\r\n${head}${body}\r\n`
      : `PUB ${subject} ${reply} ${size}\r\n${body}\r\n`);
  }

  close() {
    this.socket.destroy();
  }
}
