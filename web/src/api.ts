// What the page asks of the gateway's REST API itself: sign-in and sending. Every failure is a Problem (RFC 9457), the network's included.
import { isKept, persona, session, signIn, signOut, type Session } from "./session.ts";
import type { SignInAnswer } from "./types.ts";

const kTimeoutMs = 10_000;

export class Problem extends Error {
  constructor(
    /** The HTTP status; 0 when no answer came. */
    readonly status: number,
    readonly code: string,
    message: string,
    /** By field name: the last part of each error's path. */
    readonly fields: ReadonlyMap<string, string> = new Map(),
    readonly retryAfterSeconds = 0,
  ) {
    super(message);
  }
}

function fieldsOf(errors: unknown): Map<string, string> {
  const fields = new Map<string, string>();
  if (!Array.isArray(errors)) return fields;
  for (const error of errors as { path?: unknown; message?: unknown }[]) {
    // A path may be a JSON pointer or dotted: "/email", "$.email", "body.email".
    const name = String(error?.path ?? "").split(/[/.]/).pop() ?? "";
    if (!fields.has(name)) fields.set(name, String(error?.message ?? ""));
  }
  return fields;
}

async function problemOf(response: Response): Promise<Problem> {
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const message = String(body.detail ?? body.title ?? response.statusText);
  const retryAfter = Number(response.headers.get("retry-after") ?? 0);
  return new Problem(
    response.status,
    String(body.code ?? ""),
    message,
    fieldsOf(body.errors),
    Number.isFinite(retryAfter) ? retryAfter : 0,
  );
}

interface Options {
  body?: unknown;
  /** False for requests that are made without being signed in. */
  authorized?: boolean;
  /** Not a second time. */
  renewed?: boolean;
}

async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const authorized = options.authorized ?? true;
  const headers: Record<string, string> = { accept: "application/json" };
  const current = session.peek();
  const token = current?.token;
  if (authorized && token !== undefined) headers.authorization = `Bearer ${token}`;
  if (options.body !== undefined) headers["content-type"] = "application/json";
  if (authorized && method === "POST") headers["idempotency-key"] = idempotencyKey();

  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      // The refresh cookie is the browser's own user's: another one beside it (`?as=`) has none.
      credentials: persona === null ? "same-origin" : "omit",
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: AbortSignal.timeout(kTimeoutMs),
    });
  } catch {
    throw new Problem(0, "network", "no answer");
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    if (authorized && response.status === 401 && current !== null && !options.renewed) {
      if (await renew(current).catch(() => false)) return request(method, path, { ...options, renewed: true });
    }
    // Only the session that was refused ends: another tab may have signed in again meanwhile.
    if (authorized && response.status === 401 && session.peek()?.token === token) {
      signOut(problem.code === "token_expired" ? "expired" : "invalid");
    }
    throw problem;
  }
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch {
    throw new Problem(0, "network", "the answer was cut off");
  }
}

function idempotencyKey(): string {
  // crypto.randomUUID exists only in secure contexts, and a demo may be opened over plain HTTP by address.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

let renewing: Promise<boolean> | null = null;

/** Another token by the cookie of the log-in. False: there is none any more. Rejects when that could not be asked. */
export function renew(ending: Session): Promise<boolean> {
  return (renewing ??= askForToken(ending).finally(() => {
    renewing = null;
  }));
}

async function askForToken(ending: Session): Promise<boolean> {
  if (persona !== null) return false;
  try {
    const answer = await request<SignInAnswer>("POST", "/auth/refresh", { authorized: false });
    if (answer.user.id !== ending.userId || !isKept(ending)) return false;
    signIn(answer, false);
    return true;
  } catch (problem) {
    if (problem instanceof Problem && (problem.status === 401 || problem.status === 403)) return false;
    throw problem;
  }
}

export interface Draft {
  type: string;
  title: string;
  body?: string;
  data?: Record<string, unknown>;
}

export const api = {
  register: (email: string, password: string, name: string) =>
    request<SignInAnswer>("POST", "/auth/register", {
      authorized: false,
      body: name === "" ? { email, password } : { email, password, name },
    }),
  login: (email: string, password: string) =>
    request<SignInAnswer>("POST", "/auth/login", { authorized: false, body: { email, password } }),
  logout: () => request<void>("POST", "/auth/logout", { authorized: false }),
  send: (userId: string, draft: Draft) => request<unknown>("POST", "/notifications", { body: { userId, ...draft } }),
};
