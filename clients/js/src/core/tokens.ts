import type { BellOptions } from "../types.js";
import type { Clock } from "./ports.js";

const deadlineMs = 15_000;
/** A token that ends within this time is as good as expired. */
const marginMs = 30_000;

export interface Claims {
  /** `sub`; null when the token is no JWT that we can read. */
  user: string | null;
  /** Milliseconds since 1970, by the issuer's clock; null when unknown. */
  expiresAt: number | null;
}

/** What a JWT says, unverified: the server judges it, we only need to know whose it is and how long it lasts. */
export function claimsOf(token: string): Claims {
  try {
    const part = token.split(".")[1] ?? "";
    const bytes = Uint8Array.from(atob(part.replace(/-/g, "+").replace(/_/g, "/")), (unit) => unit.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as { sub?: unknown; exp?: unknown };
    return {
      user: typeof claims.sub === "string" ? claims.sub.toLowerCase() : null,
      expiresAt: typeof claims.exp === "number" ? claims.exp * 1000 : null,
    };
  } catch {
    return { user: null, expiresAt: null };
  }
}

/** The application's `getToken`, asked as rarely as possible and never waited for without end. */
export class TokenSource {
  private current: string | null = null;
  private stale = false;
  private asking: Promise<string | null> | null = null;

  constructor(
    private readonly ask: BellOptions["getToken"],
    private readonly clock: Clock,
  ) {}

  /** The next `get` asks for another one. */
  markStale(): void {
    this.stale = true;
  }

  /** As if none had ever been asked for: somebody else may sign in. */
  forget(): void {
    this.current = null;
    this.stale = false;
    this.asking = null;
  }

  /** Whoever is being asked may never answer: the next `get` asks anew. */
  abandon(): void {
    this.asking = null;
  }

  get isStale(): boolean {
    if (this.stale || this.current === null) return true;
    const { expiresAt } = claimsOf(this.current);
    return expiresAt !== null && expiresAt - marginMs <= this.clock.now();
  }

  /** A token that is not known to be useless. Null: nobody is signed in. Rejects when the application fails or is late. */
  get(): Promise<string | null> {
    if (!this.isStale) return Promise.resolve(this.current);
    if (this.asking !== null) return this.asking;
    const asking = this.askNow().finally(() => {
      if (this.asking === asking) this.asking = null;
    });
    return (this.asking = asking);
  }

  private async askNow(): Promise<string | null> {
    const fresh = this.current !== null;
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      cancel = this.clock.after(deadlineMs, () => reject(new Error("getToken took too long")));
    });
    try {
      const token = await Promise.race([Promise.resolve().then(() => this.ask({ fresh })), late]);
      this.current = token || null;
      this.stale = false;
      return this.current;
    } finally {
      cancel();
    }
  }
}
