// The network between the processes, which can be cut: TCP proxies on loopback.
import { createServer, connect } from 'node:net';
import { once } from 'node:events';

/**
 * Passes connections on to the first of `targets` that accepts (in turn, as a balancer does), until it is told otherwise:
 * `cut` ends what is open and refuses what is new; `drop` lets bytes vanish and connections stand, as a dead switch does.
 */
export class Wire {
  #state = 'whole';
  #pairs = new Set();
  #next = 0;

  static async open(targets) {
    const wire = new Wire();
    wire.targets = targets;
    wire.server = createServer({ pauseOnConnect: true }, (socket) => wire.#accept(socket));
    wire.server.listen(0, '127.0.0.1');
    await once(wire.server, 'listening');
    wire.port = wire.server.address().port;
    return wire;
  }

  async #accept(near) {
    near.on('error', () => near.destroy());
    if (this.#state === 'cut') return near.destroy();
    const far = this.#state === 'drop' ? undefined : await this.#reach();
    if (near.destroyed || (!far && this.#state !== 'drop')) {
      far?.destroy();
      return near.destroy();
    }
    const pair = { near, far };
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      near.destroy();
      far?.destroy();
    };
    near.on('close', end);
    if (!far) return undefined; // it stands, and nothing answers
    far.on('close', end);
    far.on('error', end);
    near.setNoDelay(true);
    far.setNoDelay(true);
    if (this.#state === 'whole') this.#join(pair);
    return undefined;
  }

  /** A connection to one of the targets, or nothing. */
  async #reach() {
    const first = this.#next++;
    for (let i = 0; i < this.targets.length; i += 1) {
      const far = connect(this.targets[(first + i) % this.targets.length], '127.0.0.1');
      far.on('error', () => {});
      const [event] = await Promise.race([once(far, 'connect').then(() => ['connect']), once(far, 'close').then(() => ['close'])]).catch(() => ['close']);
      if (event === 'connect') return far;
    }
    return undefined;
  }

  #join({ near, far }) {
    near.pipe(far);
    far.pipe(near);
  }

  cut() {
    this.#state = 'cut';
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far?.destroy();
    }
  }

  drop() {
    this.#state = 'drop';
    for (const { near, far } of this.#pairs) {
      if (!far) continue;
      near.unpipe(far);
      far.unpipe(near);
      near.resume();
      far.resume();
      near.on('data', () => {});
      far.on('data', () => {});
    }
  }

  /** New connections pass again. What lost bytes cannot go on: it ends, as a reset would end it. */
  heal() {
    if (this.#state === 'drop') {
      for (const { near, far } of this.#pairs) {
        near.destroy();
        far?.destroy();
      }
    }
    this.#state = 'whole';
  }

  close() {
    this.cut();
    this.server.close();
  }
}
