import type { Clock } from './contracts/index.js';
import { AbortedError } from './errors/index.js';
import { abortError, onAbort, raceAbort } from './internal/abort.js';

/** Work that has to end before the client is closed. */
interface Running {
  readonly done: Promise<unknown>;
  /** Asks for an early but orderly end. */
  finish?(): Promise<unknown>;
  abort?(reason: Error): void;
}

/** Knows what is running, and ends it: first by waiting, then by force. */
export class Lifetime {
  readonly #clock: Clock;
  readonly #running = new Set<Running>();
  /** Aborts when what runs can be waited for no longer. */
  readonly #end = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws AbortedError with code `client_closed`. */
  assertOpen(): void {
    if (this.#closing === undefined) return;
    throw new AbortedError('This client was closed. Make a new TranscriptionClient for further calls.', {
      code: 'client_closed',
    });
  }

  /** Runs a call; its signal aborts with the caller's, and when the client can wait for it no longer. */
  async track<Value>(
    run: (signal: AbortSignal) => Promise<Value>,
    callerSignal?: AbortSignal,
  ): Promise<Value> {
    this.assertOpen();
    if (callerSignal === undefined) {
      const started = async (): Promise<Value> => run(this.#end.signal);
      const done = started();
      this.add({ done });
      return done;
    }
    // By hand: AbortSignal.any() keeps what it made alive as long as the caller's signal lives.
    const controller = new AbortController();
    const stopListening = onAbort(callerSignal, () => controller.abort(abortError(callerSignal)));
    const started = async (): Promise<Value> => run(controller.signal);
    const done = started().finally(stopListening);
    this.add({ done, abort: (reason) => controller.abort(reason) });
    return done;
  }

  /** A call that takes no signal: at the deadline of close() it rejects, whatever it waits for. */
  trackToEnd<Value>(run: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
    return this.track((signal) => raceAbort(run(signal), signal));
  }

  /** Also while the client is closing, which waits for it as well. */
  add(running: Running): void {
    this.#running.add(running);
    if (this.#closing !== undefined) running.finish?.().catch(() => undefined);
    const remove = (): void => {
      this.#running.delete(running);
    };
    running.done.then(remove, remove);
  }

  /** Work that may go on after its call. Its signal aborts at close(), which waits for it no longer than for calls. */
  addBackground(run: (closing: AbortSignal) => Promise<void>): void {
    const closing = new AbortController();
    const done = raceAbort(run(closing.signal), this.#end.signal).catch(() => undefined);
    this.add({ done, finish: async () => closing.abort() });
  }

  /** Idempotent. `drain` runs beside the waiting, within the same time; `release` after everything has ended. */
  close(timeoutMs: number, drain: () => Promise<void>, release: () => Promise<void>): Promise<void> {
    this.#closing ??= this.#close(timeoutMs, drain, release);
    return this.#closing;
  }

  async #close(timeoutMs: number, drain: () => Promise<void>, release: () => Promise<void>): Promise<void> {
    const timer = this.#clock.setTimer(() => this.#abortAll(), timeoutMs);
    for (const running of this.#running) running.finish?.().catch(() => undefined);
    try {
      await Promise.all([drain(), this.#allEnded()]);
    } finally {
      timer.cancel();
      await release();
    }
  }

  async #allEnded(): Promise<void> {
    while (this.#running.size > 0) {
      await Promise.allSettled([...this.#running].map((running) => running.done));
    }
  }

  #abortAll(): void {
    const reason = new AbortedError('The client was closed before the call had ended.', {
      code: 'client_closed',
    });
    this.#end.abort(reason);
    for (const running of this.#running) running.abort?.(reason);
  }
}
