import type { Clock, EventSink, Transcript } from './contracts/index.js';
import { toTranscriptionError } from './errors/index.js';
import { raceAbort } from './internal/abort.js';
import { sleep } from './internal/sleep.js';
import type { Lifetime } from './lifetime.js';
import { type BackoffOptions, backoffDelayMs } from './resilience/backoff.js';
import type { TranscriptArchive, TranscriptFacts } from './transcript/archive.js';

export interface KeeperParts {
  readonly archive: Pick<TranscriptArchive, 'save'>;
  readonly clock: Clock;
  readonly emit: EventSink;
  readonly retry: BackoffOptions & { readonly attempts: number };
  /** Waits for what is written again. */
  readonly lifetime: Pick<Lifetime, 'track'>;
}

/** Stores the transcripts of calls. Never rejects: a storage that fails must not lose what was paid for. */
export type TranscriptKeeper = (
  transcript: Transcript,
  facts: TranscriptFacts,
  /** Ends the waiting: a storage that hangs must not hold a transcript. */
  signal: AbortSignal | undefined,
) => Promise<void>;

export function createTranscriptKeeper({
  archive,
  clock,
  emit,
  retry,
  lifetime,
}: KeeperParts): TranscriptKeeper {
  return async (transcript, facts, signal) => {
    try {
      await raceAbort(archive.save(transcript, facts), signal);
      return;
    } catch (error) {
      // What the storage itself rejects it has told already.
      if (signal?.aborted) tellFailure(transcript, error);
    }
    if (retry.attempts <= 1) return;
    lifetime.track((ended) => writeAgain(transcript, facts, ended)).catch(() => tellLoss(transcript));
  };

  function tellLoss({ id }: Transcript): void {
    emit({
      type: 'warning',
      code: 'transcript-not-stored',
      message: `The storage did not take the transcript ${id}, and it is not written again.`,
    });
  }

  function tellFailure({ id }: Transcript, error: unknown): void {
    const { code } = toTranscriptionError(error);
    emit({ type: 'storage-failure', operation: 'put', collection: 'transcripts', id, code });
  }

  /** Rejects where the client is closed first, or when all attempts have failed. */
  async function writeAgain(
    transcript: Transcript,
    facts: TranscriptFacts,
    signal: AbortSignal,
  ): Promise<void> {
    for (let attempt = 1; attempt < retry.attempts; attempt += 1) {
      await sleep(clock, backoffDelayMs(attempt, retry), signal);
      const isLast = attempt === retry.attempts - 1;
      try {
        return await raceAbort(archive.save(transcript, facts), signal);
      } catch (error) {
        if (isLast || signal.aborted) throw error;
      }
    }
  }
}
