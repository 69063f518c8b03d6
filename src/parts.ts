import type { StorageCapabilities, TranscribeOptions, Transcript } from './contracts/index.js';
import type { Engine } from './engine.js';
import { EventHub } from './event-hub.js';
import type { GivenSource } from './given-source.js';
import { raceAbort } from './internal/abort.js';
import { copyOf } from './internal/check-arguments.js';
import { Lazy } from './internal/lazy.js';
import type { Lifetime } from './lifetime.js';
import type { ResolvedOptions } from './options.js';
import { createLazyJobs, type LazyJobs } from './queue/index.js';
import type { StreamParts } from './stream-calls.js';

/** One `transcribe()`, whose code may not be there yet. */
type LazySyncCall = (
  source: GivenSource,
  options: TranscribeOptions,
  signal: AbortSignal,
) => Promise<Transcript>;

/** What a client is made of. */
export interface ClientParts extends StreamParts {
  readonly options: ResolvedOptions;
  readonly events: EventHub;
  readonly transcribe: LazySyncCall;
  readonly jobs: LazyJobs<GivenSource>;
  /** Closes what was opened here, and nothing that was handed in. */
  close(): Promise<void>;
}

/** Of the storage that a client has which was given none. It is made by the first call. */
const MEMORY: StorageCapabilities = { shared: false, durable: false, atomic: true };

export function createParts(options: ResolvedOptions, lifetime: Lifetime): ClientParts {
  const { clock } = options;
  const events = new EventHub(options.metrics, options.logger);
  const { emit } = events;
  const engine = new Lazy(async () => {
    const { createEngine } = await import('./engine.js');
    return createEngine({ options, emit, lifetime });
  });
  const aborted = new Set<Promise<unknown>>();
  return {
    options,
    events,
    emit,
    clock,
    engine,
    transcribe: lazySyncCall(engine, aborted),
    jobs: createLazyJobs({
      queue: options.queueAdapter,
      storage: options.storage?.capabilities ?? MEMORY,
      emit,
      load: async () => (await engine.get()).jobs,
    }),
    async close() {
      const loaded = await engine.peek();
      await Promise.all(aborted);
      loaded?.close();
      await events.close();
    },
  };
}

/**
 * The synchronous pattern, which the first call loads. `aborted` holds the calls that were aborted meanwhile, until
 * their events are told.
 */
function lazySyncCall(engine: Lazy<Engine>, aborted: Set<Promise<unknown>>): LazySyncCall {
  return async (source, given, signal) => {
    const options = copyOf(given);
    const call = ({ transcribe, resolveSource }: Engine): Promise<Transcript> =>
      transcribe(source.resolve(resolveSource), options, signal);
    if (engine.value !== undefined) return call(engine.value);
    const loading = engine.get();
    const loaded = await raceAbort(loading, signal).catch((error) => {
      // An aborted call ends at once. Its events are told all the same, and its stream is let go of.
      if (signal.aborted) {
        const told = loading.then(call).catch(() => undefined);
        aborted.add(told);
        void told.finally(() => aborted.delete(told));
      }
      throw error;
    });
    return call(loaded);
  };
}
