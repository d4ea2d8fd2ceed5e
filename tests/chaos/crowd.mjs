// Many clients, in processes of their own: what they cost does not slow the load down, nor the clock that times the answers.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('crowd_process.mjs', import.meta.url));
const answerMs = 60_000;

/** One process with clients. What is asked of it has an answer in time, or throws. */
class Part {
  #next = 0;
  #waiting = new Map();
  #end = () => this.child.kill('SIGKILL');

  constructor() {
    this.child = fork(program, { serialization: 'advanced' });
    this.closed = once(this.child, 'exit');
    this.child.on('message', ({ number, answer, error }) => {
      const asked = this.#waiting.get(number);
      if (error === undefined) asked?.resolve(answer);
      else asked?.reject(new Error(error));
    });
    this.child.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the clients' process ended with ${code ?? signal}`));
    });
    process.on('exit', this.#end);
  }

  async ask(what, values = {}) {
    const number = (this.#next += 1);
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting.set(number, { resolve, reject });
        timer = setTimeout(() => reject(new Error(`the clients' process did not answer '${what}'`)), answerMs);
        this.child.send({ number, what, values }, (error) => error && reject(error));
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(number);
    }
  }

  async close() {
    if (this.child.connected) this.child.disconnect(); // which ends it
    await this.closed;
    process.off('exit', this.#end);
  }
}

/** The watchers of all users, `tabs` each. */
export class Crowd {
  constructor({ url, users, tabs, processes = Math.min(4, availableParallelism()) }) {
    this.clients = users.length * tabs;
    this.parts = Array.from({ length: Math.min(processes, users.length) }, () => new Part());
    this.#opening = Promise.all(this.parts.map((part, i) =>
      part.ask('open', { url, tabs, users: users.filter((_, at) => at % this.parts.length === i) })));
  }

  #opening;

  async #all(what, values) {
    await this.#opening;
    return Promise.all(this.parts.map((part) => part.ask(what, values)));
  }

  /** How many do not have, now, all that there was when they last connected. */
  async unsettled() {
    return (await this.#all('unsettled')).reduce((sum, count) => sum + count, 0);
  }

  /** What every client has heard and has: what the judge compares. */
  async reports() {
    return (await this.#all('reports')).flat();
  }

  /** One of them marks one of its notifications as read, over its socket: the id if that was acknowledged, or a fault. */
  async read() {
    return this.#any('read');
  }

  async #any(what) {
    await this.#opening;
    return this.parts[Math.floor(Math.random() * this.parts.length)].ask(what);
  }

  /** One of them loses its connection, and comes back by itself. */
  async interrupt() {
    return this.#any('interrupt');
  }

  /** One of them stops taking bytes for `ms`, and then takes what has piled up. */
  async stall(ms) {
    await this.#opening;
    return this.parts[0].ask('stall', { ms });
  }

  /** One of them does not notice the next notification: the fault that a judge has to find. */
  async lose() {
    await this.#opening;
    return this.parts[0].ask('lose');
  }

  /** {heard, duplicated} so far, and which of `ids` ([{id, userId}]) a client of the user lacks: {missing, pending}. */
  async progress(ids) {
    const answers = await this.#all('progress', { ids });
    return {
      heard: answers.reduce((sum, { heard }) => sum + heard, 0),
      duplicated: answers.reduce((sum, { duplicated }) => sum + duplicated, 0),
      reconnects: answers.reduce((sum, { reconnects }) => sum + reconnects, 0),
      missing: answers.flatMap(({ missing }) => missing),
      pending: answers.flatMap(({ pending }) => pending),
    };
  }

  async close() {
    await this.#opening.catch(() => {});
    await Promise.all(this.parts.map((part) => part.close()));
  }
}
