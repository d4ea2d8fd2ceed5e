// The last few things that the bell told and was told, for developers to look at. Tokens never enter it.
import { Paced } from "./paced.ts";
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
const kPaceMs = 100;
let serial = 0;
let entries: readonly LogEntry[] = [];

/** Newest first. */
export const eventLog = signal<readonly LogEntry[]>([]);
const publish = new Paced(kPaceMs, () => eventLog.set(entries));

function compact(payload: unknown): string {
  if (payload === undefined) return "";
  const text = typeof payload === "string" ? payload : (JSON.stringify(payload) ?? "");
  return text.length > kPayloadCharacters ? `${text.slice(0, kPayloadCharacters)}…` : text;
}

export function record(direction: LogEntry["direction"], name: string, payload?: unknown): void {
  serial += 1;
  const entry: LogEntry = { serial, at: new Date(), direction, name, payload: compact(payload) };
  entries = [entry, ...entries].slice(0, kKept);
  publish.request();
}

export function clearLog(): void {
  entries = [];
  publish.now();
}
