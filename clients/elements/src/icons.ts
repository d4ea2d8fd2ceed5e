// Drawn on a 24-unit grid with a stroke of 1.75; decoration only, the name is on the control.
import { svg, type SVGTemplateResult } from "lit";

const bodyPath =
  "M12 2.6a1.3 1.3 0 0 0-1.27 1.6C8.1 4.85 6.3 7.1 6.3 10v2.6c0 1.5-.55 2.6-1.55 3.8-.66.8-.2 1.9.84 1.9h12.82c1.04 0 1.5-1.1.84-1.9-1-1.2-1.55-2.3-1.55-3.8V10c0-2.9-1.8-5.15-4.43-5.8A1.3 1.3 0 0 0 12 2.6z";

/** In two parts, so that body and clapper swing apart. */
export const bellIcon = (): SVGTemplateResult => svg`
  <svg class="bell" part="bell-icon" viewBox="0 0 24 24" aria-hidden="true">
    <path class="bell-clapper" d="M9.9 20.2a2.2 2.2 0 0 0 4.2 0" />
    <path class="bell-body" d=${bodyPath} />
  </svg>`;

const line = (d: string): SVGTemplateResult => svg`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${d} /></svg>`;

export const checkIcon = (): SVGTemplateResult => line("M5 12.5l4.5 4.5L19 7.5");
export const checksIcon = (): SVGTemplateResult => line("M2.5 12.5L7 17l8.5-9.5M11.5 16l1 1L21.5 7.5");
export const closeIcon = (): SVGTemplateResult => line("M6.5 6.5l11 11M17.5 6.5l-11 11");
export const alertIcon = (): SVGTemplateResult => line("M12 8v5M12 16.4v.1M12 3.5l9 16H3z");
export const offlineIcon = (): SVGTemplateResult =>
  line("M4 4l16 16M7.6 8.6A4.6 4.6 0 0 0 7.4 17.6h9.4M10.6 6.6a5.6 5.6 0 0 1 7 4.3 3.7 3.7 0 0 1 2.1 5.3");
export const lockIcon = (): SVGTemplateResult =>
  line("M6.5 10.5h11a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1zM8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5M12 14.2v2");
