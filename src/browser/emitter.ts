type Listener = (event: never) => void;

/** Tells listeners. One that throws is reported as an uncaught error, and the others still hear the event. */
export class Emitter<Event extends { readonly type: string }> {
  readonly #listeners = new Map<string, Set<Listener>>();

  on(type: string, listener: Listener): void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
  }

  off(type: string, listener: Listener): void {
    this.#listeners.get(type)?.delete(listener);
  }

  emit(event: Event): void {
    for (const listener of [...(this.#listeners.get(event.type) ?? [])]) {
      try {
        (listener as (event: Event) => void)(event);
      } catch (error) {
        reportLater(error);
      }
    }
  }
}

/** Of somebody else's code: it is shown as uncaught, and what called it goes on. */
export function reportLater(error: unknown): void {
  setTimeout(() => {
    throw error;
  });
}
