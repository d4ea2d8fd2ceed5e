import { following, isNewer, newest } from "./versions.js";

const aheadKept = 1_000;

/** Which versions of the inbox are known here. They are dense, so that what is missing shows as a gap. */
export class Progress {
  private upTo: string | null = null;
  /** Versions above `upTo` that were seen, with some below them missing. */
  private ahead = new Set<string>();

  /** Nothing up to this version is missing; null before the first page. */
  get synced(): string | null {
    return this.upTo;
  }

  /** True when something is missing, given the newest version that the server was heard to have. */
  isBehind(newestHeard: string): boolean {
    if (this.upTo === null) return false;
    return this.ahead.size > 0 || isNewer(newestHeard, this.upTo);
  }

  /** An event with this version was applied. */
  see(version: string): void {
    if (this.upTo === null || !isNewer(version, this.upTo)) return;
    this.ahead.add(version);
    this.closeGap();
    // Too much is missing to keep track of: the newest alone still says so.
    if (this.ahead.size > aheadKept) this.ahead = new Set([version]);
  }

  /** An event with this version did not say all that it did: it stays missing until a sync has told. */
  distrust(version: string): void {
    this.ahead.add(version);
  }

  /** Nothing up to this version is missing. */
  reached(version: string): void {
    this.upTo = newest(this.upTo ?? version, version);
    for (const seen of this.ahead) if (!isNewer(seen, this.upTo)) this.ahead.delete(seen);
    this.closeGap();
  }

  forget(): void {
    this.upTo = null;
    this.ahead.clear();
  }

  snapshot(): { synced: string | null; ahead: string[] } {
    return { synced: this.upTo, ahead: [...this.ahead] };
  }

  restore(from: { synced: string | null; ahead: string[] }): void {
    this.upTo = from.synced;
    this.ahead = new Set(from.ahead);
  }

  private closeGap(): void {
    while (this.upTo !== null && this.ahead.delete(following(this.upTo))) this.upTo = following(this.upTo);
  }
}
