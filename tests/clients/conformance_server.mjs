// The Socket.IO conformance server (tests/conformance) as a process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const binary = process.env.CARILLON_CONFORMANCE_SERVER ??
  fileURLToPath(new URL('../../build/release/socketio_conformance_server', import.meta.url));

export class ConformanceServer {
  static async start(flags = {}) {
    const server = new ConformanceServer();
    server.flags = flags;
    server.port = 0;
    await server.launch();
    return server;
  }

  /** Starts (again); on the same port after the first time. */
  async launch() {
    const flags = { port: this.port, threads: 2, ...this.flags };
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.closed = once(this.child, 'close');
    const [line] = await once(createInterface({ input: this.child.stdout }), 'line');
    this.port = Number(/^listening on (\d+)$/.exec(line)[1]);
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Kills it without warning. */
  async kill() {
    this.child.kill('SIGKILL');
    await this.closed;
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
    const [code] = await this.closed;
    if (code !== 0) throw new Error(`the conformance server ended with ${code}`);
  }
}
