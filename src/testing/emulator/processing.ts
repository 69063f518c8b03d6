import type { Clock } from '../../contracts/clock.js';
import { raceAbort } from '../../internal/abort.js';
import { sleep } from '../../internal/sleep.js';
import type { Slots } from './slots.js';

export interface ProcessingOptions {
  /** Time that passes before a recording is answered. */
  readonly processingMs: number;
  readonly clock: Clock;
  readonly slots: Slots;
  /** Aborted when the emulator closes. */
  readonly closing?: AbortSignal;
}

/** Runs the work of one request in its slot, and takes at least `processingMs` since the slot was taken. */
export type Processing = <Result>(work: () => Promise<Result>, signal: AbortSignal) => Promise<Result>;

/**
 * Takes a slot. A request that is aborted rejects at once, but keeps its slot until its time is over: Deepgram
 * cannot cancel what was submitted.
 *
 * @throws Refusal 429 when no slot is free
 */
export function beginProcessing(
  { slots, clock, processingMs, closing }: ProcessingOptions,
  hold: () => () => void = () => () => undefined,
): Processing {
  slots.take();
  const release = hold();
  const end = (): void => {
    slots.free();
    release();
  };
  const failed = new AbortController();
  const stop = closing ? AbortSignal.any([failed.signal, closing]) : failed.signal;
  const time = processingMs > 0 ? sleep(clock, processingMs, stop).catch(() => undefined) : Promise.resolve();
  return async (work, signal) => {
    try {
      const result = await work();
      await raceAbort(time, signal);
      end();
      return result;
    } catch (error) {
      if (!signal.aborted) failed.abort();
      void time.then(end);
      throw error;
    }
  };
}
