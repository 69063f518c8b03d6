import type { Clock } from '../../contracts/clock.js';
import { sleep } from '../../internal/sleep.js';
import type { Engine } from './engine.js';
import { isRefusedLogin, toQueueError } from './errors.js';

const TOPIC = 'cancel';
/** Between two attempts to listen. What was cancelled meanwhile is looked up as often. */
const RETRY_MS = 1000;
/** Cancels that are kept for entries that may be on their way to here. */
const MAX_EARLY = 1000;

/** Tells the workers of all processes to cancel an entry that runs. */
export function publishCancel(engine: Engine, jobId: string): Promise<void> {
  return engine.messages.publish(TOPIC, jobId);
}

export interface CancelListenerOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  /** An entry is longest on its way from the queue to here. */
  readonly fetchTimeoutMs: number;
  runningIds(): readonly string[];
  /** Undefined where it does not run here. */
  cancel(jobId: string): boolean | undefined;
  report(error: unknown): void;
}

/** Hears what other processes cancel. */
export class CancelListener {
  readonly #options: CancelListenerOptions;
  /** Cancels of what does not run here, with the time until which they count. The oldest comes first. */
  readonly #early = new Map<string, number>();

  #catchUps = 0;

  constructor(options: CancelListenerOptions) {
    this.#options = options;
  }

  /** Listens until the signal aborts. Resolves when it hears. Never rejects. */
  async start(signal: AbortSignal): Promise<void> {
    const { engine, clock, report } = this.#options;
    let isReported = false;
    while (!signal.aborted) {
      try {
        const stop = await engine.messages.subscribe(TOPIC, {
          message: (jobId) => this.#hear(jobId),
          gap: () => void this.#catchUp(signal),
        });
        if (signal.aborted) stop();
        else signal.addEventListener('abort', stop, { once: true });
        await this.#catchUp(signal);
        return;
      } catch (error) {
        // The fetches tell when the back end cannot be reached.
        if (isRefusedLogin(error) && !isReported && !signal.aborted) {
          isReported = true;
          report(toQueueError(error, engine.server));
        }
        void this.#catchUp(signal);
        await sleep(clock, RETRY_MS, signal).catch(() => undefined);
      }
    }
  }

  /** Of an entry that runs from now on: it may have been cancelled while it was on its way. */
  began(jobId: string): void {
    if (this.#early.has(jobId)) void this.#look(jobId).catch(() => undefined);
  }

  #hear(jobId: string): void {
    const { clock, fetchTimeoutMs, cancel } = this.#options;
    if (cancel(jobId) !== undefined) return;
    const nowMs = clock.monotonicMs();
    this.#early.delete(jobId);
    this.#early.set(jobId, nowMs + fetchTimeoutMs);
    for (const [earlier, untilMs] of this.#early) {
      if (untilMs > nowMs && this.#early.size <= MAX_EARLY) break;
      this.#early.delete(earlier);
    }
  }

  /** Entries that were cancelled while nothing was heard. Tries until it knows, or is called anew. Never rejects. */
  async #catchUp(signal: AbortSignal): Promise<void> {
    this.#catchUps += 1;
    const own = this.#catchUps;
    while (!signal.aborted && own === this.#catchUps) {
      try {
        for (const jobId of this.#options.runningIds()) await this.#look(jobId);
        return;
      } catch {
        await sleep(this.#options.clock, RETRY_MS, signal).catch(() => undefined);
      }
    }
  }

  /** The mark counts, not the message: the entry may be a new one with the id of one that was cancelled. */
  async #look(jobId: string): Promise<void> {
    const { engine, cancel } = this.#options;
    const producer = await engine.producer(engine.shardOf(jobId));
    if ((await producer.find(jobId))?.cancelled) cancel(jobId);
  }
}
