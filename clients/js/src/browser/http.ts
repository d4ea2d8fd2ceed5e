import type { HttpPort } from "../core/ports.js";
import { retryAfterMs } from "./socket_io.js";

const deadlineMs = 15_000;

export function fetchPort(base: string): HttpPort {
  return {
    async request(method, path, token, body, key) {
      const headers: Record<string, string> = { accept: "application/json", authorization: `Bearer ${token}` };
      if (body !== undefined) headers["content-type"] = "application/json";
      if (key !== undefined) headers["idempotency-key"] = key;
      const response = await fetch(base + path, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        credentials: "omit",
        cache: "no-store",
        signal: AbortSignal.timeout(deadlineMs),
      });
      const wait = retryAfterMs(response.headers.get("retry-after"));
      return {
        status: response.status,
        body: await response.json().catch(() => null),
        ...(wait === undefined ? {} : { retryAfterMs: wait }),
      };
    },
  };
}
