import { createHash } from 'node:crypto';
import type { Clock, RouteDecision, StorageAdapter, TranscriptMode } from './contracts/index.js';
import { BadRequestError, StorageError } from './errors/index.js';
import { raceAbort } from './internal/abort.js';
import { defined } from './internal/defined.js';
import { assertAtomic } from './records/atomic.js';

/** As long as the modes keep their keys. */
const KEPT_MS = 24 * 3_600_000;

export interface SubmitKey {
  readonly idempotencyKey: string;
  readonly userId: string | undefined;
}

export interface KeyedDecision {
  readonly decision: RouteDecision;
  /** To be called once. A submission that failed gives its key back, unless others with the same key have not failed. */
  end(hasFailed: boolean): Promise<void>;
}

/** What a key stands for. */
interface Pin {
  readonly userId?: string;
  readonly createdAt: string;
  readonly expiresAt?: string;
  readonly mode: TranscriptMode;
  /** Processes, and clients, whose submissions have not all failed. */
  readonly holders: number;
}

interface Found {
  readonly version: number;
  readonly pin: Pin | undefined;
}

/** The submissions of this client that have one key at the same time: for the storage they are one. */
interface Share {
  readonly pinning: Promise<Pin>;
  users: number;
  hasResult: boolean;
}

/**
 * A key stands for one mode, that of the first submission with it. Otherwise one that comes again while the client is
 * busier, or the router is set otherwise, would be transcribed, and paid for, a second time.
 */
export class SubmitKeys {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #shares = new Map<string, Share>();

  constructor(storage: StorageAdapter, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /**
   * Rejects with a BadRequestError where the caller asks for another mode than that of the key, and as soon as the signal
   * aborts: whoever comes then does not wait for a storage that hangs.
   */
  async settle(
    decision: RouteDecision,
    { idempotencyKey, userId }: SubmitKey,
    signal: AbortSignal,
  ): Promise<KeyedDecision> {
    assertAtomic(this.#storage.capabilities, 'idempotencyKey');
    const text = JSON.stringify(['submit', userId ?? null, idempotencyKey]);
    const id = createHash('sha256').update(text).digest('hex');
    const share = this.#shares.get(id) ?? this.#open(id, decision.mode, userId);
    share.users += 1;
    try {
      const { mode } = await raceAbort(share.pinning, signal);
      return {
        decision: withMode(decision, mode),
        end: (hasFailed) => this.#leave(id, share, hasFailed),
      };
    } catch (error) {
      // Not awaited: the storage may be what hangs.
      void this.#leave(id, share, true);
      throw error;
    }
  }

  #open(id: string, mode: TranscriptMode, userId: string | undefined): Share {
    const share: Share = { pinning: this.#pin(id, mode, userId), users: 0, hasResult: false };
    this.#shares.set(id, share);
    return share;
  }

  /** Never rejects. */
  async #leave(id: string, share: Share, hasFailed: boolean): Promise<void> {
    share.users -= 1;
    share.hasResult ||= !hasFailed;
    if (share.users > 0) return;
    this.#shares.delete(id);
    if (share.hasResult) return;
    const pin = await share.pinning.catch(() => undefined);
    // Where that fails the key goes on standing for its mode.
    if (pin !== undefined) await this.#free(id, pin).catch(() => undefined);
  }

  async #pin(id: string, mode: TranscriptMode, userId: string | undefined): Promise<Pin> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const { pin: found, version } = await this.#find(id);
      const holders = (found?.holders ?? 0) + 1;
      const pin = { ...this.#newPin(mode, userId), ...found, holders };
      if (await this.#write(id, pin, version)) return pin;
    }
    throw contended();
  }

  async #find(id: string): Promise<Found> {
    const found = await this.#storage.get('idempotency', id);
    const version = found?.version ?? 0;
    const isOver = found?.expiresAt !== undefined && found.expiresAt <= this.#isoTime();
    const mode = modeOf(found?.data);
    if (found === undefined || isOver || mode === undefined) return { version, pin: undefined };
    const { userId, createdAt, expiresAt } = found;
    return {
      version,
      pin: { ...defined({ userId, expiresAt }), createdAt, mode, holders: holdersOf(found.data) },
    };
  }

  #newPin(mode: TranscriptMode, userId: string | undefined): Omit<Pin, 'holders'> {
    const [createdAt, expiresAt] = [this.#isoTime(), this.#isoTime(KEPT_MS)];
    return { ...defined({ userId }), createdAt, expiresAt, mode };
  }

  #write(id: string, { mode, holders, ...record }: Pin, expectedVersion: number): Promise<boolean> {
    const data = { v: 1, mode, holders };
    return this.#storage.put(
      { collection: 'idempotency', id, status: 'completed', ...record, data },
      { expectedVersion },
    );
  }

  async #free(id: string, { createdAt }: Pin): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const { pin, version } = await this.#find(id);
      // Another one has taken its place.
      if (pin?.createdAt !== createdAt) return;
      const holders = pin.holders - 1;
      const isFreed =
        holders > 0
          ? await this.#write(id, { ...pin, holders }, version)
          : await this.#storage.delete('idempotency', id, { expectedVersion: version });
      if (isFreed) return;
    }
  }

  #isoTime(inMs = 0): string {
    return new Date(this.#clock.wallMs() + inMs).toISOString();
  }
}

/** More than there are processes that use one key in the same moment. */
const MAX_TRIES = 100;

function contended(): StorageError {
  return new StorageError('The idempotencyKey could not be written, because others wrote it all the time.', {
    code: 'storage_failed',
    retryable: true,
  });
}

function withMode(decision: RouteDecision, mode: TranscriptMode): RouteDecision {
  if (decision.mode === mode) return decision;
  if (decision.facts.mode === undefined) return { ...decision, mode, rule: 'idempotency-key' };
  throw new BadRequestError(
    `This idempotencyKey was used in mode ${mode}. Use another key, or leave the mode out.`,
    { code: 'idempotency_conflict' },
  );
}

function modeOf(data: unknown): TranscriptMode | undefined {
  const mode = (data as { readonly mode?: unknown } | undefined)?.mode;
  return mode === 'sync' || mode === 'async' ? mode : undefined;
}

function holdersOf(data: unknown): number {
  const { holders } = data as { readonly holders?: unknown };
  return typeof holders === 'number' ? holders : 1;
}
