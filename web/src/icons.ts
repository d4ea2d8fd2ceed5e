// Drawn on a 24-unit grid with a 1.75 stroke; decoration only, the name is on the control.
import { h, svg } from "./dom.ts";

const kPaths = {
  plus: "M12 5v14M5 12h14",
  check: "M5 12.5l4.5 4.5L19 7.5",
  checks: "M2.5 12.5L7 17l8.5-9.5M11.5 16l1 1L21.5 7.5",
  close: "M6 6l12 12M18 6L6 18",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  leave: "M10 4H6a1.5 1.5 0 0 0-1.5 1.5v13A1.5 1.5 0 0 0 6 20h4M15 8l4 4-4 4M19 12H9.5",
  out: "M14 4.5h5.5V10M19.5 4.5L11 13M17 14v4.5a1 1 0 0 1-1 1H5.5a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1H10",
  alert: "M12 8v5M12 16.5v.1M12 3.5l9 16H3z",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z",
  eyeOff: "M4 4l16 16M9.9 5.7A9 9 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.5a16 16 0 0 1-2.6 3.3M6.2 7.4A15.5 15.5 0 0 0 2.5 12S6 18.5 12 18.5a9 9 0 0 0 4-.9M10 10a2.8 2.8 0 0 0 4 4",
  copy: "M9 9V5.5A1.5 1.5 0 0 1 10.5 4h8A1.5 1.5 0 0 1 20 5.5v8a1.5 1.5 0 0 1-1.5 1.5H15M5.5 9h8a1.5 1.5 0 0 1 1.5 1.5v8a1.5 1.5 0 0 1-1.5 1.5h-8A1.5 1.5 0 0 1 4 18.5v-8A1.5 1.5 0 0 1 5.5 9z",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 20c.8-3.5 3.8-5.5 7.5-5.5s6.7 2 7.5 5.5",
} as const;

export function icon(name: keyof typeof kPaths): SVGElement {
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: kPaths[name] }));
}

const kBody =
  "M12 1.8a1.7 1.7 0 0 0-1.65 2.1C7.7 4.6 5.9 6.9 5.9 9.9c0 3.4-.8 5-2 6.3-.7.8-.2 2 .9 2h14.4c1.1 0 1.6-1.2.9-2-1.2-1.3-2-2.9-2-6.3 0-3-1.8-5.3-4.45-6A1.7 1.7 0 0 0 12 1.8z";

/** The bell, in two parts so that body and clapper swing apart. */
export function bell(className = "bell"): SVGElement {
  return svg(
    "svg",
    { class: className, viewBox: "0 0 24 24", "aria-hidden": "true" },
    svg("circle", { class: "bell-clapper", cx: 12, cy: 19.5, r: 2.6 }),
    svg("path", { class: "bell-body", d: kBody }),
  );
}

export function brandMark(): HTMLElement {
  return h("span", { class: "mark" }, bell());
}
