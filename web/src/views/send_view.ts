// The form that sends a notification to oneself.
import { Problem, type Draft } from "../api.ts";
import type { Client } from "../client.ts";
import { h } from "../dom.ts";
import { field, focusFirstError, problemMessage, showFieldErrors, type Field, type Message } from "../forms.ts";
import { t } from "../prefs.ts";
import { effect, signal } from "../signal.ts";

function makeFields(): { title: Field; body: Field; type: Field; url: Field } {
  return {
    title: field({
      id: "send-title",
      testid: "send-title",
      label: () => t().fieldTitle,
      attributes: { type: "text", dir: "auto", required: true, maxlength: 200, autocomplete: "off" },
    }),
    body: field({
      id: "send-body",
      testid: "send-body",
      label: () => t().fieldBody,
      optional: true,
      lines: 3,
      attributes: { dir: "auto", maxlength: 4000 },
    }),
    type: field({
      id: "send-type",
      testid: "send-type",
      label: () => t().fieldType,
      attributes: { type: "text", dir: "ltr", required: true, maxlength: 64, autocomplete: "off", spellcheck: "false", value: "demo.message" },
    }),
    url: field({
      id: "send-url",
      testid: "send-url",
      label: () => t().fieldLink,
      optional: true,
      attributes: { type: "text", dir: "ltr", autocomplete: "off", spellcheck: "false", inputmode: "url", placeholder: "https://" },
    }),
  };
}

/** Fills in the next example as long as the fields hold nothing of the user's own. */
function followSamples(title: Field, body: Field): () => void {
  const turn = signal(0);
  let filled: readonly [string, string] = ["", ""];
  const isOurs = () => title.input.value === filled[0] && body.input.value === filled[1];
  effect(() => {
    const { samples } = t();
    const sample = samples[turn.get() % samples.length];
    if (sample === undefined || !isOurs()) return;
    filled = [sample[0] ?? "", sample[1] ?? ""];
    title.input.value = filled[0];
    body.input.value = filled[1];
  });
  return () => {
    // What was just sent has served its turn, whoever wrote it.
    filled = [title.input.value, body.input.value];
    turn.set(turn.peek() + 1);
  };
}

export function sendView(client: Client): HTMLElement {
  const busy = signal(false);
  const failure = signal<Message>(null);
  const sent = signal(false);
  const { title, body, type, url } = makeFields();
  // By the names that the server's errors use; `data/url` ends in `url`.
  const byName: Record<string, Field> = { title, body, type, url, data: url };
  const all = [title, body, type, url];
  const nextSample = followSamples(title, body);

  function draft(): Draft {
    const text = body.input.value.trim();
    const link = url.input.value.trim();
    return {
      type: type.input.value.trim(),
      title: title.input.value.trim(),
      ...(text === "" ? {} : { body: text }),
      ...(link === "" ? {} : { data: { url: link } }),
    };
  }

  async function submit(): Promise<void> {
    if (busy.peek()) return;
    for (const each of all) each.error.set(null);
    failure.set(null);
    sent.set(false);
    const content = draft();
    if (content.title === "") title.error.set(() => t().needTitle);
    if (content.type === "") type.error.set(() => t().needType);
    if (all.some((each) => each.error.peek() !== null)) {
      focusFirstError(all);
      return;
    }
    busy.set(true);
    try {
      await client.send(content);
      sent.set(true);
      nextSample();
    } catch (problem) {
      const forbidden = problem instanceof Problem && problem.status === 403;
      failure.set(forbidden ? () => t().forbidden : problemMessage(problem));
      if (problem instanceof Problem && showFieldErrors(problem, byName)) {
        failure.set(() => t().checkFields);
        focusFirstError(all);
      }
    } finally {
      busy.set(false);
    }
  }

  return h(
    "section",
    { class: "card send-card", "aria-labelledby": "send-heading" },
    h("h2", { id: "send-heading", class: "card-title" }, () => t().sendTitle),
    h(
      "form",
      {
        class: "stack",
        "data-testid": "send-form",
        novalidate: true,
        "aria-labelledby": "send-heading",
        on: {
          submit: (event) => {
            event.preventDefault();
            void submit();
          },
        },
      },
      title.root,
      body.root,
      h("div", { class: "pair" }, type.root, url.root),
      h("p", { class: "form-error", role: "alert", hidden: () => failure.get() === null }, () => failure.get()?.() ?? ""),
      h(
        "div",
        { class: "form-foot" },
        h(
          "button",
          { type: "submit", class: "button primary", "data-testid": "send-submit", "aria-disabled": () => busy.get() || null },
          () => (busy.get() ? t().sending : t().send),
        ),
        h("span", { class: "form-status", role: "status" }, () => (sent.get() && !busy.get() ? t().sent : "")),
      ),
    ),
  );
}
