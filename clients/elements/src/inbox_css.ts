import { css } from "lit";

export const inboxStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    min-height: 0;
    overflow: hidden;
    background: var(--_surface);
    color: var(--_text);
    font-family: var(--_font);
    font-size: var(--_size);
    line-height: 1.45;
    text-align: start;
  }

  :host(:focus) {
    outline: none;
  }

  .head {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 12px;
    min-height: 3.9em;
    padding: 12px 18px 11px;
  }

  /* The count goes under the title where there is no room beside it. */
  .head-text {
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    gap: 0 10px;
    min-width: 0;
  }

  .title {
    margin: 0;
    font-size: 1.2em;
    font-weight: 700;
    letter-spacing: -0.015em;
    line-height: 1.3;
  }

  .count {
    color: var(--_soft);
    font-size: 0.9em;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }

  .text-button {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    padding: 6px 8px;
    border-radius: 8px;
    color: var(--_accent);
    font-size: 0.9em;
    font-weight: 600;
    line-height: 1.35;
    transition: background-color 120ms;
  }

  .head .text-button {
    flex: none;
    margin-inline-end: -8px;
  }

  .text-button:hover {
    background: var(--_hover);
  }

  .text-button[aria-disabled="true"] {
    color: var(--_soft);
    cursor: default;
    opacity: 0.75;
  }

  .text-button[aria-disabled="true"]:hover {
    background: none;
  }

  .notice {
    display: flex;
    align-items: flex-start;
    gap: 10px;
    margin: 0 12px 10px;
    padding: 9px 12px;
    border-radius: 10px;
    background: var(--_sunken);
    color: var(--_soft);
    font-size: 0.9em;
    animation: appear 200ms var(--_ease);
  }

  .notice .icon {
    flex: none;
    margin-top: 0.06em;
  }

  .notice.is-error {
    background: var(--_danger-soft);
    color: var(--_danger);
  }

  .notice-text {
    flex: 1;
    min-width: 0;
  }

  .notice .text-button {
    flex: none;
    margin-block: -5px;
    margin-inline-end: -6px;
    color: inherit;
    text-decoration: underline;
    text-underline-offset: 3px;
  }

  .scroll {
    flex: 1;
    min-height: 0;
    overflow-y: auto;
    overscroll-behavior: contain;
    border-top: 1px solid var(--_line);
    scrollbar-width: thin;
    scrollbar-color: color-mix(in srgb, var(--_soft) 45%, transparent) transparent;
  }

  .day {
    position: sticky;
    z-index: 1;
    top: 0;
    margin: 0;
    padding: 9px 18px 7px;
    background: color-mix(in srgb, var(--_surface) 92%, transparent);
    backdrop-filter: blur(6px);
    color: var(--_soft);
    font-size: 0.8em;
    font-weight: 600;
    letter-spacing: 0.01em;
    line-height: 1.4;
  }

  .day::first-letter {
    text-transform: uppercase;
  }

  ul {
    margin: 0;
    padding: 0 6px 6px;
    list-style: none;
  }

  li {
    position: relative;
    border-radius: 10px;
  }

  li.is-new {
    animation: arrive 1.6s var(--_ease);
  }

  @keyframes arrive {
    0% {
      background: color-mix(in srgb, var(--_brass) 34%, transparent);
      opacity: 0;
      transform: translateY(-8px);
    }
    18% {
      opacity: 1;
      transform: none;
    }
    100% {
      background: transparent;
    }
  }

  @keyframes appear {
    from {
      opacity: 0;
      transform: translateY(-4px);
    }
  }

  .item {
    display: grid;
    grid-template-columns: 8px minmax(0, 1fr) auto;
    gap: 2px 12px;
    width: 100%;
    padding: 10px 12px 11px;
    border-radius: 10px;
    color: inherit;
    text-align: start;
    text-decoration: none;
    transition: background-color 120ms;
  }

  .item:hover,
  .item:focus-visible,
  li:focus-within > .item {
    background: var(--_hover);
  }

  .item:focus-visible {
    outline-offset: -2px;
  }

  .dot {
    width: 8px;
    height: 8px;
    margin-top: 0.43em;
    border-radius: 50%;
    background: var(--_accent);
    transition:
      opacity 200ms,
      transform 200ms var(--_ease);
  }

  .is-read .dot {
    opacity: 0;
    transform: scale(0);
  }

  .item-title {
    font-weight: 600;
    overflow-wrap: anywhere;
  }

  /* A text of the other direction reads in its own, and stands where the others do. */
  .item-title,
  .item-body {
    text-align: -webkit-match-parent;
    text-align: match-parent;
  }

  .is-read .item-title {
    font-weight: 400;
  }

  time {
    color: var(--_soft);
    font-size: 0.85em;
    font-variant-numeric: tabular-nums;
    line-height: 1.7;
    white-space: nowrap;
    transition: opacity 120ms;
  }

  .item-body {
    display: -webkit-box;
    grid-column: 2 / 4;
    overflow: hidden;
    -webkit-box-orient: vertical;
    color: var(--_soft);
    font-size: 0.93em;
    -webkit-line-clamp: 3;
    line-clamp: 3;
    overflow-wrap: anywhere;
    white-space: pre-line;
  }

  .is-open .item-body {
    -webkit-line-clamp: none;
    line-clamp: none;
  }

  .read {
    position: absolute;
    inset-block-start: 5px;
    inset-inline-end: 6px;
    display: grid;
    place-items: center;
    width: 32px;
    height: 32px;
    padding: 0;
    border-radius: 8px;
    color: var(--_accent);
    opacity: 0;
    transition:
      opacity 120ms,
      background-color 120ms;
  }

  .read:hover {
    background: color-mix(in srgb, var(--_accent) 14%, transparent);
  }

  li:hover .read,
  li:focus-within .read {
    opacity: 1;
  }

  /* The check takes the place of the time, which the screen has no room for beside it. */
  li:not(.is-read):hover time,
  li:not(.is-read):focus-within time {
    opacity: 0;
  }

  @media (hover: none) {
    li:not(.is-read):hover time {
      opacity: 1;
    }

    li:hover .read:not(:focus-visible) {
      opacity: 0;
      pointer-events: none;
    }
  }

  .quiet {
    display: grid;
    justify-items: center;
    align-content: center;
    min-height: 250px;
    padding: 36px 28px 44px;
    text-align: center;
  }

  .quiet-icon {
    display: grid;
    place-items: center;
    width: 68px;
    height: 68px;
    margin-bottom: 16px;
    border-radius: 50%;
    background: color-mix(in srgb, var(--_brass) 16%, transparent);
    color: light-dark(#7d560c, var(--_brass));
  }

  .quiet-icon.is-error {
    background: var(--_danger-soft);
    color: var(--_danger);
  }

  .quiet-icon > svg {
    width: 32px;
    height: 32px;
    stroke-width: 1.5;
  }

  .quiet-title {
    margin: 0;
    font-weight: 600;
  }

  .quiet-text {
    max-width: 32ch;
    margin: 3px 0 0;
    color: var(--_soft);
    font-size: 0.93em;
    text-wrap: balance;
  }

  .quiet .button {
    margin-top: 16px;
  }

  .button {
    padding: 8px 16px;
    border-radius: 9px;
    background: var(--_accent);
    color: var(--_on-accent);
    font-size: 0.93em;
    font-weight: 600;
    transition: filter 120ms;
  }

  .button:hover {
    filter: brightness(1.08);
  }

  .skeleton {
    display: grid;
    grid-template-columns: 8px 1fr;
    gap: 12px;
    padding: 15px 18px;
  }

  .skeleton i {
    display: block;
    height: 0.72em;
    border-radius: 5px;
    background: linear-gradient(
      100deg,
      color-mix(in srgb, var(--_soft) 15%, transparent) 40%,
      color-mix(in srgb, var(--_soft) 7%, transparent) 50%,
      color-mix(in srgb, var(--_soft) 15%, transparent) 60%
    );
    background-size: 300% 100%;
    animation: shimmer 1.6s linear infinite;
  }

  .skeleton i + i {
    margin-top: 0.62em;
  }

  .skeleton i:first-child {
    width: 58%;
  }

  .skeleton i:last-child {
    width: 84%;
  }

  .skeleton:nth-child(2n) i:first-child {
    width: 42%;
  }

  .skeleton:nth-child(2n) i:last-child {
    width: 68%;
  }

  @keyframes shimmer {
    from {
      background-position: 100% 0;
    }
    to {
      background-position: 0 0;
    }
  }

  .more {
    display: flex;
    align-items: center;
    justify-content: center;
    gap: 8px;
    min-height: 44px;
    padding: 8px 18px 14px;
    color: var(--_soft);
    font-size: 0.9em;
  }

  .spinner {
    width: 18px;
    height: 18px;
    border: 2px solid color-mix(in srgb, var(--_soft) 30%, transparent);
    border-top-color: var(--_accent);
    border-radius: 50%;
    animation: spin 700ms linear infinite;
  }

  @keyframes spin {
    to {
      rotate: 1turn;
    }
  }

  @media (forced-colors: active) {
    .dot {
      background: Highlight;
      forced-color-adjust: none;
    }
  }
`;
