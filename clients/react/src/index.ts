export { BellProvider, useBell, type BellProviderProps } from "./provider.js";
export { useBellEvent, useConnectionState, useNotifications, useUnreadCount, type NotificationsView } from "./hooks.js";
export { Bell, Inbox, type BellProps, type ElementProps, type InboxProps } from "./components.js";
export { BellError, createBell } from "@carillon/client";
export type { BellNotification, BellOptions, BellState, ConnectionState } from "@carillon/client";
