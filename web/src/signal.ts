// A small reactive core: signals hold values, effects rerun when what they read has changed.
// Effects run once at once, and later in one microtask after any number of changes.

export interface Signal<T> {
  /** Reads the value; inside an effect this also subscribes the effect to it. */
  get(): T;
  /** Reads without subscribing. */
  peek(): T;
  set(value: T): void;
}

type Cleanup = () => void;

interface Effect {
  run(): void;
  sources: Set<Set<Effect>>;
}

let current: Effect | undefined;
let scope: Cleanup[] | undefined;
let flushing = false;
const queue = new Set<Effect>();

function flush(): void {
  // An effect may change signals; what that wakes is added to the set and still visited by this loop.
  for (const effect of queue) {
    queue.delete(effect);
    try {
      effect.run();
    } catch (error) {
      // One broken view must not stop the others.
      reportError(error);
    }
  }
  flushing = false;
}

function wake(effects: Set<Effect>): void {
  for (const effect of effects) queue.add(effect);
  if (flushing || queue.size === 0) return;
  flushing = true;
  queueMicrotask(flush);
}

export function signal<T>(initial: T): Signal<T> {
  let value = initial;
  const readers = new Set<Effect>();
  return {
    get() {
      if (current) {
        readers.add(current);
        current.sources.add(readers);
      }
      return value;
    },
    peek: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      wake(readers);
    },
  };
}

/** Runs `body` now and after each change of what it read. Effects and cleanups made inside end with each run. */
export function effect(body: () => void): Cleanup {
  let inner: Cleanup[] = [];
  const node: Effect = { run, sources: new Set() };

  function stop(): void {
    queue.delete(node);
    for (const readers of node.sources) readers.delete(node);
    node.sources.clear();
    const ending = inner;
    inner = [];
    for (const cleanup of ending.reverse()) cleanup();
  }

  function run(): void {
    stop();
    const outerEffect = current;
    const outerScope = scope;
    current = node;
    scope = inner;
    try {
      body();
    } finally {
      current = outerEffect;
      scope = outerScope;
    }
  }

  run();
  onCleanup(stop);
  return stop;
}

/** Registers what must happen when the surrounding effect reruns or ends. */
export function onCleanup(cleanup: Cleanup): void {
  scope?.push(cleanup);
}

/** Runs `body` without subscribing the surrounding effect to what it reads. */
export function untracked<T>(body: () => T): T {
  const outer = current;
  current = undefined;
  try {
    return body();
  } finally {
    current = outer;
  }
}

/** Runs `body` in a scope of its own, which ends when the returned function is called and not before. */
export function detached(body: () => void): Cleanup {
  const own: Cleanup[] = [];
  const outerScope = scope;
  scope = own;
  try {
    untracked(body);
  } finally {
    scope = outerScope;
  }
  return () => {
    for (const cleanup of own.splice(0).reverse()) cleanup();
  };
}

/** addEventListener that ends with the surrounding effect. */
export function listen(target: EventTarget, type: string, handler: (event: Event) => void): void {
  target.addEventListener(type, handler);
  onCleanup(() => target.removeEventListener(type, handler));
}

/** A signal that follows what `compute` reads, and wakes its readers only when the result differs. */
export function derived<T>(compute: () => T): Signal<T> {
  const result = signal(untracked(compute));
  effect(() => result.set(compute()));
  return result;
}
