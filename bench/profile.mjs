// `./dev bench profile`: where a gateway's CPU goes, by perf, in the rows of docs/benchmarks.md that are measured against send(2)
// and against the latency of a rival. Writes docs/profile.md.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LoadTest } from './side_by_side/loadtest.mjs';
import { machine } from './side_by_side/machine.mjs';
import { Distributed } from './side_by_side/systems.mjs';
import { until } from '../tests/cluster/servers.mjs';

const root = resolve(new URL('.', import.meta.url).pathname, '..');
const binary = process.env.CARILLON_BINARY ?? join(root, 'build/release/carillon');
const output = join(root, 'docs/profile.md');
const kSeconds = 5;

const rows = [
  { title: 'One event to 1,000 sockets, 25 events a second', flags: ['--tabs', '1000', '--rate', '25'] },
  { title: 'Events from JetStream, 20,000 a second, two sockets each', flags: ['--rate', '20000', '--window', '5000'] },
  { title: 'Event to socket, 500 events a second, two sockets each', flags: ['--rate', '500'] },
];

/** What a sample is counted as: the first kind one of whose functions is anywhere in its stack. */
const kinds = [
  ['`send(2)`: TCP over loopback, the receiver woken', /tcp_sendmsg|inet_sendmsg|sock_sendmsg/],
  ['`recv(2)`', /tcp_recvmsg|sock_recvmsg/],
  ['threads waking each other and falling asleep (futex)', /futex/],
  ['a loop waking another one (eventfd)', /eventfd_write/],
  ['a loop falling asleep and waking up (epoll)', /do_epoll|ep_poll|epoll_wait/],
  ['switches between threads', /schedule|finish_task_switch/],
  ['the rest of the kernel', /do_syscall|entry_SYSCALL|syscall_return|asm_/],
];
const kOwn = 'our own code, with the libraries (NATS, malloc, libc)';

/** Shares of the samples, by kind and by thread. */
function sharesOf(script) {
  const [byKind, byThread] = [new Map(), new Map()];
  const add = (map, key) => map.set(key, (map.get(key) ?? 0) + 1);
  let samples = 0;
  for (const block of script.split('\n\n')) {
    const [head, ...stack] = block.trim().split('\n');
    if (stack.length === 0) continue;
    const functions = stack.map((line) => line.trim().split(/\s+/).slice(1).join(' ')).join(' ');
    samples += 1;
    add(byThread, head.trim().split(/\s+/)[0]);
    add(byKind, kinds.find(([, pattern]) => pattern.test(functions))?.[0] ?? kOwn);
  }
  if (samples < 100) throw new Error(`perf has seen ${samples} samples only: may it look into the kernel (kernel.perf_event_paranoid)?`);
  const percent = (map) => [...map].sort(([, a], [, b]) => b - a).map(([key, n]) => [key, (100 * n) / samples]);
  return { samples, kinds: percent(byKind), threads: percent(byThread) };
}

async function run(command, flags) {
  const child = spawn(command, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = [[], []];
  child.stdout.on('data', (chunk) => out.push(chunk));
  child.stderr.on('data', (chunk) => err.push(chunk));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${Buffer.concat(err)}`);
  return Buffer.concat(out).toString();
}

/** All 1,000 sockets are there and events flow. */
async function flowing(url) {
  const delivered = async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(/messages_sent_total\{[^}]*notification:new[^}]*\} (\S+)/.exec(text)?.[1] ?? 0);
  };
  const start = await delivered();
  await until('events flow', async () => (await delivered()) > start + 1_000, 30_000);
}

const folder = mkdtempSync('/var/tmp/carillon-profile-');
chmodSync(folder, 0o711);
const system = new Distributed({ name: 'carillon', folder, binary, root });
const parts = [];

try {
  await system.start();
  const loadtest = new LoadTest({ binary, folder });
  for (const { title, flags } of rows) {
    process.stderr.write(`profile: ${title}\n`);
    const load = loadtest.run([...system.clients(), ...system.events(), '--scenario', 'push', '--clients', '1000', '--connect-rate', '0',
      '--duration', `${kSeconds + 4}s`, '--allow-busy', ...flags, ...system.pids(), '--freeze', 'notifications']);
    const data = join(folder, 'perf.data');
    const recording = flowing(system.part('gateway').url).then(() => run('perf', ['record', '-q', '-F', '1999', '-g', '-o', data,
      '-p', String(system.part('gateway').pid), '--', 'sleep', String(kSeconds)]));
    const [result] = await Promise.all([load, recording]);
    const shares = sharesOf(await run('perf', ['script', '-i', data, '-F', 'comm,ip,sym']));
    const line = ([name, share]) => `| ${name} | ${share.toFixed(1)} % |`;
    parts.push(`## ${title}\n\n| where | share of the gateway's CPU |\n|---|---|\n${shares.kinds.map(line).join('\n')}\n\n` +
      `By thread: ${shares.threads.map(([name, share]) => `${name} ${share.toFixed(0)} %`).join(' · ')}. ` +
      `${shares.samples.toLocaleString('en')} samples; ${Math.round(result.notifications.deliveriesPerServerCpuSecond).toLocaleString('en')} ` +
      'deliveries per CPU-second while perf looked on.\n');
  }
} finally {
  await system.stop();
  rmSync(folder, { recursive: true, force: true });
}

const here = machine();
writeFileSync(output, `# Where a gateway's CPU goes

Written by \`./dev bench profile\`: perf on a gateway behind NATS for ${kSeconds} seconds of each row of [benchmarks.md](benchmarks.md) that
is held against \`send(2)\` or against a rival's latency. A sample counts as the first of these whose functions are in its stack.

What it says: in a fan-out the gateway is little but \`send(2)\`. At a steady pace most of the rest is the kernel's, putting threads to
sleep and waking them, because each event finds everybody asleep; our own code is a tenth.

- Machine: ${here.cpu}, ${here.cores} cores, ${here.memoryGb} GB; ${here.system}, Linux ${here.kernel}.

${parts.join('\n')}`);
process.stdout.write(`Written: ${output}\n`);
