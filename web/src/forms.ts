// Labelled fields with their own error line, and problems put into words.
import { Problem } from "./api.ts";
import { h } from "./dom.ts";
import { language, t } from "./prefs.ts";
import { signal, type Signal } from "./signal.ts";

/** A message that follows the chosen language; null is none. */
export type Message = (() => string) | null;

export interface Field {
  root: HTMLElement;
  input: HTMLInputElement | HTMLTextAreaElement;
  error: Signal<Message>;
}

export interface FieldOptions {
  id: string;
  testid: string;
  label: () => string;
  optional?: boolean;
  lines?: number;
  /** Attributes of the input. */
  attributes?: Record<string, string | number | boolean>;
  /** Put beside the input, inside its frame. */
  trailing?: HTMLElement;
}

export function field(options: FieldOptions): Field {
  const error = signal<Message>(null);
  const errorId = `${options.id}-error`;
  const shared = {
    id: options.id,
    name: options.id,
    class: "input",
    "data-testid": options.testid,
    "aria-describedby": errorId,
    "aria-invalid": () => (error.get() === null ? null : "true"),
    on: { input: () => error.set(null) },
    ...options.attributes,
  };
  const input =
    options.lines === undefined ? h("input", shared) : h("textarea", { ...shared, rows: options.lines });
  const root = h(
    "div",
    { class: "field" },
    h(
      "label",
      { class: "field-label", for: options.id },
      options.label,
      options.optional ? h("span", { class: "field-optional" }, () => ` (${t().optional})`) : null,
    ),
    options.trailing ? h("div", { class: "field-frame" }, input, options.trailing) : input,
    h("p", { class: "field-error", id: errorId, hidden: () => error.get() === null }, () => error.get()?.() ?? ""),
  );
  return { root, input, error };
}

/** Writes each of the problem's field errors next to its field; returns whether one found its place. */
export function showFieldErrors(problem: Problem, fields: Record<string, Field>): boolean {
  let shown = false;
  for (const [name, message] of problem.fields) {
    const target = fields[name];
    if (target === undefined) continue;
    target.error.set(() => message);
    shown = true;
  }
  return shown;
}

export function focusFirstError(fields: readonly Field[]): void {
  fields.find((candidate) => candidate.error.peek() !== null)?.input.focus();
}

/** What a form says about a failure that belongs to no field. */
export function problemMessage(error: unknown): () => string {
  if (!(error instanceof Problem)) return () => t().unexpected(0);
  return () => {
    if (error.status === 0) return t().noNetwork;
    if (error.status === 429) return t().tooMany(Math.max(1, error.retryAfterSeconds));
    if (error.status === 503) return t().unavailable;
    // The server speaks English; its detail says more than a general sentence where that language is chosen.
    if (error.status < 500 && language.get() === "en" && error.message !== "") return error.message;
    return t().unexpected(error.status);
  };
}
