// Language, theme and the clock that relative times follow. Remembered for all tabs of this browser.
import { en, type Messages } from "./messages_en.ts";
import { vi } from "./messages_vi.ts";
import { effect, signal } from "./signal.ts";

export type Language = "en" | "vi";
export type Theme = "light" | "dark";

const kLanguageKey = "carillon.language";
const kThemeKey = "carillon.theme";
const kMessages: Record<Language, Messages> = { en, vi };

/** localStorage, or nothing where the browser forbids it. */
export const stored = {
  get(key: string): string | null {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key: string, value: string | null): void {
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, value);
    } catch {
      // Without storage the choice lasts as long as the tab.
    }
  },
};

const darkQuery = matchMedia("(prefers-color-scheme: dark)");

function initialLanguage(): Language {
  const saved = stored.get(kLanguageKey);
  if (saved === "en" || saved === "vi") return saved;
  return navigator.language.toLowerCase().startsWith("vi") ? "vi" : "en";
}

function initialTheme(): Theme {
  const saved = stored.get(kThemeKey);
  if (saved === "light" || saved === "dark") return saved;
  return darkQuery.matches ? "dark" : "light";
}

export const language = signal<Language>(initialLanguage());
export const theme = signal<Theme>(initialTheme());
/** Milliseconds since 1970, moved on twice a minute. */
export const now = signal(Date.now());

/** The messages of the chosen language; inside an effect it follows the choice. */
export function t(): Messages {
  return kMessages[language.get()];
}

export function chooseLanguage(value: Language): void {
  language.set(value);
  stored.set(kLanguageKey, value);
}

export function chooseTheme(value: Theme): void {
  theme.set(value);
  stored.set(kThemeKey, value);
}

/** Keeps <html> in step with the choices. Called once, before the first paint. */
export function startPrefs(): void {
  effect(() => {
    document.documentElement.lang = language.get();
  });
  effect(() => {
    document.documentElement.dataset.theme = theme.get();
  });
  darkQuery.addEventListener("change", () => theme.set(initialTheme()));
  window.addEventListener("storage", (event) => {
    if (event.key === kLanguageKey) language.set(initialLanguage());
    if (event.key === kThemeKey) theme.set(initialTheme());
  });
  window.setInterval(() => now.set(Date.now()), 30_000);
}

const kSteps: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

const kRelative: Intl.RelativeTimeFormatOptions = { numeric: "auto", style: "short" };
const relativeFormats: Record<Language, Intl.RelativeTimeFormat> = {
  en: new Intl.RelativeTimeFormat("en", kRelative),
  vi: new Intl.RelativeTimeFormat("vi", kRelative),
};

/** "3 minutes ago" in the chosen language. Times ahead of this clock read as now. */
export function relativeTime(iso: string): string {
  const seconds = Math.max(0, Math.round((now.get() - Date.parse(iso)) / 1000));
  const format = relativeFormats[language.get()];
  for (const [unit, size] of kSteps) {
    if (seconds >= size) return format.format(-Math.floor(seconds / size), unit);
  }
  return format.format(0, "second");
}

export function fullTime(iso: string): string {
  return new Intl.DateTimeFormat(language.get(), { dateStyle: "full", timeStyle: "medium" }).format(new Date(iso));
}
