import type { Clock, StorageAdapter } from '../contracts/index.js';
import { defined } from '../internal/defined.js';
import { createId } from '../internal/ids.js';
import { sleep } from '../internal/sleep.js';
import { backoffDelayMs } from '../resilience/backoff.js';

/** What the storage holds of a key. The records of other processes, and of other versions, look the same. */
export type CallRecord = RunningCall | CompletedCall;

export interface RunningCall {
  readonly v: 1;
  readonly state: 'running';
  /** Tells claims apart that begin with the same version. */
  readonly owner: string;
  /** The owner writes again within this time, or it is taken for dead. */
  readonly leaseMs: number;
  /** Of the transcript to come. Where it is stored, the call was made, whatever became of its owner. */
  readonly transcriptId: string;
  /** Missing as long as the audio is not known whole. */
  readonly sourceHash?: string;
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
/** Between two attempts to write how a call ended. */
const WRITE_AGAIN = { minDelayMs: 500, maxDelayMs: 15_000 };

/** The right to make the call of one key. It is renewed for as long as the call runs. */
export class Claim {
  readonly transcriptId = createId('tr');
  readonly #parts: ClaimParts;
  readonly #id: string;
  readonly #userId: string | undefined;
  readonly #sourceHash: () => string | undefined;
  readonly #owner = globalThis.crypto.randomUUID();
  #version = 0;
  #stopRenewing: () => void = () => undefined;
  /** One write at a time: each one needs to know the version of the one before. */
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor(
    parts: ClaimParts,
    id: string,
    userId: string | undefined,
    sourceHash: () => string | undefined,
  ) {
    this.#parts = parts;
    this.#id = id;
    this.#userId = userId;
    this.#sourceHash = sourceHash;
  }

  /** False where somebody else wrote in between. */
  async take(version: number): Promise<boolean> {
    if (!(await this.#put(this.#running(), version))) return false;
    this.#version = version + 1;
    this.#renewLater();
    return true;
  }

  /** Writes the claim once more, with what is known of the audio by now. */
  async renew(): Promise<void> {
    await this.#write((version) => this.#put(this.#running(), version));
  }

  /** The transcript answers for the key from now on. */
  async complete(sourceHash: string | undefined): Promise<void> {
    this.#stopRenewing();
    const record = this.#completed(this.transcriptId, sourceHash);
    await this.#write((version) => this.#put(record, version));
  }

  /** The owner is dead, and its transcript is stored: nobody has to wait for the owner again. */
  async completeFor({ transcriptId, sourceHash }: CallRecord, version: number): Promise<void> {
    await this.#put(this.#completed(transcriptId, sourceHash), version);
  }

  /** Where complete() failed: again and again. Once `closing` aborts there is one last attempt, which may reject. */
  async completeLater(sourceHash: string | undefined, closing: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const delayMs = backoffDelayMs(attempt, WRITE_AGAIN);
      await sleep(this.#parts.clock, delayMs, closing).catch(() => undefined);
      const isLast = closing.aborted;
      try {
        return await this.complete(sourceHash);
      } catch (error) {
        if (isLast) throw error;
      }
    }
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
      this.renew().catch(() => undefined);
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
    return {
      v: 1,
      state: 'running',
      owner: this.#owner,
      leaseMs: LEASE_MS,
      transcriptId: this.transcriptId,
      ...defined({ sourceHash: this.#sourceHash() }),
      untilMs: this.#keptUntilMs(),
    };
  }

  #completed(transcriptId: string, sourceHash: string | undefined): CompletedCall {
    return {
      v: 1,
      state: 'completed',
      transcriptId,
      ...defined({ sourceHash }),
      untilMs: this.#keptUntilMs(),
    };
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
      expiresAt: new Date(data.untilMs).toISOString(),
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
