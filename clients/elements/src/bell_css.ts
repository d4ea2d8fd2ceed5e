import { css } from "lit";

export const bellStyles = css`
  :host {
    position: relative;
    display: inline-block;
    font-family: var(--_font);
    font-size: var(--_size);
    line-height: 1.45;
    vertical-align: middle;
  }

  .trigger {
    position: relative;
    display: inline-flex;
    align-items: center;
    justify-content: center;
    min-width: 40px;
    height: 40px;
    padding: 0 8px;
    border-radius: 10px;
    color: var(--carillon-bell, currentColor);
    transition: background-color 120ms;
  }

  .trigger:hover,
  .trigger[aria-expanded="true"] {
    background: color-mix(in srgb, currentColor 9%, transparent);
  }

  .trigger .bell {
    width: var(--carillon-bell-size, 24px);
    height: var(--carillon-bell-size, 24px);
    transition: opacity 200ms;
  }

  .is-away .bell {
    opacity: 0.45;
  }

  .is-ringing .bell-body {
    animation: swing-body 900ms ease-in-out;
    transform-origin: 12px 3px;
  }

  .is-ringing .bell-clapper {
    animation: swing-clapper 900ms ease-in-out;
    transform-origin: 12px 3px;
  }

  @keyframes swing-body {
    0%,
    100% {
      rotate: 0deg;
    }
    15% {
      rotate: 15deg;
    }
    35% {
      rotate: -12deg;
    }
    55% {
      rotate: 8deg;
    }
    75% {
      rotate: -4deg;
    }
  }

  @keyframes swing-clapper {
    0%,
    100% {
      rotate: 0deg;
    }
    20% {
      rotate: -16deg;
    }
    42% {
      rotate: 14deg;
    }
    63% {
      rotate: -9deg;
    }
    82% {
      rotate: 4deg;
    }
  }

  /* It takes part in the layout, so that the button grows with the number and nothing is covered. */
  .badge {
    min-width: 18px;
    margin: -16px -4px 0 -10px;
    padding: 0 5px;
    border-radius: 99px;
    background: var(--_badge);
    color: var(--_on-badge);
    font-size: 11px;
    font-variant-numeric: tabular-nums;
    font-weight: 700;
    line-height: 18px;
    text-align: center;
  }

  :host(:dir(rtl)) .badge {
    margin: -16px -10px 0 -4px;
  }

  .badge.is-popping {
    animation: pop 420ms var(--_ease);
  }

  @keyframes pop {
    0% {
      scale: 0.6;
    }
    45% {
      scale: 1.25;
    }
    100% {
      scale: 1;
    }
  }

  /* In the top layer where there is one, so that no clipping or stacking of the page touches it. */
  .panel {
    position: fixed;
    z-index: 2147483000;
    inset: auto;
    top: var(--_top, 0);
    left: var(--_left, 0);
    width: var(--_width, var(--carillon-panel-width, 408px));
    max-height: var(--_height, 600px);
    margin: 0;
    padding: 0;
    overflow: hidden;
    border: 0;
    border-radius: var(--_radius);
    background: var(--_surface);
    box-shadow: var(--_shadow);
    color: var(--_text);
    animation: drop 180ms var(--_ease);
    transform-origin: var(--_origin, top right);
  }

  .panel:not([hidden]) {
    display: flex;
    flex-direction: column;
  }

  .panel:focus {
    outline: none;
  }

  @keyframes drop {
    from {
      opacity: 0;
      transform: translateY(-6px) scale(0.98);
    }
  }

  carillon-inbox {
    flex: 1;
    min-height: 0;
  }

  .toasts {
    position: fixed;
    z-index: 2147482999;
    inset: auto 20px 20px auto;
    display: grid;
    gap: 10px;
    width: min(380px, calc(100vw - 24px));
    margin: 0;
    padding: 0;
    overflow: visible;
    border: 0;
    background: none;
    color: var(--_text);
    pointer-events: none;
  }

  :host(:dir(rtl)) .toasts {
    inset: auto auto 20px 20px;
  }

  .toast {
    display: grid;
    grid-template-columns: 38px minmax(0, 1fr) 28px;
    align-items: start;
    gap: 12px;
    padding: 12px;
    border-radius: var(--_radius);
    background: var(--_surface);
    box-shadow: var(--_shadow);
    pointer-events: auto;
    animation: toast-in 280ms var(--_ease);
  }

  .toast.is-leaving {
    opacity: 0;
    transform: translateY(6px);
    transition:
      opacity 160ms,
      transform 160ms;
  }

  @keyframes toast-in {
    from {
      opacity: 0;
      transform: translateY(14px);
    }
  }

  .toast-icon {
    display: grid;
    place-items: center;
    width: 38px;
    height: 38px;
    border-radius: 10px;
    background: color-mix(in srgb, var(--_brass) 20%, transparent);
    color: light-dark(#7d560c, var(--_brass));
  }

  .toast-icon .bell {
    width: 21px;
    height: 21px;
  }

  .toast-open {
    display: block;
    align-self: center;
    width: 100%;
    padding: 0;
    border-radius: 6px;
    color: inherit;
    text-align: start;
    text-decoration: none;
  }

  .toast-title,
  .toast-body {
    display: -webkit-box;
    overflow: hidden;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    line-clamp: 2;
    overflow-wrap: anywhere;
    text-align: -webkit-match-parent;
    text-align: match-parent;
  }

  .toast-title {
    font-size: 0.96em;
    font-weight: 600;
  }

  .toast-open:hover .toast-title {
    text-decoration: underline;
    text-underline-offset: 2px;
  }

  .toast-body {
    margin-top: 1px;
    color: var(--_soft);
    font-size: 0.9em;
  }

  .toast-close {
    display: grid;
    place-items: center;
    width: 28px;
    height: 28px;
    margin: -2px -4px 0 0;
    padding: 0;
    border-radius: 8px;
    color: var(--_soft);
  }

  :host(:dir(rtl)) .toast-close {
    margin: -2px 0 0 -4px;
  }

  .toast-close:hover {
    background: var(--_hover);
    color: var(--_text);
  }

  .toast-close .icon {
    width: 16px;
    height: 16px;
  }

  @media (max-width: 600px) {
    .toasts,
    :host(:dir(rtl)) .toasts {
      inset: auto 12px 12px;
      width: auto;
    }

    /* There is room for one: the newest. The others wait in the inbox. */
    .toast:not(:last-child) {
      display: none;
    }
  }

  @media (forced-colors: active) {
    .panel,
    .toast {
      border: 1px solid CanvasText;
    }

    .badge {
      border: 1px solid CanvasText;
    }
  }
`;
