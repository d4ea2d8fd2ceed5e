// One run of `carillon loadtest`, the tool that measures all systems.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

const kVoid = 3;
const kPassed = 0;

export class LoadTest {
  constructor({ binary, folder, notes }) {
    Object.assign(this, { binary, folder, notes, runs: 0 });
  }

  /** Its result as JSON, without the samples of each second and what is the same in all. Throws when it could not run, lost anything, or was void. */
  async run(flags, { timeoutMs = 180_000, mayLose = false } = {}) {
    const file = join(this.folder, `loadtest-${(this.runs += 1)}.json`);
    const environment = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('CARILLON_')));
    const child = spawn(this.binary, ['loadtest', '--quiet', '--json', file, ...flags], { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    const timer = setTimeout(() => child.kill('SIGTERM'), timeoutMs);
    const [code] = await once(child, 'close');
    clearTimeout(timer);
    if (code === kVoid) throw new Error(`the generator was the bottleneck: ${flags.join(' ')}`);
    if (code !== kPassed && !(mayLose && code === 1)) throw new Error(`loadtest ended with ${code}: ${flags.join(' ')}\n${output.slice(-3_000)}`);
    const result = JSON.parse(await readFile(file, 'utf8'));
    await rm(file);
    for (const repeated of ['samples', 'machine', 'checks', 'schema', 'version']) delete result[repeated];
    return result;
  }
}

/** CPU seconds of each server in a phase of a run. */
export function cpuOf(result, phase = 'run') {
  const found = result.phases.find(({ name }) => name === phase);
  return Object.fromEntries((found?.servers ?? []).map(({ name, cpuSeconds }) => [name, cpuSeconds]));
}

/** Per second and process, in percent of a core. */
export function cpuPercentOf(result, phase = 'run') {
  const found = result.phases.find(({ name }) => name === phase);
  const percents = Object.fromEntries((found?.servers ?? []).map(({ name, cpuPercent }) => [name, cpuPercent]));
  return { ...percents, generator: found?.ownCpuPercent };
}
