import type { Clock, StorageAdapter } from '../contracts/index.js';
import { defined } from '../internal/defined.js';

/** What the storage holds of a key. The records of other processes, and of other versions, look the same. */
export type CallRecord = RunningCall | CompletedCall;

export interface RunningCall {
  readonly v: 1;
  readonly state: 'running';
  /** Tells claims apart that begin with the same version. */
  readonly owner: string;
  /** The owner writes again within this time, or it is taken for dead. */
  readonly leaseMs: number;
  /** Wall clock, in milliseconds. The last resort, where nobody watches for as long as a lease. */
  readonly untilMs: number;
}

export interface CompletedCall {
  readonly v: 1;
  readonly state: 'completed';
  readonly transcriptId: string;
  readonly sourceHash?: string;
  /** Wall clock, in milliseconds. */
  readonly untilMs: number;
}

export interface ClaimParts {
  readonly storage: StorageAdapter;
  readonly clock: Clock;
}

/** A call answers for its key this long. */
const KEPT_MS = 24 * 3_600_000;
/** A process that stands still, or cannot reach the storage, for less than this keeps its claim. */
const LEASE_MS = 60_000;
const RENEWAL_MS = 15_000;

/** The right to make the call of one key. It is renewed for as long as the call runs. */
export class Claim {
  readonly #parts: ClaimParts;
  readonly #id: string;
  readonly #userId: string | undefined;
  readonly #owner = globalThis.crypto.randomUUID();
  #version = 0;
  #stopRenewing: () => void = () => undefined;
  /** One write at a time: each one needs to know the version of the one before. */
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor(parts: ClaimParts, id: string, userId: string | undefined) {
    this.#parts = parts;
    this.#id = id;
    this.#userId = userId;
  }

  /** False where somebody else wrote in between. */
  async take(version: number): Promise<boolean> {
    if (!(await this.#put(this.#running(), version))) return false;
    this.#version = version + 1;
    this.#renewLater();
    return true;
  }

  /** The transcript answers for the key from now on. */
  async complete(transcriptId: string, sourceHash: string | undefined): Promise<void> {
    this.#stopRenewing();
    const record = { v: 1, state: 'completed', transcriptId, untilMs: this.#keptUntilMs() } as const;
    await this.#write((version) => this.#put({ ...record, ...defined({ sourceHash }) }, version));
  }

  /** The key is free again. */
  async release(): Promise<void> {
    this.#stopRenewing();
    await this.#write((expectedVersion) =>
      this.#parts.storage.delete('idempotency', this.#id, { expectedVersion }),
    );
  }

  #renewLater(): void {
    const timer = this.#parts.clock.setTimer(() => {
      // Where it fails the next one may succeed: a lease lasts for some.
      this.#write((version) => this.#put(this.#running(), version)).catch(() => undefined);
      this.#renewLater();
    }, RENEWAL_MS);
    this.#stopRenewing = () => timer.cancel();
  }

  #write(write: (version: number) => Promise<boolean>): Promise<void> {
    const next = this.#lastWrite.catch(() => undefined).then(() => this.#writeOwn(write));
    this.#lastWrite = next;
    return next;
  }

  /** A write may have been done although its reply was lost. Where the claim is another's by now, nothing is. */
  async #writeOwn(write: (version: number) => Promise<boolean>): Promise<void> {
    if (!(await write(this.#version))) {
      const record = await this.#parts.storage.get('idempotency', this.#id);
      const known = record?.data as CallRecord | undefined;
      if (record === undefined || known?.state !== 'running' || known.owner !== this.#owner) return;
      this.#version = record.version;
      if (!(await write(this.#version))) return;
    }
    this.#version += 1;
  }

  #running(): RunningCall {
    const untilMs = this.#keptUntilMs();
    return { v: 1, state: 'running', owner: this.#owner, leaseMs: LEASE_MS, untilMs };
  }

  #keptUntilMs(): number {
    return this.#parts.clock.wallMs() + KEPT_MS;
  }

  #put(data: CallRecord, expectedVersion: number): Promise<boolean> {
    const { storage, clock } = this.#parts;
    const record = {
      collection: 'idempotency',
      id: this.#id,
      status: data.state,
      createdAt: new Date(clock.wallMs()).toISOString(),
      ...defined({ userId: this.#userId }),
      data,
    } as const;
    return storage.put(record, { expectedVersion });
  }
}

/** More than that are waited for only by calls that gave up. */
const MOST_WATCHED = 1000;
/** Two looks are closer together than this, unless a clock jumped or nobody was looking. */
const LONGEST_STEP_MS = 5000;

interface Sighting {
  readonly sign: string;
  readonly atMs: number;
  readonly silentMs: number;
}

/**
 * Claims of other processes, timed on our own clock while we look at them: wall clocks differ, and after a
 * jump of ours an owner that lives must get the time to show it.
 *
 * One for all calls of a client, so that calls which give up early still add up to a lease.
 */
export class ClaimWatch {
  readonly #clock: Clock;
  readonly #seen = new Map<string, Sighting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True where the owner has not given a sign of life for as long as its lease lasts. */
  isDead(id: string, version: number, { owner, leaseMs }: RunningCall): boolean {
    const atMs = this.#clock.monotonicMs();
    const sign = `${owner} ${version}`;
    const seen = this.#seen.get(id);
    const silentMs = seen?.sign === sign ? seen.silentMs + Math.min(atMs - seen.atMs, LONGEST_STEP_MS) : 0;
    // To the end of the line: those that are still looked at are forgotten last.
    this.#seen.delete(id);
    this.#seen.set(id, { sign, atMs, silentMs });
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > MOST_WATCHED && oldest !== undefined) this.#seen.delete(oldest);
    return silentMs > leaseMs;
  }

  forget(id: string): void {
    this.#seen.delete(id);
  }
}
