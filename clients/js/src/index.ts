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

/** For whoever sets it up: what fails is asked again in silence, and users are told no details. */
function tellDeveloper(text: string): void {
  console.warn(`Carillon: ${text}`);
}

/** Once, until a token comes. */
function complaining(getToken: BellOptions["getToken"]): BellOptions["getToken"] {
  let told = false;
  return async (request) => {
    try {
      const token = await getToken(request);
      told = false;
      return token;
    } catch (error) {
      if (!told) tellDeveloper(`getToken has failed and is asked again. ${String((error as Error)?.message ?? error)}`);
      told = true;
      throw error;
    }
  };
}

/** Makes the bell of the user that `getToken` speaks for, and connects it (in a browser; see `autoStart`). */
export function createBell(options: BellOptions): Bell {
  const settings = { ...options, getToken: complaining(options.getToken) };
  const bell = new BellClient(settings, browserPorts(options.url, options.socketPath));
  bell.on("connection", (connection) => {
    const { error } = bell.state;
    if (connection === "stopped" && error && error.code !== "unauthorized") tellDeveloper(`stopped by ${error.code}. ${error.message}`);
  });
  if (options.autoStart ?? typeof document !== "undefined") bell.start();
  return bell;
}
