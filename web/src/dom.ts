// Elements with reactive attributes and text. Text always becomes a text node, never markup.
import { effect } from "./signal.ts";

type AttributeValue = string | number | boolean | null | undefined;
type Attribute = AttributeValue | (() => AttributeValue);
type Handler = (event: Event) => void;
export type Child = Node | string | null | undefined | (() => string);

export interface Props {
  [name: string]: Attribute | Record<string, Handler> | undefined;
  /** Listeners by event name; they live as long as the element. */
  on?: Record<string, Handler>;
}

const kSvg = "http://www.w3.org/2000/svg";

function setAttribute(element: Element, name: string, value: AttributeValue): void {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  // An ARIA state is true by its value, any other attribute by being there.
  else element.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : String(value));
}

function apply(element: Element, props: Props, children: readonly Child[]): void {
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") {
      for (const [type, handler] of Object.entries(props.on ?? {})) element.addEventListener(type, handler);
    } else if (typeof value === "function") {
      effect(() => setAttribute(element, name, value()));
    } else {
      setAttribute(element, name, value as AttributeValue);
    }
  }
  for (const child of children) {
    if (typeof child === "function") {
      const node = document.createTextNode("");
      effect(() => {
        node.data = child();
      });
      element.append(node);
    } else if (child !== null && child !== undefined) {
      element.append(child);
    }
  }
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  apply(element, props, children);
  return element;
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(kSvg, tag);
  apply(element, props, children);
  return element;
}

/** Plays a CSS animation that a class carries, once; one that is playing goes on. */
export function play(element: Element, className: string): void {
  if (element.classList.contains(className)) return;
  element.classList.add(className);
  // Left in place it would play again whenever the element is shown again.
  element.addEventListener("animationend", () => element.classList.remove(className), { once: true });
}
