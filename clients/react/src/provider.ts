import { createBell, type Bell, type BellOptions } from "@carillon/client";
import { createContext, createElement, useContext, useEffect, useMemo, useRef, type ReactElement, type ReactNode } from "react";

const BellContext = createContext<Bell | null>(null);

export type BellProviderProps = { children?: ReactNode } & (
  | { /** One of your own, which you start and close yourself. */ bell: Bell }
  | ({ bell?: undefined } & Omit<BellOptions, "autoStart">)
);

/**
 * Makes the bell of the signed-in user, connects it while it is mounted, and gives it to all below. `getToken` may be
 * another function in each rendering; another `url` is another bell. Renders on a server, where nothing connects.
 */
export function BellProvider(props: BellProviderProps): ReactElement {
  return props.bell === undefined ? createElement(OwnBell, props) : createElement(BellContext.Provider, { value: props.bell }, props.children);
}

function OwnBell(props: { children?: ReactNode } & Omit<BellOptions, "autoStart">): ReactElement {
  const { children, url, getToken, shareConnection, pageSize, socketPath } = props;
  const latest = useRef(getToken);
  useEffect(() => {
    latest.current = getToken;
  });
  const bell = useMemo(
    () =>
      createBell({
        url,
        getToken: (request) => latest.current(request),
        autoStart: false,
        ...(shareConnection === undefined ? {} : { shareConnection }),
        ...(pageSize === undefined ? {} : { pageSize }),
        ...(socketPath === undefined ? {} : { socketPath }),
      }),
    [url, shareConnection, pageSize, socketPath],
  );
  useEffect(() => {
    keep(bell);
    return () => letGo(bell);
  }, [bell]);
  return createElement(BellContext.Provider, { value: bell }, children);
}

const kept = new Map<Bell, number>();

function keep(bell: Bell): void {
  kept.set(bell, (kept.get(bell) ?? 0) + 1);
  bell.start();
}

function letGo(bell: Bell): void {
  kept.set(bell, (kept.get(bell) ?? 1) - 1);
  // Strict mode unmounts and mounts in one go: that is no reason to hang up.
  setTimeout(() => {
    if (kept.get(bell) !== 0) return;
    kept.delete(bell);
    bell.close();
  }, 0);
}

/** The bell of the nearest provider. */
export function useBell(): Bell {
  const bell = useContext(BellContext);
  if (bell === null) throw new Error("useBell, and what builds on it, needs a <BellProvider> above it");
  return bell;
}
