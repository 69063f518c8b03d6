import type { EntryHandler, EntryOutcome, QueueEntry } from '../../contracts/queue.js';
import type { Lease } from './queue-lease.js';

interface Run {
  readonly entry: QueueEntry;
  /** The one under which it was begun. */
  readonly lease: Lease;
  readonly controller: AbortController;
}

/** A run whose handler has ended, until the file says so as well. */
interface EndedRun {
  readonly entry: QueueEntry;
  readonly lease: Lease;
  readonly outcome: EntryOutcome;
}

export interface RunsParts {
  readonly handler: EntryHandler;
  readonly onError: (error: unknown) => void;
  readonly onEnd: () => void;
}

/** The handlers of one worker that are running, and what came of others. */
export class Runs {
  readonly #parts: RunsParts;
  readonly #running = new Set<Run>();
  readonly #ended = new Set<EndedRun>();

  constructor(parts: RunsParts) {
    this.#parts = parts;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Nothing runs, and the file knows of everything that has. */
  get isEmpty(): boolean {
    return this.#running.size + this.#ended.size === 0;
  }

  get ended(): EndedRun[] {
    return [...this.#ended];
  }

  begin(entry: QueueEntry, lease: Lease): void {
    const run = { entry, lease, controller: new AbortController() };
    this.#running.add(run);
    void this.#run(run);
  }

  /** An entry that was taken and is not wanted any more. */
  putBack(entry: QueueEntry, lease: Lease): void {
    this.#ended.add({ entry, lease, outcome: { type: 'again', delayMs: 0 } });
  }

  forget(ended: readonly EndedRun[]): void {
    for (const each of ended) this.#ended.delete(each);
  }

  abort(reason: Error, isMeant: (run: Run) => boolean = () => true): void {
    for (const run of [...this.#running]) if (isMeant(run)) run.controller.abort(reason);
  }

  async #run(run: Run): Promise<void> {
    const { entry, lease, controller } = run;
    const outcome = await this.#outcomeOf(entry, controller.signal);
    this.#running.delete(run);
    this.#ended.add({ entry, lease, outcome });
    this.#parts.onEnd();
  }

  async #outcomeOf(entry: QueueEntry, signal: AbortSignal): Promise<EntryOutcome> {
    try {
      return await this.#parts.handler(entry, signal);
    } catch (error) {
      this.#parts.onError(error);
      return { type: 'done' };
    }
  }
}
