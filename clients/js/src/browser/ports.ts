import type { Ports } from "../core/ports.js";
import { fetchPort } from "./http.js";
import { browserPage } from "./page.js";
import { socketIoPort } from "./socket_io.js";
import { broadcastChannels, localStore, webLocks } from "./tabs.js";

/** One timer may not be longer than 2^31 ms. */
const longestTimerMs = 2_000_000_000;

function uniqueId(): string {
  // crypto.randomUUID exists in secure contexts only.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** `url` may have a path in front of the gateway's paths. */
export function browserPorts(url: string, socketPath = "/socket.io/"): Ports {
  // On a server there is no page for a relative address to go on from, and nothing is asked for there either.
  const base = new URL(url, typeof location === "undefined" ? "http://localhost" : location.href);
  const prefix = base.pathname.replace(/\/+$/, "");
  return {
    clock: {
      now: () => Date.now(),
      after(ms, action) {
        const timer = setTimeout(action, Math.min(Math.max(0, ms), longestTimerMs));
        return () => clearTimeout(timer);
      },
    },
    random: Math.random,
    id: uniqueId,
    socket: socketIoPort(base.origin, prefix + socketPath),
    http: fetchPort(base.origin + prefix),
    page: browserPage(),
    locks: webLocks(),
    channel: broadcastChannels(),
    storage: localStore(),
  };
}
