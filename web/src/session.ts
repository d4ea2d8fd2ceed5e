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

function parse(text: string | null): Session | null {
  if (text === null) return null;
  try {
    const value = JSON.parse(text) as Partial<Session>;
    const whole =
      typeof value.token === "string" && typeof value.userId === "string" && typeof value.expiresAt === "number";
    if (!whole) return null;
    return { ...(value as Session), email: String(value.email ?? ""), name: String(value.name ?? "") };
  } catch {
    return null;
  }
}

export function signIn(answer: SignInAnswer): void {
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
  if (ending === null) return;
  lastEmail.set(ending.email);
  stored.set(storageKey, null);
  endReason.set(reason);
  session.set(null);
}

/** Takes up the stored session and follows the other tabs. */
export function startSession(): void {
  const found = parse(stored.get(storageKey));
  if (found !== null && found.expiresAt <= Date.now()) {
    lastEmail.set(found.email);
    endReason.set("expired");
    stored.set(storageKey, null);
  } else {
    session.set(found);
  }
  window.addEventListener("storage", (event) => {
    if (event.key !== storageKey && event.key !== null) return;
    const next = parse(stored.get(storageKey));
    const ending = session.peek();
    if (next === null && ending !== null) lastEmail.set(ending.email);
    if (next !== null) endReason.set(null);
    session.set(next);
  });
}
