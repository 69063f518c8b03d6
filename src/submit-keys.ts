import { createHash } from 'node:crypto';
import type { Clock, RouteDecision, StorageAdapter, TranscriptMode } from './contracts/index.js';
import { BadRequestError } from './errors/index.js';
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
  /** The submission has failed: its key is free again, unless others with the same key have not. */
  free(): Promise<void>;
}

/** What a key stands for. */
interface Pin {
  readonly userId?: string;
  readonly createdAt: string;
  readonly expiresAt?: string;
  readonly mode: TranscriptMode;
  /** Submissions that have not failed: under way, or with a result. */
  readonly holders: number;
}

interface Found {
  readonly version: number;
  readonly pin: Pin | undefined;
}

/**
 * A key stands for one mode, that of the first submission with it. Otherwise one that comes again while the client is
 * busier, or the router is set otherwise, would be transcribed, and paid for, a second time.
 */
export class SubmitKeys {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;

  constructor(storage: StorageAdapter, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** Rejects with a BadRequestError where the caller asks for another mode than that of the key. */
  async settle(decision: RouteDecision, { idempotencyKey, userId }: SubmitKey): Promise<KeyedDecision> {
    assertAtomic(this.#storage.capabilities, 'idempotencyKey');
    const text = JSON.stringify(['submit', userId ?? null, idempotencyKey]);
    const id = createHash('sha256').update(text).digest('hex');
    for (;;) {
      const found = await this.#find(id);
      const settled = found.pin === undefined ? decision : withMode(decision, found.pin.mode);
      const holders = (found.pin?.holders ?? 0) + 1;
      const pin = { ...this.#newPin(settled.mode, userId), ...found.pin, holders };
      if (await this.#write(id, pin, found.version)) return { decision: settled, free: () => this.#free(id) };
    }
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

  /** Where that fails the key goes on standing for its mode, and the caller hears of the submission's own error. */
  async #free(id: string): Promise<void> {
    for (;;) {
      const { pin, version } = await this.#find(id);
      if (pin === undefined) return;
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
