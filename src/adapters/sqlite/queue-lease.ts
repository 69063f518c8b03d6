import type { Clock, TimerHandle } from '../../contracts/clock.js';
import type { SqliteHandle } from './handle.js';
import type { QueueLeases } from './queue-leases.js';

export interface LeaseParts {
  readonly handle: SqliteHandle;
  readonly leases: QueueLeases;
  readonly clock: Clock;
  readonly leaseMs: number;
}

/** How often a lease is renewed before it is over. */
const RENEWALS = 3;

/**
 * The right of a worker to what it runs.
 *
 * Invariant: it is lost here before it can be over for others, who wait as long as from a later moment on.
 */
export class Lease {
  readonly id = globalThis.crypto.randomUUID();
  readonly #parts: LeaseParts;
  readonly #onLost: () => void;
  #renewing: TimerHandle | undefined;
  #ending: TimerHandle | undefined;
  #isOver = false;

  constructor(parts: LeaseParts, onLost: () => void) {
    this.#parts = parts;
    this.#onLost = onLost;
  }

  async begin(): Promise<void> {
    const { handle, leases, clock, leaseMs } = this.#parts;
    const startedAt = clock.monotonicMs();
    await handle.transact(() => leases.begin(this.id, leaseMs), { mayBeLost: true });
    this.#last(startedAt);
    this.#renewLater();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Stops renewing it. */
  stop(): void {
    this.#isOver = true;
    this.#renewing?.cancel();
    this.#ending?.cancel();
  }

  #renewLater(): void {
    const { clock, leaseMs } = this.#parts;
    if (this.#isOver) return;
    this.#renewing = clock.setTimer(() => void this.#renew(), leaseMs / RENEWALS);
    this.#renewing.unref?.();
  }

  async #renew(): Promise<void> {
    const { handle, leases, clock } = this.#parts;
    const startedAt = clock.monotonicMs();
    try {
      const isOurs = await handle.transact(() => leases.renew(this.id), { mayBeLost: true });
      if (isOurs) this.#last(startedAt);
      else this.#lose();
    } catch {
      // There are more renewals until it is over.
    }
    this.#renewLater();
  }

  /** It lasts so long from the moment on that the renewal was begun. */
  #last(startedAt: number): void {
    const { clock, leaseMs } = this.#parts;
    this.#ending?.cancel();
    if (this.#isOver) return;
    const leftMs = startedAt + leaseMs - clock.monotonicMs();
    this.#ending = clock.setTimer(() => this.#lose(), leftMs);
    this.#ending.unref?.();
  }

  #lose(): void {
    if (this.#isOver) return;
    this.stop();
    this.#onLost();
  }
}
