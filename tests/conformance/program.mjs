// A conformance program as a process of its own, with the settings that the protocol's public suites want.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const folder = process.env.CARILLON_BUILD_DIR ?? fileURLToPath(new URL('../../build/release', import.meta.url));

/** Each suite runs once for each. CARILLON_CONFORMANCE_THREADS=1,2,4 for others. */
export const threadCounts = (process.env.CARILLON_CONFORMANCE_THREADS ?? '1,2').split(',').map(Number);
export const pingInterval = 300;
export const pingTimeout = 200;
export const maxPayload = 1_000_000;

/** `name`: "engineio" or "socketio". Returns {port, pid, stop}. */
export async function startProgram(name, flags = {}) {
  const all = {
    port: 0, 'ping-interval-ms': pingInterval, 'ping-timeout-ms': pingTimeout, 'max-payload': maxPayload, threads: 1, ...flags,
  };
  const args = Object.entries(all).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
  const child = spawn(`${folder}/${name}_conformance_server`, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  process.on('exit', () => child.kill('SIGKILL'));
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const port = Number(/^listening on (\d+)$/.exec(line)[1]);
  return {
    port,
    pid: child.pid,
    /** Asks it to stop; returns the exit code. */
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const [code] = await closed;
      return code;
    },
  };
}
