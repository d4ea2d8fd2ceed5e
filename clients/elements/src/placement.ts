export interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface Placement {
  top: number;
  left: number;
  width: number;
  height: number;
  /** Where it grows from. */
  origin: string;
}

const gap = 8;
const margin = 12;
const phone = 600;
const highest = 620;

/** Under the bell, its end at the bell's end; above it when there is more room; across the screen of a phone. */
export function place(bell: Box, wantedWidth: number, window: { width: number; height: number }, rtl: boolean): Placement {
  const width = window.width <= phone ? window.width - 2 * gap : Math.min(wantedWidth, window.width - 2 * margin);
  const side = window.width <= phone ? gap : margin;
  const wanted = rtl ? bell.left : bell.right - width;
  const left = Math.min(Math.max(side, wanted), window.width - side - width);
  const below = window.height - bell.bottom - gap - side;
  const above = bell.top - gap - side;
  const up = below < 320 && above > below;
  const height = Math.max(160, Math.min(window.width <= phone ? Infinity : highest, up ? above : below));
  const x = (bell.left + bell.right) / 2 - left;
  return {
    top: up ? bell.top - gap - height : bell.bottom + gap,
    left,
    width,
    height,
    origin: `${Math.round(x)}px ${up ? "bottom" : "top"}`,
  };
}
