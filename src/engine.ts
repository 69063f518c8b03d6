import { createMemoryLimits } from './adapters/memory/limits.js';
import { createMemoryQueue } from './adapters/memory/queue.js';
import { createMemoryStorage } from './adapters/memory/storage.js';
import { resolveSource } from './audio/resolve.js';
import { createCallbacks } from './callbacks.js';
import type { EventSink, ResolvedSource, TranscribeOptions } from './contracts/index.js';
import { createCredentialsProvider } from './deepgram/credentials.js';
import { createHttpTransport } from './deepgram/http-transport.js';
import { createLiveTransport } from './deepgram/live.js';
import { openPrerecordedApi } from './deepgram/open-prerecorded.js';
import { createPaidOptionWarning } from './deepgram/paid-options.js';
import { createEndpointCalls, type EndpointCalls } from './endpoint-calls.js';
import { createEnqueueSettler } from './enqueue-options.js';
import type { GivenSource } from './given-source.js';
import { guardAudioStore } from './guarded-audio-store.js';
import { guardLimits } from './guarded-limits.js';
import { guardStorage } from './guarded-storage.js';
import { createHealthChecks, type HealthChecks } from './health.js';
import { RegionWatch } from './hybrid/region-watch.js';
import { Lazy } from './internal/lazy.js';
import type { Lifetime } from './lifetime.js';
import type { ResolvedOptions } from './options.js';
import { type PurgeOptions, type PurgeResult, purge } from './purge.js';
import type { AttemptContext } from './queue/index.js';
import type { LoadedJobs } from './queue/lazy-jobs.js';
import { createJobs } from './queue/service.js';
import { RetryBudget } from './resilience/retry-budget.js';
import { SpendGuard } from './resilience/spend-guard.js';
import { createSourceGuard } from './source-guard.js';
import type { RepairOptions } from './stream-repair.js';
import { createStreamSessions } from './stream-session.js';
import { createSubmitCalls, type SubmitCall } from './submit-calls.js';
import { IdempotentCalls } from './sync/idempotency.js';
import { createSubmitter } from './sync/submit.js';
import { createTranscriber, type TranscribeCall } from './sync/transcribe.js';
import { createSyncCalls, type SyncCall } from './sync-calls.js';
import { settleTranscribe } from './transcribe-options.js';
import { createTranscriptArchive, type TranscriptArchive } from './transcript/archive.js';
import { createTranscriptKeeper, type TranscriptKeeper } from './transcript-keeper.js';

export interface EngineParts {
  readonly options: ResolvedOptions;
  readonly emit: EventSink;
  readonly lifetime: Lifetime;
}

/** What a client needs from its first call on. */
export interface Engine extends EndpointCalls, HealthChecks {
  readonly transcribe: SyncCall;
  readonly archive: TranscriptArchive;
  readonly keep: TranscriptKeeper;
  readonly jobs: LoadedJobs<GivenSource>;
  readonly resolveSource: typeof resolveSource;
  /** Makes a live session, not started yet. */
  readonly prepareStream: ReturnType<typeof createStreamSessions>;
  readonly submit: SubmitCall;
  purge(options: PurgeOptions, signal: AbortSignal): Promise<PurgeResult>;
  /** Closes what was opened here, but for the jobs, which have a close of their own. */
  close(): void;
}

/**
 * This module and all that it imports are loaded by the first call, at once: an import of the library, and a
 * client that is never used, do not pay for it.
 */
