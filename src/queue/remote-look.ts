import type { Clock, TimerHandle } from '../contracts/clock.js';
import type { JobStore } from './job-store.js';
import type { JobRecord } from './record.js';

export interface RemoteLookParts {
  readonly clock: Clock;
  readonly store: JobStore;
  /** The queue tells of changes: what it forgets to tell is looked for, but not often. */
  readonly hasChannel: boolean;
  /** Ids of the jobs that somebody waits for. */
  readonly followed: () => readonly string[];
  readonly found: (record: JobRecord) => void;
  /** Its record is not there any more. */
  readonly gone: (jobId: string) => void;
}

const EVERY_MS = { withChannel: 15_000, without: 1000 };
const READ_AT_ONCE = 20;

/** Looks in the storage how jobs of other processes go on. */
export class RemoteLook {
  readonly #parts: RemoteLookParts;
  readonly #reading = new Set<string>();
  /** Read once more: they changed while they were being read. */
  readonly #again = new Set<string>();
  #timer: TimerHandle | undefined;

  constructor(parts: RemoteLookParts) {
    this.#parts = parts;
  }

  /** Looks at all from time to time, until stop(). */
  start(): void {
    const { clock, hasChannel } = this.#parts;
    this.#timer ??= clock.setTimer(
      () => {
        this.#timer = undefined;
        this.atAll();
        this.start();
      },
      hasChannel ? EVERY_MS.withChannel : EVERY_MS.without,
    );
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  atAll(): void {
    void this.#atEach(this.#parts.followed());
  }

  /** At one job, soon. */
  at(jobId: string): void {
    void this.#read(jobId);
  }

  async #atEach(ids: readonly string[]): Promise<void> {
    for (let start = 0; start < ids.length; start += READ_AT_ONCE) {
      await Promise.all(ids.slice(start, start + READ_AT_ONCE).map((id) => this.#read(id)));
    }
  }

  /** What fails here is found by the next look. */
  async #read(jobId: string): Promise<void> {
    if (this.#reading.has(jobId)) {
      this.#again.add(jobId);
      return;
    }
    this.#reading.add(jobId);
    try {
      do {
        this.#again.delete(jobId);
        const record = await this.#parts.store.get(jobId);
        if (record === undefined) this.#parts.gone(jobId);
        else this.#parts.found(record);
      } while (this.#again.has(jobId));
    } catch {
      this.#again.delete(jobId);
    } finally {
      this.#reading.delete(jobId);
    }
  }
}
