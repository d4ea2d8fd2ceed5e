// A steady load whose every acknowledged call is written down.
import { createHmac, randomUUID } from 'node:crypto';
import { pause } from '../cluster/servers.mjs';

/** A JWT, HS256 (RFC 7519): thousands are made faster than by a process each. */
export function signToken(secret, claims, typ = 'at+jwt') {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256', typ })}.${part({ iss: 'carillon', iat: now, jti: randomUUID(), ...claims })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

const permissions = ['notification:read', 'notification:update'];

/** Creates and reads without pause. What was acknowledged is in `created` (and in order in `acknowledged`) and `read`. */
export class Load {
  /** `frontUrl`: the balancer before the gateways. `readOne` as Watcher's, of any client. */
  constructor({ users, servicesUrls, frontUrl, internalSecret, readOne }) {
    Object.assign(this, { users, servicesUrls, frontUrl, internalSecret, readOne });
    this.tokens = new Map(users.map(({ id, token }) => [id, token]));
    Object.assign(this, { created: new Map(), acknowledged: [], read: new Set(), refused: 0, running: true, going: [], faults: [] });
    this.polls = { answered: 0, unanswered: 0, refusals: [], longestGapMs: 0 };
  }

  /** `rate` creates a second, and a read for every third of them. */
  start({ rate }) {
    this.startedAt = performance.now();
    const loops = 4;
    for (let i = 0; i < loops; i += 1) {
      this.going.push(this.#every((1000 * loops) / rate, () => this.#create()));
    }
    this.going.push(this.#every(3000 / rate, () => this.#readBySocket()));
    this.going.push(this.#every(6000 / rate, () => this.#readByRest()));
    this.going.push(this.#every(50, () => this.#poll()));
  }

  async #every(ms, action) {
    while (this.running) {
      const next = performance.now() + ms;
      await action();
      await pause(Math.max(0, next - performance.now()));
    }
  }

  async stop() {
    this.running = false;
    await Promise.all(this.going);
  }

  #any(list) {
    return list[Math.floor(Math.random() * list.length)];
  }

  /** The answer of the first address that gives one; as a client behind a balancer would, each is tried. */
  async #request(urls, path, { headers, ...options }, tries = 2 * urls.length) {
    const first = Math.floor(Math.random() * urls.length);
    for (let i = 0; i < tries && this.running; i += 1) {
      try {
        const response = await fetch(urls[(first + i) % urls.length] + path, {
          ...options, headers: { 'content-type': 'application/json', ...headers }, signal: AbortSignal.timeout(5_000),
        });
        const body = await response.json().catch(() => undefined); // a balancer's own words are no JSON
        if (response.status >= 500) this.lastRefusal = `${response.status} of ${response.headers.get('server') ?? 'the balancer'}`;
        if (body && response.status < 500 && response.status !== 409) return { status: response.status, body };
      } catch (error) {
        this.lastRefusal = error.cause?.message ?? error.message; // that one is away
      }
      await pause(20);
    }
    return undefined;
  }

  async #create() {
    const user = this.#any(this.users);
    const authorization = `Bearer ${signToken(this.internalSecret, { sub: 'chaos', aud: 'carillon-internal', exp: Math.floor(Date.now() / 1000) + 60 }, 'internal+jwt')}`;
    const answer = await this.#request(this.servicesUrls, '/notification', {
      method: 'POST', headers: { authorization, 'idempotency-key': randomUUID() },
      body: JSON.stringify({ userId: user.id, type: 'chaos', title: `n${this.created.size}` }),
    });
    if (answer?.status === 201) {
      this.created.set(answer.body.notificationId, user.id);
      this.acknowledged.push({ id: answer.body.notificationId, userId: user.id });
    }
    if (answer && answer.status !== 201) this.faults.push(`a create was answered ${answer.status} ${JSON.stringify(answer.body)}`);
    if (!answer) this.refused += 1;
  }

  async #readBySocket() {
    const { read, fault } = await this.readOne();
    if (read) this.read.add(read);
    if (fault) this.faults.push(fault);
  }

  async #readByRest() {
    if (this.acknowledged.length === 0) return;
    const { id: notificationId, userId } = this.#any(this.acknowledged);
    const authorization = `Bearer ${this.tokens.get(userId)}`;
    const answer = await this.#request([this.frontUrl], `/notifications/${notificationId}/read`, { method: 'POST', headers: { authorization } });
    if (answer?.status === 200) this.read.add(notificationId);
    else if (answer && answer.status !== 429) this.faults.push(`a read by REST was answered ${answer.status}`);
  }

  /** Somebody without a socket, who asks once and takes an error for an answer that is missing. */
  async #poll() {
    const started = performance.now();
    const headers = { authorization: `Bearer ${this.#any(this.users).token}` };
    const answer = await this.#request([this.frontUrl], '/notifications/unread-count', { headers }, 1);
    if (!answer) {
      if (this.running) this.polls.unanswered += 1;
      if (this.running) this.polls.refusals.push(`${Math.round(performance.now() - this.startedAt)} ms: ${this.lastRefusal}`);
      return;
    }
    this.polls.answered += 1;
    if (this.lastAnswer) this.polls.longestGapMs = Math.max(this.polls.longestGapMs, Math.round(performance.now() - this.lastAnswer));
    this.lastAnswer = performance.now();
    this.polls.slowestMs = Math.max(this.polls.slowestMs ?? 0, Math.round(performance.now() - started));
  }
}

export function makeUsers(count, userSecret) {
  return Array.from({ length: count }, () => {
    const id = randomUUID();
    return { id, token: signToken(userSecret, { sub: id, aud: 'carillon', exp: Math.floor(Date.now() / 1000) + 7_200, permissions }) };
  });
}