export function createEngine({ options, emit, lifetime }: EngineParts): Engine {
  const { clock, project } = options;
  // The memory storage has nothing to close; one that was handed in is its owner's to close.
  const storage = guardStorage(options.storage ?? createMemoryStorage(), emit, clock);
  const archive = createTranscriptArchive(storage);
  const limits =
    options.limitsAdapter === undefined
      ? createMemoryLimits(options.limits, clock)
      : guardLimits(options.limitsAdapter, emit);
  const audioStore = options.audioStore && guardAudioStore(options.audioStore);
  const credentials = createCredentialsProvider(options);
  const spend = new SpendGuard(clock, options.spend);
  const warnOfCosts = createPaidOptionWarning(emit);
  const transport = createHttpTransport(clock);
  const api = new Lazy(() => openPrerecordedApi(transport));
  const regionWatch = new RegionWatch(clock);
  const sourceGuard = createSourceGuard();
  const calls = {
    api,
    credentials,
    limits,
    budget: new RetryBudget(clock, options.retryBudget, () => emit(BUDGET_EMPTY)),
    spend,
    checkSource: sourceGuard.check,
    warnOfCosts,
    project,
    clock,
    emit: regionWatch.watching(emit),
  };
  const transcribe = createTranscriber(calls);
  const keep = createTranscriptKeeper({ archive, clock, emit, lifetime, retry: options.storageRetry });
  const idempotency = new IdempotentCalls({
    storage,
    archive,
    clock,
    emit,
    background: (write) => lifetime.addBackground(write),
  });
  const queue = options.queueAdapter ?? createMemoryQueue({ clock });
  const jobs = createJobs({
    storage,
    queue,
    webhookQueue: queue.derive?.('webhooks') ?? createMemoryQueue({ clock }),
    webhookSettings: options.webhooks,
    clock,
    settings: options.queue,
    emit,
    transcribe: (source, attemptOptions, context) =>
      transcribe(jobCall(source, attemptOptions, options, context)),
    callbacks: createCallbacks({
      options,
      submit: createSubmitter(calls),
      jobCall: (source, attemptOptions, context) => jobCall(source, attemptOptions, options, context),
      spend,
    }),
    saveTranscript: archive.save,
    audioStore,
  });
  return {
    transcribe: createSyncCalls({
      client: options,
      transcribe,
      idempotency,
      keep: async (transcript, ...rest) => {
        await idempotency.beforeKept(transcript.id);
        await keep(transcript, ...rest);
      },
    }),
    ...createEndpointCalls({ options, transport, credentials, load: () => api.get() }),
    keep,
    archive,
    jobs: { service: jobs, settle: createEnqueueSettler(options) },
    ...createHealthChecks({ storage, queue, audioStore, transport, regions: options.regions, clock }),
    resolveSource,
    prepareStream: createStreamSessions({
      limits,
      spend,
      warnOfCosts,
      project,
      regions: options.regions,
      emit,
      liveTransport: (request) => createLiveTransport({ ...request, credentials, clock }),
      audioStore,
      transcribe: (source, repairOptions, signal) =>
        transcribe(repairCall(source, repairOptions, options, signal)),
      jobs,
    }),
    submit: createSubmitCalls({
      storage,
      client: options,
      limits,
      regions: regionWatch,
      lifetime,
      sourceGuard,
      emit,
    }),
    purge: (request, signal) => purge(request, { storage, audioStore, clock, signal }),
    close: () => transport.close(),
  };
}

const BUDGET_EMPTY = {
  type: 'warning',
  code: 'retry-budget-empty',
  message: 'Too many calls fail: retries are left out until some succeed, or time has passed (retryBudget).',
} as const;

/** Audio of a live session. Its transcript becomes a part of that of the session. */
function repairCall(
  source: ResolvedSource,
  { userId, ...options }: RepairOptions,
  client: ResolvedOptions,
  signal: AbortSignal,
): TranscribeCall {
  const { durationSeconds } = options;
  return {
    ...settleTranscribe(options, client),
    source,
    mode: 'sync',
    signal,
    userId,
    durationSeconds,
    jobId: undefined,
    keep: undefined,
  };
}

/** One attempt of a job. The queue owns its retries, so that the layers never multiply. */
function jobCall(
  source: ResolvedSource,
  { userId, metadata: _metadata, ...options }: TranscribeOptions,
  client: ResolvedOptions,
  { jobId, signal }: AttemptContext,
): TranscribeCall {
  const settled = settleTranscribe(options, client);
  return {
    ...settled,
    retry: { ...settled.retry, attempts: 1 },
    source,
    mode: 'async',
    signal,
    userId,
    jobId,
    durationSeconds: options.durationSeconds,
    keep: undefined,
  };
}
