// @carillon/client: the bell of one user, without any looks.
import { BellClient } from "./bell.js";
import { browserPorts } from "./browser/ports.js";
import type { Bell, BellOptions } from "./types.js";

export { BellError } from "./types.js";
export type {
  ArrivalEvent,
  Bell,
  BellEvents,
  BellNotification,
  BellOptions,
  BellState,
  ConnectionState,
  Data,
  ListAnswer,
  ListQuery,
  ListState,
  RefusedEvent,
  TokenRequest,
} from "./types.js";

/** Makes the bell of the user that `getToken` speaks for, and connects it (in a browser; see `autoStart`). */
export function createBell(options: BellOptions): Bell {
  const bell = new BellClient(options, browserPorts(options.url, options.socketPath));
  if (options.autoStart ?? typeof document !== "undefined") bell.start();
  return bell;
}
