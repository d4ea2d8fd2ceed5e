// Either server as a process: both say where they listen, and why a socket went.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const binary = process.env.CARILLON_DIFFERENTIAL_SERVER ?? path('../../build/release/differential_server');

export const startOurs = (flags) => start('ours', binary, [], flags);
export const startReference = (flags) => start('reference', process.execPath, [path('reference.mjs')], flags);

async function start(name, command, args, { maxPayload, threads = 1 }) {
  const flags = ['--port', '0', '--max-payload', String(maxPayload), '--threads', String(threads)];
  const child = spawn(command, [...args, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  const reasons = new Map(); // socket id -> why it went
  const lines = createInterface({ input: child.stdout });
  const [first] = await once(lines, 'line');
  const port = Number(/^listening on (\d+)$/.exec(first)?.[1]);
  if (!port) throw new Error(`${name} said: ${first}`);
  lines.on('line', (line) => {
    const found = /^disconnect (\S+) (.*)$/.exec(line);
    if (found) reasons.set(found[1], found[2]);
  });
  const exited = () => child.exitCode !== null || child.signalCode !== null;
  return {
    name,
    port,
    reasonOf: (id) => reasons.get(id),
    exited,
    stop: async () => {
      const closed = once(child, 'close');
      if (!exited()) {
        child.kill('SIGTERM');
        await closed;
      }
      if (child.exitCode !== 0) throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode}`);
    },
  };
}
