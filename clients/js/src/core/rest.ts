import type { HttpAnswer, HttpPort } from "./ports.js";
import type { TokenSource } from "./tokens.js";

/** Null: no answer, or no token to ask with. `refused`: the server will not have the user's token. */
export type RestAnswer = (HttpAnswer & { refused: boolean }) | null;

/** The public REST API with the user's token. One that has expired is replaced, once, by a fresh one. */
export async function callRest(
  http: HttpPort,
  tokens: TokenSource,
  method: "GET" | "POST",
  path: string,
  body?: unknown,
  key?: string,
): Promise<RestAnswer> {
  try {
    for (let tries = 1; ; tries += 1) {
      const token = await tokens.get();
      if (token === null) return null;
      const answer = await http.request(method, path, token, body, key);
      if (answer.status !== 401) return { ...answer, refused: answer.status === 403 && method === "GET" };
      // A token that expires on the way may be better the next time; any other will not.
      if (tries === 2) return { ...answer, refused: (answer.body as { code?: unknown } | null)?.code !== "token_expired" };
      tokens.markStale();
    }
  } catch {
    return null;
  }
}

export function listPath(limit: number, cursor?: string | null, status?: string): string {
  const from = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
  return `/notifications?limit=${limit}${from}${status === undefined ? "" : `&status=${status}`}`;
}
