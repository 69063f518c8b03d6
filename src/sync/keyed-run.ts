import { hashSource, hashUrl, hashWhileRead } from '../audio/content-hash.js';
import type { Clock, ResolvedSource, StorageAdapter, Transcript } from '../contracts/index.js';
import { StorageError } from '../errors/index.js';
import { claimUnlessAborted, raceAbort } from '../internal/abort.js';
import { sleep } from '../internal/sleep.js';
import type { TranscriptArchive } from '../transcript/archive.js';
import { type CallRecord, Claim, type ClaimWatch } from './claim.js';
import { holdSource } from './held-source.js';

export interface KeyedRunParts {
  readonly storage: StorageAdapter;
  readonly archive: Pick<TranscriptArchive, 'get'>;
  readonly clock: Clock;
  readonly watch: ClaimWatch;
  /** Lets a write go on after its call has ended. */
  readonly background: (write: (closing: AbortSignal) => Promise<void>) => void;
}

export interface KeyedCall {
  /** Of the key and its scope. */
  readonly id: string;
  readonly userId: string | undefined;
  readonly source: ResolvedSource;
  /** Where the audio is the key: its hash. */
  readonly contentHash: string | undefined;
  /** Transcribes and stores, under the id. */
  run(source: ResolvedSource, transcriptId: string, signal: AbortSignal): Promise<Transcript>;
}

/** How a run ended, for each of its callers to judge. */
export type Outcome =
  | {
      readonly transcript: Transcript;
      readonly sourceHash: string | undefined;
      /** From the storage: a call before this one made it. */
      readonly isRecalled: boolean;
    }
  | { readonly error: unknown; readonly sourceHash: string | undefined };

const FIRST_POLL_MS = 100;
const LONGEST_POLL_MS = 2000;

/** The first of the calls in this process: it asks the storage whether another one came before. */
export class KeyedRun {
  /** The audio, of which a one-shot stream is open from now on. */
  readonly source: ResolvedSource;
  /** Never rejects. */
  readonly ended: Promise<Outcome>;
  readonly #parts: KeyedRunParts;
  readonly #call: KeyedCall;
  readonly #signal: AbortSignal;
  readonly #claim: Claim;
  /** Undefined as long as the audio was not read whole. */
  #hashSoFar: () => string | undefined;

  constructor(parts: KeyedRunParts, call: KeyedCall, signal: AbortSignal) {
    this.#parts = parts;
    this.#call = call;
    this.#signal = signal;
    const { source, contentHash } = call;
    this.#hashSoFar = () => (source.kind === 'url' ? hashUrl(source.url) : contentHash);
    this.#claim = new Claim(parts, call.id, call.userId, () => this.#hashSoFar());
    this.source = holdSource(source);
    this.ended = this.#run().catch((error: unknown) => ({ error, sourceHash: this.#hashSoFar() }));
  }

  get transcriptId(): string {
    return this.#claim.transcriptId;
  }

  /**
   * Before the transcript is stored, so that it answers for no other audio where this process dies then. Where the
   * write fails nobody hears of it: the transcript is paid for.
   */
  async writeHash(): Promise<void> {
    const { source, contentHash } = this.#call;
    if (source.kind === 'url') return;
    const hash = await this.#sourceHash();
    if (hash === undefined || hash === contentHash) return;
    this.#hashSoFar = () => hash;
    await this.#unlessAborted(this.#claim.renew());
  }

  /** The caller who brought the audio is done with it. The others may not be. */
  letGo(): void {
    const { source } = this;
    if (source.kind === 'url') return;
    this.ended.then(() => source.discard?.()).catch(() => undefined);
  }

