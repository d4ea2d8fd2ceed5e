// The last few things that happened on the socket, for developers to look at. Tokens never enter it.
import { signal } from "./signal.ts";

export interface LogEntry {
  readonly serial: number;
  readonly at: Date;
  readonly direction: "in" | "out" | "system";
  readonly name: string;
  readonly payload: string;
}

const kKept = 12;
const kPayloadCharacters = 600;
let serial = 0;

export const eventLog = signal<readonly LogEntry[]>([]);

function compact(payload: unknown): string {
  if (payload === undefined) return "";
  const text = typeof payload === "string" ? payload : (JSON.stringify(payload) ?? "");
  return text.length > kPayloadCharacters ? `${text.slice(0, kPayloadCharacters)}…` : text;
}

export function record(direction: LogEntry["direction"], name: string, payload?: unknown): void {
  serial += 1;
  const entry: LogEntry = { serial, at: new Date(), direction, name, payload: compact(payload) };
  eventLog.set([entry, ...eventLog.peek()].slice(0, kKept));
}

export function clearLog(): void {
  eventLog.set([]);
}
