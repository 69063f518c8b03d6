import type { ResolvedSource, TranscribeOptions, Transcript } from './contracts/index.js';
import type { Parameters } from './deepgram/map-options.js';
import { defined } from './internal/defined.js';
import { jsonCopy } from './internal/json-copy.js';
import type { ResolvedOptions } from './options.js';
import { startCallDeadline } from './resilience/deadline.js';
import type { IdempotentCalls } from './sync/idempotency.js';
import type { TranscribeCall, Transcriber } from './sync/transcribe.js';
import { settleTranscribe } from './transcribe-options.js';
import type { TranscriptKeeper } from './transcript-keeper.js';

export interface SyncCallParts {
  readonly client: ResolvedOptions;
  readonly transcribe: Transcriber;
  readonly idempotency: IdempotentCalls;
  readonly keep: TranscriptKeeper;
}

/** One `transcribe()` of the client. Rejects with a TranscriptionError. */
export type SyncCall = (
  source: ResolvedSource,
  options: TranscribeOptions,
  signal: AbortSignal,
) => Promise<Transcript>;

/** Settles the options, shares equal calls, and stores what comes out. */
export function createSyncCalls({ client, transcribe, idempotency, keep }: SyncCallParts): SyncCall {
  return async (source, options, signal) => {
    const settled = settleTranscribe(options, client);
    const { userId, metadata, idempotencyKey, deduplicate = false, durationSeconds } = options;
    // It may change before the transcript is stored.
    const facts = { source: source.label, ...defined({ userId, metadata: jsonCopy(metadata) }) };
    const call: TranscribeCall = {
      ...settled,
      source,
      signal,
      userId,
      mode: 'sync',
      jobId: undefined,
      durationSeconds,
      keep: options.store === false ? undefined : (transcript, ended) => keep(transcript, facts, ended),
    };
    if (idempotencyKey === undefined && !deduplicate) return transcribe(call);
    return share(call, idempotencyKey);
  };

  /** Each caller has a time limit of its own; the request that they share ends with the last of them. */
  async function share(call: TranscribeCall, key: string | undefined): Promise<Transcript> {
    const { source, parameters, region, userId, timeoutMs = client.timeoutMs, signal } = call;
    const deadline = startCallDeadline({
      clock: client.clock,
      timeoutMs,
      signal,
    });
    try {
      return await idempotency.run({
        key,
        scope: [client.project, region.name, call.keep !== undefined, wireForm(parameters)],
        userId,
        source,
        signal: deadline.signal,
        run: (shared, transcriptId, ended) =>
          transcribe({ ...call, source: shared, transcriptId, signal: ended, timeoutMs: undefined }),
      });
    } finally {
      deadline.dispose();
      if (source.kind !== 'url') source.discard?.();
    }
  }
}

/** Options are the same where they are the same on the wire, in whatever order and form they were given. */
function wireForm(parameters: Parameters): unknown {
  const values = Object.entries(parameters).map(
    ([name, value]) => [name, [value].flat().map(String)] as const,
  );
  return values.sort(([a], [b]) => (a < b ? -1 : 1));
}
