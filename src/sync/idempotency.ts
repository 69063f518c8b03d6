import { createHash } from 'node:crypto';
import { hashSource } from '../audio/content-hash.js';
import type { EventSink, ResolvedSource, Transcript } from '../contracts/index.js';
import { BadRequestError, UnsupportedSourceError } from '../errors/index.js';
import { defined } from '../internal/defined.js';
import { assertAtomic } from '../records/atomic.js';
import { ClaimWatch } from './claim.js';
import { type KeyedCall, KeyedRun, type KeyedRunParts, type Outcome } from './keyed-run.js';
import { SingleFlight } from './single-flight.js';

/** Expired records are taken away once in this time, and when a process makes its first keyed call. */
const PURGE_EVERY_MS = 3_600_000;

export interface IdempotencyParts extends Omit<KeyedRunParts, 'watch'> {
  readonly emit: EventSink;
}

export interface IdempotentCall extends Omit<KeyedCall, 'id' | 'contentHash'> {
  /** Undefined: the audio itself is the key. */
  readonly key: string | undefined;
  /** What else has to be the same for two calls to be the same, beside the user: options, region. */
  readonly scope: unknown;
  readonly signal: AbortSignal;
}

type SettledCall = IdempotentCall & KeyedCall;

/** Two calls that are the same share one request and one transcript. */
export class IdempotentCalls {
  readonly #parts: KeyedRunParts;
  readonly #emit: EventSink;
  readonly #flights = new SingleFlight<Outcome>();
  /** Those under way, by the id of the transcript that they make. */
  readonly #runs = new Map<string, KeyedRun>();
  #nextPurgeMs = Number.NEGATIVE_INFINITY;

  constructor({ emit, ...parts }: IdempotencyParts) {
    this.#parts = { ...parts, watch: new ClaimWatch(parts.clock) };
    this.#emit = emit;
  }

  async run(call: IdempotentCall): Promise<Transcript> {
    const { source, signal, userId, scope, key } = call;
    assertAtomic(this.#parts.storage.capabilities, 'idempotencyKey and deduplicate');
    this.#purgeExpired();
    const contentHash = key === undefined ? await hashAgain(source, signal) : undefined;
    const id = hashText([scope, userId ?? null, key ?? null, contentHash ?? null]);
    const settled = { ...call, id, contentHash };
    for (;;) {
      const transcript = await this.#join(settled);
      if (transcript !== undefined) return transcript;
    }
  }

  /** Of any transcript: whoever finds that of a keyed call in the storage has to know of which audio it is. */
  async beforeKept(transcriptId: string): Promise<void> {
    await this.#runs.get(transcriptId)?.writeHash();
  }

  /** In the background; where it fails the storage tells it, and the next time is soon enough. */
  #purgeExpired(): void {
    const { storage, clock, background } = this.#parts;
    if (storage.purge === undefined || clock.monotonicMs() < this.#nextPurgeMs) return;
    this.#nextPurgeMs = clock.monotonicMs() + PURGE_EVERY_MS;
    const query = { expiredBy: new Date(clock.wallMs()).toISOString() };
    background(async () => {
      await storage.purge?.('idempotency', query);
    });
  }

  /** Undefined: the audio of another caller could not be read, and it is our turn. */
  async #join(call: SettledCall): Promise<Transcript | undefined> {
    let own: KeyedRun | undefined;
    try {
      const outcome = await this.#flights.join(call.id, call.signal, (signal) => {
        own = this.#start(call, signal);
        return own.ended;
      });
      return own === undefined ? await this.#follow(call, outcome) : await this.#lead(call, own, outcome);
    } finally {
      own?.letGo();
    }
  }

  #start(call: SettledCall, signal: AbortSignal): KeyedRun {
    const run = new KeyedRun(this.#parts, call, signal);
    this.#runs.set(run.transcriptId, run);
    void run.ended.finally(() => this.#runs.delete(run.transcriptId));
    return run;
  }

  async #lead(call: SettledCall, { source }: KeyedRun, outcome: Outcome): Promise<Transcript> {
    if ('error' in outcome) throw outcome.error;
    return outcome.isRecalled ? this.#share(call, source, outcome) : outcome.transcript;
  }

  async #follow(call: SettledCall, outcome: Outcome): Promise<Transcript | undefined> {
    const { source, signal } = call;
    if (!('error' in outcome)) return this.#share(call, source, outcome);
    // Who left hears how the run ended.
    if (signal.aborted) throw outcome.error;
    if (isSourceFailure(outcome.error)) return undefined;
    // To compare a one-shot stream it would have to be read, for nothing.
    if (isReadableAgain(source)) await assertSameSource(call, source, outcome.sourceHash);
    throw outcome.error;
  }

  async #share(
    call: SettledCall,
    source: ResolvedSource,
    { transcript, sourceHash }: Extract<Outcome, { transcript: Transcript }>,
  ): Promise<Transcript> {
    await assertSameSource(call, source, sourceHash);
    this.#emit({
      type: 'deduplicated',
      transcriptId: transcript.id,
      ...defined({ userId: call.userId }),
    });
    return transcript;
  }
}

function isReadableAgain(source: ResolvedSource): boolean {
  return source.kind === 'url' || source.reopenable;
}

/** Of reading the audio here, not of what Deepgram thinks of it: another caller's stream may be whole. */
function isSourceFailure(error: unknown): boolean {
  return error instanceof UnsupportedSourceError && error.status === undefined;
}

async function hashAgain(source: ResolvedSource, signal: AbortSignal): Promise<string> {
  if (isReadableAgain(source)) return hashSource(source, signal);
  throw new UnsupportedSourceError(
    'deduplicate reads the audio before it is sent, and this source can be read only once. Pass ' +
      'fromStream(() => createStream()) or fromFile(path), or name the call with idempotencyKey.',
    { code: 'unsupported_source' },
  );
}

async function assertSameSource(
  { contentHash, signal }: SettledCall,
  source: ResolvedSource,
  known: string | undefined,
): Promise<void> {
  if (known === undefined) return;
  if ((contentHash ?? (await hashSource(source, signal))) === known) return;
  throw new BadRequestError(
    contentHash === undefined
      ? 'This idempotencyKey was used for other audio. Use another key for each piece of audio.'
      : 'The audio was changed between the two readings that deduplicate needs. Call again when it is complete.',
    { code: 'idempotency_conflict' },
  );
}

function hashText(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
