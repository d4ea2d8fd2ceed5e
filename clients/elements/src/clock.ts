export interface Clock {
  now(): number;
  /** The result cancels it. */
  after(ms: number, action: () => void): () => void;
}

export const realClock: Clock = {
  now: () => Date.now(),
  after(ms, action) {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};
