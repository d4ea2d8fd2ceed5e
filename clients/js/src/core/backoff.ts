import type { Random } from "./ports.js";

export const firstDelayMs = 500;
export const longestDelayMs = 30_000;

/** Full jitter: anything from 0 to a ceiling that doubles with each failure, from 0.5 s to 30 s. `failures` from 1. */
export function backoffMs(failures: number, random: Random): number {
  return random() * Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(failures - 1, 16));
}
