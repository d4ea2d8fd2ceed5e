// The stock client as a SocketPort. Reconnecting is the core's: it knows which refusals pass, and how long to wait.
import { io, type Socket } from "socket.io-client";

import type { LinkHandlers, Refusal, SocketPort } from "../core/ports.js";

const connectMs = 10_000;
const wantedFirst = ["websocket", "polling"];
const pollingFirst = ["polling", "websocket"];

/** What socket.io-client hangs on the error of a failed attempt. */
interface ConnectFailure extends Error {
  data?: { code?: unknown; retryAfterMs?: unknown };
  /** The XMLHttpRequest of a polling transport. */
  context?: { getResponseHeader?(name: string): string | null };
}

/** Of a Retry-After header: seconds, or a date. */
export function retryAfterMs(header: string | null | undefined, now = Date.now()): number | undefined {
  if (!header) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return ms > 0 ? ms : undefined;
}

function refusalOf(error: ConnectFailure): Refusal {
  const refusal: Refusal = { message: error.message };
  if (typeof error.data?.code === "string") refusal.code = error.data.code;
  let header: string | null | undefined;
  try {
    header = error.context?.getResponseHeader?.("Retry-After");
  } catch {
    // A header that another origin does not let us see.
  }
  const wait = typeof error.data?.retryAfterMs === "number" ? error.data.retryAfterMs : retryAfterMs(header);
  if (wait !== undefined) refusal.retryAfterMs = wait;
  return refusal;
}

export function socketIoPort(origin: string, path: string): SocketPort {
  let socket: Socket | null = null;
  let token = "";

  function make(): Socket {
    return io(origin, {
      path,
      auth: (send) => send({ token }),
      autoConnect: false,
      // Somebody else's connection to the same server must not become ours.
      forceNew: true,
      reconnection: false,
      timeout: connectMs,
      // One round trip when WebSockets pass, and no need for sticky sessions.
      transports: wantedFirst,
      tryAllTransports: true,
    });
  }

  function open(nextToken: string, handlers: LinkHandlers) {
    token = nextToken;
    const current = (socket ??= make());
    current.on("connect", () => handlers.connected(current.recovered));
    current.on("connect_error", (error: ConnectFailure) => {
      // Something on the way swallows one kind of transport: the other one first, then.
      if (error.message === "timeout") {
        current.io.opts.transports = current.io.opts.transports === wantedFirst ? pollingFirst : wantedFirst;
      }
      handlers.refused(refusalOf(error));
    });
    current.on("disconnect", (reason) => handlers.closed(reason));
    current.onAny((name: string, payload: unknown) => handlers.event(name, payload));
    current.connect();
    return {
      emit(event: string, payload: unknown, timeoutMs: number): Promise<unknown> {
        return new Promise((resolve) => {
          if (!current.connected) return resolve(null);
          const answer = (error: Error | null, ack: unknown): void => resolve(error ? null : ack);
          const sender = current.timeout(timeoutMs);
          if (payload === null) sender.emit(event, answer);
          else sender.emit(event, payload, answer);
        });
      },
      close(): void {
        current.off();
        current.offAny();
        current.disconnect();
      },
    };
  }

  return { open };
}
