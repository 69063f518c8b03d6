import type { Engine } from './engine.js';

const TOPIC = 'cancel';

/** Tells the workers of all processes to cancel an entry that runs. */
export function publishCancel(engine: Engine, jobId: string): Promise<void> {
  return engine.messages.publish(TOPIC, jobId);
}

/** Hears what other processes cancel. */
export class CancelListener {
  readonly #engine: Engine;
  readonly #runningIds: () => readonly string[];
  readonly #cancel: (jobId: string) => unknown;

  constructor(engine: Engine, runningIds: () => readonly string[], cancel: (jobId: string) => unknown) {
    this.#engine = engine;
    this.#runningIds = runningIds;
    this.#cancel = cancel;
  }

  /** Resolves when it listens, to the way to end that. */
  async start(): Promise<() => void> {
    const stop = await this.#engine.messages.subscribe(TOPIC, {
      message: (jobId) => void this.#cancel(jobId),
      gap: () => void this.#catchUp(),
    });
    void this.#catchUp();
    return stop;
  }

  /** Entries that were cancelled while nothing was heard. Never rejects. */
  async #catchUp(): Promise<void> {
    for (const jobId of this.#runningIds()) {
      try {
        const producer = await this.#engine.producer(this.#engine.shardOf(jobId));
        if ((await producer.find(jobId))?.cancelled) this.#cancel(jobId);
      } catch {
        // The connection broke again. The next gap leads here once more.
        return;
      }
    }
  }
}
