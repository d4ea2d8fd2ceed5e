import type { Messages, OpenDetail } from "@carillon/elements";
import { createElement, useEffect, useRef, type CSSProperties, type ReactElement } from "react";

import { useBell } from "./provider.js";

export interface ElementProps {
  id?: string;
  className?: string;
  style?: CSSProperties;
  /** Without it the nearest `lang` around counts. */
  lang?: string;
  /** Without it the page's color-scheme decides. */
  theme?: "light" | "dark";
  /** Words that differ from the language's dictionary. */
  messages?: Partial<Messages>;
  /** Somebody chose a notification. `event.preventDefault()` keeps its link from being followed, for a router to do. */
  onOpen?(event: CustomEvent<OpenDetail>): void;
}

export interface BellProps extends ElementProps {
  /** False: no toasts. */
  toasts?: boolean;
}

export interface InboxProps extends ElementProps {
  /** The level of its title. */
  heading?: number;
}

function useElement(tag: string, props: ElementProps, attributes: Record<string, unknown>): ReactElement {
  const bell = useBell();
  const element = useRef<HTMLElement & { bell?: unknown; messages?: unknown }>(null);
  const onOpen = useRef(props.onOpen);
  useEffect(() => {
    onOpen.current = props.onOpen;
    if (element.current !== null) element.current.messages = props.messages ?? null;
  });
  useEffect(() => {
    // Loaded where they can be used: a server has no elements, and no use for them.
    void import("@carillon/elements");
    const { current } = element;
    if (current === null) return;
    current.bell = bell;
    const opened = (event: Event): void => onOpen.current?.(event as CustomEvent<OpenDetail>);
    current.addEventListener("carillon-open", opened);
    return () => current.removeEventListener("carillon-open", opened);
  }, [bell]);
  const { id, className, style, lang, theme } = props;
  // `class`, as React before 19 does not translate it for custom elements.
  return createElement(tag, { ref: element, id, class: className, style, lang, theme, ...attributes });
}

/** The bell with its badge, inbox and toasts: `<carillon-bell>`. */
export function Bell(props: BellProps): ReactElement {
  return useElement("carillon-bell", props, { toasts: props.toasts === false ? "off" : undefined });
}

/** The list by itself: `<carillon-inbox>`. It fills the height that it is given. */
export function Inbox(props: InboxProps): ReactElement {
  return useElement("carillon-inbox", props, { heading: props.heading });
}
