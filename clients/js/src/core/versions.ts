// Versions are decimal numbers that may pass 2^53, as strings without leading zeros.

export function isVersion(value: unknown): value is string {
  return typeof value === "string" && /^\d{1,20}$/.test(value);
}

/** Below 0 when `a` is older than `b`. */
export function compareVersions(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

export function isNewer(a: string, b: string): boolean {
  return compareVersions(a, b) > 0;
}

export function newest(a: string, b: string): string {
  return isNewer(b, a) ? b : a;
}

export function following(version: string): string {
  return String(BigInt(version) + 1n);
}
