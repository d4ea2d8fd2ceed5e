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
