import type { Clock, TimerHandle } from '../../contracts/clock.js';

/** An entry that runs under a lock of BullMQ. */
export interface Leased {
  readonly jobId: string;
  readonly token: string;
  /** On the monotonic clock, from before the last successful command that set the lock was sent. */
  leasedAtMs: number;
  /** Its end is being told to the queue, which says by itself whether the lock still holds. */
  readonly isEnding: boolean;
  lose(): void;
}

export interface LeasesOptions {
  readonly clock: Clock;
  /** How long the lock holds after each renewal. */
  readonly durationMs: number;
  /** Resolves to the ids whose lock is gone. */
  renew(jobIds: readonly string[], tokens: readonly string[]): Promise<readonly string[]>;
}

/** So many renewals fit into one lease: most of them may fail. */
const RENEWALS = 4;

/**
 * The leases of a worker on its entries, in its own time.
 *
 * BullMQ renews locks too, but tells nobody when it cannot: a worker that is cut off would go on, while another one
 * runs its entries.
 */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #held = new Set<Leased>();
  #renewal: TimerHandle | undefined;
  #expiry: TimerHandle | undefined;
  /** When it looks. */
  #expiryAtMs = Number.POSITIVE_INFINITY;

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#scheduleRenewal();
  }

  hold(leased: Leased): void {
    this.#held.add(leased);
    // An answer may have been long on its way.
    if (leased.leasedAtMs + this.#options.durationMs < this.#expiryAtMs) this.#scheduleExpiry();
  }

  release(leased: Leased): void {
    this.#held.delete(leased);
  }

  stop(): void {
    this.#renewal?.cancel();
    this.#expiry?.cancel();
    this.#held.clear();
  }

  #scheduleRenewal(): void {
    const { clock, durationMs } = this.#options;
    this.#renewal = clock.setTimer(() => {
      this.#scheduleRenewal();
      void this.#renew();
    }, durationMs / RENEWALS);
  }

  async #renew(): Promise<void> {
    const { clock, durationMs, renew } = this.#options;
    const sentAtMs = clock.monotonicMs();
    // Most entries end before their lease needs any renewal.
    const due = [...this.#held].filter(
      ({ leasedAtMs }) => sentAtMs - leasedAtMs >= durationMs / RENEWALS / 2,
    );
    if (due.length === 0) return;
    try {
      const gone = new Set(
        await renew(
          due.map(({ jobId }) => jobId),
          due.map(({ token }) => token),
        ),
      );
      for (const leased of due) {
        if (!gone.has(leased.jobId)) leased.leasedAtMs = Math.max(leased.leasedAtMs, sentAtMs);
        else if (this.#held.has(leased) && !leased.isEnding) this.#lose(leased);
      }
    } catch {
      // The next one may succeed. Until then the lease runs on.
    }
  }

  /** One timer for all, for the lease that ends first. */
  #scheduleExpiry(): void {
    this.#expiry?.cancel();
    this.#expiryAtMs = Number.POSITIVE_INFINITY;
    if (this.#held.size === 0) return;
    const { clock, durationMs } = this.#options;
    const oldestMs = Math.min(...[...this.#held].map(({ leasedAtMs }) => leasedAtMs));
    this.#expiryAtMs = oldestMs + durationMs;
    this.#expiry = clock.setTimer(() => this.#expire(), Math.max(0, this.#expiryAtMs - clock.monotonicMs()));
    // It may outlive the last entry.
    this.#expiry.unref?.();
  }

  #expire(): void {
    const { clock, durationMs } = this.#options;
    const nowMs = clock.monotonicMs();
    for (const leased of [...this.#held]) {
      if (nowMs - leased.leasedAtMs >= durationMs) this.#lose(leased);
    }
    this.#scheduleExpiry();
  }

  #lose(leased: Leased): void {
    this.#held.delete(leased);
    leased.lose();
  }
}
