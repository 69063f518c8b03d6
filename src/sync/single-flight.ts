import { abortError, onAbort } from '../internal/abort.js';

interface Flight<Result> {
  readonly controller: AbortController;
  readonly promise: Promise<Result>;
  callers: number;
}

/**
 * Calls with the same key share one run.
 *
 * Each caller may leave; the run ends when the last one has left, for that caller's reason.
 */
export class SingleFlight<Result> {
  readonly #flights = new Map<string, Flight<Result>>();

  /** `start` is called where no run of this key is under way. */
  async join(
    key: string,
    signal: AbortSignal,
    start: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    if (signal.aborted) throw abortError(signal);
    const flight = this.#flights.get(key) ?? this.#start(key, start);
    flight.callers += 1;
    return new Promise<Result>((resolve, reject) => {
      const stopListening = onAbort(signal, () => {
        flight.callers -= 1;
        if (flight.callers > 0) return reject(abortError(signal));
        // The run knows best how it ended: whether Deepgram may have done the work.
        this.#forget(key, flight);
        flight.controller.abort(signal.reason);
      });
      flight.promise.then(resolve, reject).finally(stopListening);
    });
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<Result>): Flight<Result> {
    const controller = new AbortController();
    const flight = { controller, promise: start(controller.signal), callers: 0 };
    this.#flights.set(key, flight);
    const forget = (): void => this.#forget(key, flight);
    flight.promise.then(forget, forget);
    return flight;
  }

  #forget(key: string, flight: Flight<Result>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}
