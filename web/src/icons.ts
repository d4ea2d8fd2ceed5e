// Drawn on a 24-unit grid with a 1.75 stroke; decoration only, the name is on the control.
import { h, svg } from "./dom.ts";

const kPaths = {
  plus: "M12 5v14M5 12h14",
  check: "M5 12.500l4.500 4.500L19 7.500",
  checks: "M2.500 12.500L7 17l8.500-9.500M11.500 16l1 1L21.500 7.500",
  close: "M6 6l12 12M18 6L6 18",
  moon: "M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400",
  leave: "M10 4H6a1.500 1.500 0 0 0-1.500 1.500v13A1.500 1.500 0 0 0 6 20h4M15 8l4 4-4 4M19 12H9.500",
  out: "M14 4.500h5.500V10M19.500 4.500L11 13M17 14v4.500a1 1 0 0 1-1 1H5.500a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1H10",
  alert: "M12 8v5M12 16.500v.1M12 3.500l9 16H3z",
  eye: "M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 9.200a2.800 2.800 0 1 0 0 5.600 2.800 2.800 0 0 0 0-5.600z",
  eyeOff: "M4 4l16 16M9.900 5.700A9 9 0 0 1 12 5.500c6 0 9.500 6.500 9.500 6.500a16 16 0 0 1-2.600 3.300M6.200 7.400A15.500 15.500 0 0 0 2.500 12S6 18.500 12 18.500a9 9 0 0 0 4-.9M10 10a2.800 2.800 0 0 0 4 4",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.500 20c.8-3.500 3.800-5.500 7.500-5.500s6.700 2 7.500 5.500",
} as const;

export function icon(name: keyof typeof kPaths): SVGElement {
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: kPaths[name] }));
}

const kBody =
  "M12 3a1.500 1.500 0 0 0-1.500 1.500v.4C7.800 5.600 6.200 7.900 6.200 10.700c0 3.200-.8 4.500-1.700 5.500-.6.700-.2 1.800.8 1.800h13.400c1 0 1.400-1.100.8-1.800-.9-1-1.700-2.300-1.700-5.500 0-2.800-1.600-5.100-4.300-5.800v-.4A1.500 1.500 0 0 0 12 3z";

/** The bell, in two parts so that body and clapper swing apart. */
export function bell(className = "bell"): SVGElement {
  return svg(
    "svg",
    { class: className, viewBox: "0 0 24 24", "aria-hidden": "true" },
    svg("circle", { class: "bell-clapper", cx: 12, cy: 19.4, r: 2.2 }),
    svg("path", { class: "bell-body", d: kBody }),
  );
}

export function brandMark(): HTMLElement {
  return h("span", { class: "mark" }, bell());
}
