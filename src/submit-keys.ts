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
  /** The submission has failed: its key is free again. */
  free(): Promise<void>;
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
      const found = await this.#storage.get('idempotency', id);
      const mode = isOver(found?.expiresAt, this.#clock) ? undefined : modeOf(found?.data);
      if (mode !== undefined) return { decision: withMode(decision, mode), free: async () => undefined };
      const version = found?.version ?? 0;
      if (await this.#write(id, userId, decision.mode, version)) {
        return { decision, free: () => this.#free(id, version + 1) };
      }
    }
  }

  #write(
    id: string,
    userId: string | undefined,
    mode: TranscriptMode,
    expectedVersion: number,
  ): Promise<boolean> {
    const now = this.#clock.wallMs();
    const record = {
      collection: 'idempotency',
      id,
      ...defined({ userId }),
      status: 'completed',
      createdAt: new Date(now).toISOString(),
      expiresAt: new Date(now + KEPT_MS).toISOString(),
      data: { v: 1, mode },
    } as const;
    return this.#storage.put(record, { expectedVersion });
  }

  /** Where that fails the key goes on standing for its mode, and the caller hears of the submission's own error. */
  async #free(id: string, expectedVersion: number): Promise<void> {
    await this.#storage.delete('idempotency', id, { expectedVersion }).catch(() => undefined);
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

function isOver(expiresAt: string | undefined, clock: Clock): boolean {
  return expiresAt !== undefined && expiresAt <= new Date(clock.wallMs()).toISOString();
}

function modeOf(data: unknown): TranscriptMode | undefined {
  const mode = (data as { readonly mode?: unknown } | undefined)?.mode;
  return mode === 'sync' || mode === 'async' ? mode : undefined;
}
