import type { ClientEvent, Clock, EventSink } from '../contracts/index.js';
import { RollingSum } from '../resilience/rolling-sum.js';

const WINDOW_MS = 30_000;
const ENOUGH_ATTEMPTS = 5;

/** Ends of an attempt that say something of the region, and not of the call. */
const REGION_FAILURES: ReadonlySet<string> = new Set([
  'network',
  'connection_closed',
  'timeout',
  'provider_unavailable',
  'provider_error',
  'rate_limited',
  'invalid_response',
]);

interface Counts {
  readonly attempts: RollingSum;
  readonly failures: RollingSum;
}

/** Counts how the attempts of this client end, by region. */
export class RegionWatch {
  readonly #clock: Clock;
  readonly #regions = new Map<string, Counts>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A sink that counts what goes on to the given one. */
  watching(emit: EventSink): EventSink {
    return (event) => {
      this.#note(event);
      emit(event);
    };
  }

  #note(event: ClientEvent): void {
    if (event.type !== 'attempt' || event.status === 'cancelled') return;
    const { attempts, failures } = this.#countsOf(event.region);
    attempts.add(1);
    if (REGION_FAILURES.has(event.code ?? '')) failures.add(1);
  }

  /** Half of the attempts of the last 30 seconds failed, and there were enough of them to say so. */
  isFailing(region: string): boolean {
    const counts = this.#regions.get(region);
    const attempts = counts?.attempts.total() ?? 0;
    return attempts >= ENOUGH_ATTEMPTS && (counts?.failures.total() ?? 0) >= attempts / 2;
  }

  #countsOf(region: string): Counts {
    const known = this.#regions.get(region);
    if (known !== undefined) return known;
    const counts = {
      attempts: new RollingSum(this.#clock, WINDOW_MS),
      failures: new RollingSum(this.#clock, WINDOW_MS),
    };
    this.#regions.set(region, counts);
    return counts;
  }
}
