import type { QueueListener } from '../../contracts/queue.js';

/** Who listens to which topic. A listener that is handed in twice counts twice. */
export class Listeners {
  readonly #topics = new Map<string, Set<QueueListener>>();

  get topics(): readonly string[] {
    return [...this.#topics.keys()];
  }

  /** The way to take it off again. */
  add(topic: string, listener: QueueListener): () => void {
    const own: QueueListener = {
      message: (text) => listener.message(text),
      gap: () => listener.gap(),
    };
    const listeners = this.#topics.get(topic) ?? new Set();
    this.#topics.set(topic, listeners.add(own));
    return () => {
      listeners.delete(own);
    };
  }

  tell(topic: string, text: string): void {
    for (const listener of this.#topics.get(topic) ?? []) listener.message(text);
  }

  gap(): void {
    for (const listeners of [...this.#topics.values()]) for (const listener of [...listeners]) listener.gap();
  }

  clear(): void {
    this.#topics.clear();
  }
}
