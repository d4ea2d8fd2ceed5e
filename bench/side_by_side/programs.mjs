// The bench programs that need no system around them.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** bench/delivery: one sender in its own process, deliveries per CPU-second of the sending thread. */
export async function inProcess({ root, quick }, sender, flags) {
  const { stdout } = await execute(join(root, 'build/release/delivery_bench'),
    ['--senders', sender, '--rounds', quick ? '1' : '3', ...flags], { timeout: 120_000 });
  const raw = JSON.parse(stdout);
  return { figures: { perCpu: raw.senders[0].perCpuSecond, perSecond: raw.senders[0].perSecond }, raw };
}

/** src/store/sqlite/create_bench.cpp. */
export async function sqliteCreates({ root, folder }) {
  const { stdout } = await execute(join(root, 'build/release/src/store_sqlite_bench'),
    ['--benchmark_filter=/64/', '--benchmark_format=json'], { cwd: folder, timeout: 120_000 });
  const raw = JSON.parse(stdout);
  return { figures: { createdPerSecond: raw.benchmarks[0].items_per_second }, raw: raw.benchmarks[0] };
}

/** bench/postgres: with a server of its own, whose files are where fsync is one. */
async function postgresStore({ root, folder }, flags) {
  const { stdout } = await execute(join(root, 'build/release/postgres_store_bench'), ['--json', ...flags],
    { env: { ...process.env, TMPDIR: folder }, timeout: 300_000 });
  const raw = JSON.parse(stdout);
  return { raw, of: (name) => raw.measurements.filter((one) => one.name === name).at(-1) };
}

export async function postgresChanges(context) {
  const { raw, of } = await postgresStore(context, ['--rounds', '1', '--operations', context.quick ? '15000' : '60000']);
  const [create, read] = [of('create'), of('mark_read')];
  return {
    figures: { createdPerSecond: create.perSecond, readPerSecond: read.perSecond, createCpu: create.clientCpuUs + create.serverCpuUs,
      readCpu: read.clientCpuUs + read.serverCpuUs },
    raw,
  };
}

export async function postgresLists(context) {
  const { raw, of } = await postgresStore(context, ['--rounds', '0', '--rows', context.quick ? '100000' : '1000000']);
  const [list, counts] = [of('list'), of('counts')];
  return { figures: { listP50: list.p50, listP99: list.p99, countP50: counts.p50, countP99: counts.p99 }, raw };
}
