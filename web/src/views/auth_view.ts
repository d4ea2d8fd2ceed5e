// Register or sign in.
import { api, Problem } from "../api.ts";
import { h } from "../dom.ts";
import { field, focusFirstError, problemMessage, showFieldErrors, type Field, type Message } from "../forms.ts";
import { icon } from "../icons.ts";
import { t } from "../prefs.ts";
import { endReason, lastEmail, persona, signIn } from "../session.ts";
import { effect, signal } from "../signal.ts";
import { heroView } from "./hero_view.ts";

type Mode = "register" | "login";

function passwordField(mode: () => Mode): Field {
  const shown = signal(false);
  const label = () => (shown.get() ? t().hidePassword : t().showPassword);
  const reveal = h("button", {
    type: "button",
    class: "icon-button field-button",
    "aria-label": label,
    title: label,
    on: { click: () => shown.set(!shown.peek()) },
  });
  const result = field({
    id: "password",
    testid: "auth-password",
    label: () => t().password,
    attributes: { required: true, spellcheck: "false", autocapitalize: "none" },
    trailing: reveal,
  });
  effect(() => {
    reveal.replaceChildren(icon(shown.get() ? "eyeOff" : "eye"));
    result.input.setAttribute("type", shown.get() ? "text" : "password");
    result.input.setAttribute("autocomplete", mode() === "register" ? "new-password" : "current-password");
  });
  return result;
}

function emailField(): Field {
  const result = field({
    id: "email",
    testid: "auth-email",
    label: () => t().email,
    attributes: { type: "email", dir: "ltr", required: true, autocomplete: "username", spellcheck: "false", inputmode: "email" },
  });
  result.input.value = lastEmail.peek();
  return result;
}

/** Says what is plainly missing, before anything is sent. */
function check(email: Field, password: Field): boolean {
  if (email.input.value.trim() === "") email.error.set(() => t().needEmail);
  else if (!email.input.checkValidity()) email.error.set(() => t().badEmail);
  if (password.input.value === "") password.error.set(() => t().needPassword);
  return email.error.peek() === null && password.error.peek() === null;
}

export function authView(): HTMLElement {
  const mode = signal<Mode>(lastEmail.peek() === "" ? "register" : "login");
  const busy = signal(false);
  const failure = signal<Message>(null);
  const registering = () => mode.get() === "register";

  const name = field({
    id: "name",
    testid: "auth-name",
    label: () => t().name,
    optional: true,
    attributes: { type: "text", autocomplete: "name", maxlength: 100 },
  });
  const email = emailField();
  const password = passwordField(() => mode.get());
  const fields: Record<string, Field> = { name, email, password };

  function show(problem: unknown): void {
    failure.set(problemMessage(problem));
    if (!(problem instanceof Problem)) return;
    if (problem.status === 409) {
      failure.set(() => t().emailTaken);
      email.error.set(() => t().emailTaken);
    } else if (problem.status === 401) {
      failure.set(() => t().wrongLogin);
    } else if (showFieldErrors(problem, fields)) {
      failure.set(() => t().checkFields);
    }
    focusFirstError([name, email, password]);
  }

  async function submit(): Promise<void> {
    if (busy.peek()) return;
    for (const each of Object.values(fields)) each.error.set(null);
    failure.set(null);
    if (!check(email, password)) {
      failure.set(() => t().checkFields);
      focusFirstError([email, password]);
      return;
    }
    busy.set(true);
    const address = email.input.value.trim();
    const secret = password.input.value;
    try {
      const entering = mode.peek() === "register";
      const answer = await (entering
        ? api.register(address, secret, name.input.value.trim())
        : api.login(address, secret));
      signIn(answer, entering);
    } catch (problem) {
      show(problem);
    } finally {
      busy.set(false);
    }
  }

  const form = h(
    "form",
    {
      class: "stack",
      "data-testid": "auth-form",
      novalidate: true,
      "aria-labelledby": "auth-title",
      on: {
        submit: (event) => {
          event.preventDefault();
          void submit();
        },
      },
    },
    h("div", { class: "stack-row", hidden: () => !registering() }, name.root),
    email.root,
    password.root,
    h("p", { class: "form-error", role: "alert", "data-testid": "auth-error", hidden: () => failure.get() === null }, () =>
      failure.get()?.() ?? "",
    ),
    h(
      "button",
      { type: "submit", class: "button primary wide", "data-testid": "auth-submit", "aria-disabled": () => busy.get() || null },
      () => {
        if (busy.get()) return registering() ? t().registering : t().loggingIn;
        return registering() ? t().register : t().login;
      },
    ),
  );

  return h(
    "div",
    { class: "welcome" },
    heroView(),
    h(
      "section",
      { class: "card auth-card" },
      h("h2", { id: "auth-title", class: "card-title" }, () => (registering() ? t().registerTitle : t().loginTitle)),
      h("p", { class: "card-lead" }, () => (registering() ? t().registerLead : t().loginLead)),
      persona === null ? null : h("p", { class: "persona-note" }, icon("person"), h("span", {}, () => t().signingInAs(persona ?? ""))),
      h("p", { class: "form-notice", role: "status", hidden: () => endReason.get() === null }, () =>
        endReason.get() === "expired" ? t().endedExpired : t().endedInvalid,
      ),
      form,
      h(
        "p",
        { class: "switch" },
        () => `${registering() ? t().haveAccount : t().noAccount} `,
        h(
          "button",
          {
            type: "button",
            class: "link",
            "data-testid": "auth-toggle",
            on: {
              click: () => {
                mode.set(registering() ? "login" : "register");
                failure.set(null);
                for (const each of Object.values(fields)) each.error.set(null);
              },
            },
          },
          () => (registering() ? t().loginInstead : t().registerInstead),
        ),
      ),
    ),
  );
}
