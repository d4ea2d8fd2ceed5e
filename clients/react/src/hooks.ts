import type { Bell, BellEvents, BellState, ConnectionState } from "@carillon/client";
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react";

import { useBell } from "./provider.js";

/** What a server renders, and a browser until it has looked: nothing is known yet. */
const unknown: BellState = {
  notifications: [],
  unreadCount: 0,
  connection: "idle",
  error: null,
  list: "loading",
  hasMore: false,
  loadingMore: false,
};

function useBellState<T>(pick: (state: BellState) => T): T {
  const bell = useBell();
  const subscribe = useCallback((changed: () => void) => bell.on("state", changed), [bell]);
  return useSyncExternalStore(
    subscribe,
    () => pick(bell.state),
    () => pick(unknown),
  );
}

export interface NotificationsView
  extends Pick<BellState, "notifications" | "list" | "hasMore" | "loadingMore">,
    Pick<Bell, "read" | "readAll" | "loadMore"> {}

/** The list and what can be done with it. Renders again when the list changes. */
export function useNotifications(): NotificationsView {
  const bell = useBell();
  const notifications = useBellState((state) => state.notifications);
  const list = useBellState((state) => state.list);
  const hasMore = useBellState((state) => state.hasMore);
  const loadingMore = useBellState((state) => state.loadingMore);
  const actions = useMemo(
    () => ({
      read: (notificationId: string) => bell.read(notificationId),
      readAll: () => bell.readAll(),
      loadMore: () => bell.loadMore(),
    }),
    [bell],
  );
  return useMemo(() => ({ notifications, list, hasMore, loadingMore, ...actions }), [notifications, list, hasMore, loadingMore, actions]);
}

/** Exact. Renders again only when it changes. */
export function useUnreadCount(): number {
  return useBellState((state) => state.unreadCount);
}

/** Renders again only when it changes. */
export function useConnectionState(): ConnectionState {
  return useBellState((state) => state.connection);
}

/** Calls the listener, as it was last rendered, on each such event. */
export function useBellEvent<Name extends keyof BellEvents>(name: Name, listener: (event: BellEvents[Name]) => void): void {
  const bell = useBell();
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => bell.on(name, (event) => latest.current(event)), [bell, name]);
}
