// What the tabs of an origin share: a lock, a channel, a storage.
import type { ChannelPort, LocksPort, StoragePort } from "../core/ports.js";

/** Null outside a secure context (HTTPS, localhost). */
export function webLocks(): LocksPort | null {
  const locks = typeof navigator === "undefined" ? undefined : navigator.locks;
  // Node has them too, but no other tab does.
  if (!locks || typeof document === "undefined") return null;
  return {
    acquire(name, steal, held, lost) {
      const abort = new AbortController();
      let over = false;
      let ours = false;
      let release = (): void => {};
      const hold = (): Promise<void> | void => {
        if (over) return;
        ours = true;
        held();
        return new Promise((resolve) => (release = resolve));
      };
      locks.request(name, steal ? { steal: true } : { signal: abort.signal }, hold).catch((error: unknown) => {
        if (over) return;
        if (ours) lost();
        // An origin that may not have locks: alone, then.
        else if ((error as Error)?.name !== "AbortError") hold();
      });
      return () => {
        over = true;
        abort.abort();
        release();
      };
    },
  };
}

export function broadcastChannels(): ChannelPort | null {
  if (typeof BroadcastChannel === "undefined" || typeof document === "undefined") return null;
  return {
    open(name, receive) {
      const channel = new BroadcastChannel(name);
      channel.onmessage = (event) => receive(event.data);
      return {
        send: (message) => channel.postMessage(message),
        close: () => channel.close(),
      };
    },
  };
}

/** localStorage, which may be missing, forbidden or full. */
export function localStore(): StoragePort {
  const store = (): Storage | null => {
    try {
      return typeof document === "undefined" ? null : window.localStorage;
    } catch {
      return null;
    }
  };
  return {
    get: (key) => store()?.getItem(key) ?? null,
    set(key, value) {
      try {
        store()?.setItem(key, value);
        return store() !== null;
      } catch {
        return false;
      }
    },
    remove: (key) => store()?.removeItem(key),
    keys: (prefix) => Object.keys(store() ?? {}).filter((key) => key.startsWith(prefix)),
  };
}
