// Resident memory of processes over a run, and whether it is flat.
import { readFileSync } from 'node:fs';

const MiB = 1024 * 1024;

export function residentBytes(pid) {
  return Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+) kB/m)[1]) * 1024;
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

/** What a process may gain between the middle and the end of a run: allocator noise, not a leak that a night would show. */
export const allowance = (middle) => 4 * MiB + middle * 0.05;

/**
 * `readings`: [{at, bytes}], `at` from 0 to 1 of the run. Each of the three is the median of a window: `start` of 10 to 20 %
 * (before that, pools and caches fill), `middle` of 45 to 55 %, `end` of the last 10 %.
 */
export function flatness(readings) {
  const window = (from, to) => {
    const inside = readings.filter(({ at }) => at >= from && at <= to).map(({ bytes }) => bytes);
    if (inside.length === 0) throw new Error(`no reading of the memory between ${from} and ${to} of the run`);
    return median(inside);
  };
  const [start, middle, end] = [window(0.1, 0.2), window(0.45, 0.55), window(0.9, 1)];
  return { start, middle, end, flat: end - middle <= allowance(middle) };
}