  async #run(): Promise<Outcome> {
    const before = await this.#recallOrClaim();
    if (before !== undefined) return before;
    try {
      return await this.#send();
    } catch (error) {
      // Where that fails, others wait for the end of the lease.
      await this.#unlessAborted(this.#claim.release());
      throw error;
    }
  }

  /** Undefined: the key is ours. */
  async #recallOrClaim(): Promise<Outcome | undefined> {
    const { storage, clock, watch } = this.#parts;
    const { id } = this.#call;
    for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(pollMs * 2, LONGEST_POLL_MS)) {
      const record = await raceAbort(storage.get('idempotency', id), this.#signal);
      const known = currentRecord(record?.data, clock);
      const version = record?.version ?? 0;
      const isHeld = known?.state === 'running' && !watch.isDead(id, version, known);
      if (!isHeld) {
        // Also the owner that is dead may have stored its transcript before.
        const before = known && (await this.#recall(known));
        if (before !== undefined) {
          if (known?.state === 'running') {
            await this.#unlessAborted(this.#claim.completeFor(known, version));
          }
          return before;
        }
        if (await this.#take(version)) {
          watch.forget(id);
          return undefined;
        }
      }
      await sleep(clock, pollMs, this.#signal);
    }
  }

  async #take(version: number): Promise<boolean> {
    const taking = this.#claim.take(version);
    // It may have been written all the same: nobody should wait for a claim that nobody knows of.
    taking.catch(() => this.#claim.release()).catch(() => undefined);
    return claimUnlessAborted(taking, this.#signal, (isTaken) =>
      isTaken ? this.#claim.release() : undefined,
    );
  }

  /** Undefined where the transcript was deleted or never stored. */
  async #recall({ transcriptId, sourceHash }: CallRecord): Promise<Outcome | undefined> {
    const stored = await raceAbort(this.#parts.archive.get(transcriptId), this.#signal);
    if (stored === undefined) return undefined;
    this.#parts.watch.forget(this.#call.id);
    const { userId, metadata, source, status, jobId, ...transcript } = stored;
    return { transcript, sourceHash, isRecalled: true };
  }

  async #send(): Promise<Outcome> {
    const { source } = this;
    const { contentHash, run } = this.#call;
    const hashed = source.kind === 'url' ? undefined : hashWhileRead(source);
    if (hashed !== undefined) this.#hashSoFar = () => hashed.hash();
    const transcript = await run(hashed?.source ?? source, this.#claim.transcriptId, this.#signal);
    const sourceHash = await this.#sourceHash();
    const isChanged = contentHash !== undefined && sourceHash !== contentHash;
    // The transcript is there and paid for: a storage that fails now must not hide it, and reports itself.
    await this.#unlessAborted(isChanged ? this.#claim.release() : this.#complete(sourceHash));
    return { transcript, sourceHash, isRecalled: false };
  }

  /** Once more in the background where it fails: the next call with the key must not pay again. */
  async #complete(sourceHash: string | undefined): Promise<void> {
    try {
      await this.#claim.complete(sourceHash);
    } catch {
      this.#parts.background((closing) => this.#claim.completeLater(sourceHash, closing));
    }
  }

  /** Read once more for an answer that came before all of the audio was read. */
  async #sourceHash(): Promise<string | undefined> {
    const known = this.#hashSoFar() ?? this.#call.contentHash;
    if (known !== undefined) return known;
    const { source } = this;
    if (source.kind !== 'url' && !source.reopenable) return undefined;
    return hashSource(source, this.#signal).catch(() => undefined);
  }

  /** A storage that hangs holds nobody for longer than the call may take; its write goes on. */
  async #unlessAborted(write: Promise<void>): Promise<void> {
    await raceAbort(write, this.#signal).catch(() => undefined);
  }
}

/** Undefined where the record is too old to say anything. */
function currentRecord(data: unknown, clock: Clock): CallRecord | undefined {
  const record = data as CallRecord | undefined;
  if (record !== undefined && record.v !== 1) {
    throw new StorageError(
      'The record of this key was written by a newer version of the library. Update the library.',
      { code: 'storage_schema' },
    );
  }
  return record !== undefined && record.untilMs > clock.wallMs() ? record : undefined;
}
