/** Listeners by event. One that throws does not keep the others from hearing. */
export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<(event: never) => void>>();

  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    let known = this.listeners.get(name);
    if (known === undefined) this.listeners.set(name, (known = new Set()));
    // A wrapper of its own, so that a listener given twice is called and removed twice.
    const own = (event: Events[Name]): void => listener(event);
    known.add(own);
    return () => void known.delete(own);
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of [...(this.listeners.get(name) ?? [])]) {
      try {
        (listener as (event: Events[Name]) => void)(event);
      } catch (error) {
        report(error);
      }
    }
  }
}

/** As an exception that nobody caught, wherever the host shows those. */
function report(error: unknown): void {
  if (typeof reportError === "function") return reportError(error);
  queueMicrotask(() => {
    throw error;
  });
}
