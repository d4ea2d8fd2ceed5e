import { css } from "lit";

// Every colour once, for light and dark; the public properties come first. The page's color-scheme decides, or `theme`.
export const tokens = css`
  :host {
    --_surface: var(--carillon-surface, light-dark(#ffffff, #15211e));
    --_sunken: var(--carillon-sunken, light-dark(#f3f6f4, #0f1917));
    --_text: var(--carillon-text, light-dark(#12211d, #e9f1ee));
    --_soft: var(--carillon-text-soft, light-dark(#52645d, #9db4ac));
    --_line: var(--carillon-line, light-dark(#dfe7e2, #273934));
    --_accent: var(--carillon-accent, light-dark(#0f6b5c, #58d0b4));
    --_on-accent: var(--carillon-on-accent, light-dark(#ffffff, #04211a));
    --_badge: var(--carillon-badge, light-dark(#c4351a, #ff8569));
    --_on-badge: var(--carillon-on-badge, light-dark(#ffffff, #2d0b02));
    --_danger: light-dark(#a82a12, #ff9a82);
    --_danger-soft: light-dark(#fdf0ec, #34190f);
    --_brass: light-dark(#e9a92f, #eebd58);
    --_hover: color-mix(in srgb, var(--_accent) 7%, transparent);
    --_unread: color-mix(in srgb, var(--_accent) 6%, transparent);
    --_shadow: 0 0 0 1px light-dark(rgb(16 40 33 / 7%), rgb(255 255 255 / 7%)), 0 2px 4px light-dark(rgb(16 40 33 / 5%), rgb(0 0 0 / 35%)),
      0 20px 48px -12px light-dark(rgb(16 40 33 / 26%), rgb(0 0 0 / 65%));
    --_radius: var(--carillon-radius, 14px);
    --_font: var(--carillon-font, inherit);
    --_ease: cubic-bezier(0.2, 0.8, 0.2, 1);
    /* A page that makes its root small does not make us small; a reader who wants large text gets it. */
    --_size: var(--carillon-font-size, max(15px, 0.9375rem));
  }

  :host([theme="light"]) {
    color-scheme: light;
  }

  :host([theme="dark"]) {
    color-scheme: dark;
  }

  :host([hidden]) {
    display: none !important;
  }

  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }

  button {
    margin: 0;
    border: 0;
    background: none;
    color: inherit;
    font: inherit;
    letter-spacing: inherit;
    cursor: pointer;
    -webkit-tap-highlight-color: transparent;
  }

  :focus-visible {
    outline: 2px solid var(--_accent);
    outline-offset: 2px;
  }

  .icon {
    display: block;
    width: 1.2em;
    height: 1.2em;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.75;
    stroke-linecap: round;
    stroke-linejoin: round;
  }

  .bell {
    display: block;
    overflow: visible;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.75;
    stroke-linecap: round;
    stroke-linejoin: round;
  }

  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }

  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation: none !important;
      transition: none !important;
    }
  }
`;
