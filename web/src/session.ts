// Who is signed in. One session per browser, shared by its tabs through localStorage; `?as=NAME` names another one.
import { stored } from "./prefs.ts";
import { signal } from "./signal.ts";
import type { SignInAnswer } from "./types.ts";

export interface Session {
  token: string;
  userId: string;
  email: string;
  name: string;
  /** Milliseconds since 1970, by this machine's clock. */
  expiresAt: number;
}

export type EndReason = "expired" | "invalid";

/** The name in `?as=NAME`, or null for the browser's own user. */
export const persona: string | null = new URLSearchParams(location.search).get("as")?.trim().slice(0, 40) || null;
const storageKey = persona === null ? "carillon.session" : `carillon.session.${persona}`;

export const session = signal<Session | null>(null);
/** Why the last session ended, when it was not the user's wish. */
export const endReason = signal<EndReason | null>(null);
/** Filled into the form after a session has ended. */
export const lastEmail = signal("");

/** What is stored: a session, or why and for whom the last one ended. */
type Stored = Partial<Session> & { ended?: EndReason };

function read(): Stored {
  try {
    const value: unknown = JSON.parse(stored.get(storageKey) ?? "{}");
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

function toSession(value: Stored): Session | null {
  const { token, userId, expiresAt } = value;
  if (typeof token !== "string" || typeof userId !== "string" || typeof expiresAt !== "number") return null;
  return { token, userId, expiresAt, email: String(value.email ?? ""), name: String(value.name ?? "") };
}

/** Takes up what is stored, here or by another tab. */
function follow(): void {
  const value = read();
  const next = toSession(value);
  if (next === null) {
    endReason.set(value.ended ?? null);
    lastEmail.set(value.email ?? session.peek()?.email ?? lastEmail.peek());
    session.set(null);
  } else if (next.expiresAt <= Date.now()) {
    end(next, "expired");
  } else {
    endReason.set(null);
    session.set(next);
  }
}

function end(ending: Session, reason: EndReason | null): void {
  stored.set(storageKey, reason === null ? null : JSON.stringify({ ended: reason, email: ending.email }));
  lastEmail.set(ending.email);
  endReason.set(reason);
  session.set(null);
}

let justRegistered = false;

/** True once, for the client of a user who has just registered: all that such an inbox holds is news. */
export function takeJustRegistered(): boolean {
  const taken = justRegistered;
  justRegistered = false;
  return taken;
}

export function signIn(answer: SignInAnswer, registered: boolean): void {
  justRegistered = registered;
  const next: Session = {
    token: answer.accessToken,
    userId: answer.user.id,
    email: answer.user.email,
    name: answer.user.name ?? "",
    expiresAt: Date.now() + answer.expiresIn * 1000,
  };
  stored.set(storageKey, JSON.stringify(next));
  endReason.set(null);
  session.set(next);
}

/** Ends the session in every tab that shares it. */
export function signOut(reason: EndReason | null): void {
  const ending = session.peek();
  if (ending !== null) end(ending, reason);
}

/** Whether this is still whom the browser keeps: another tab may have signed out, or somebody else in. */
export function isKept(candidate: Session): boolean {
  return toSession(read())?.userId === candidate.userId;
}

async function resume(kept: Session, renew: (ending: Session) => Promise<boolean>): Promise<void> {
  lastEmail.set(kept.email);
  try {
    if (!(await renew(kept))) end(kept, "expired");
  } catch {
    // Not asked: what is kept stays, for the next load of the page.
    endReason.set("expired");
  }
}

/** Takes up the stored session and follows the other tabs. `renew` makes another token for one that has run out meanwhile. */
export function startSession(renew: (ending: Session) => Promise<boolean>): void {
  const kept = toSession(read());
  if (kept !== null && kept.expiresAt <= Date.now()) void resume(kept, renew);
  else follow();
  window.addEventListener("storage", (event) => {
    if (event.key === storageKey || event.key === null) follow();
  });
}
