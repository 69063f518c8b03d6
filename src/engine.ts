import { createMemoryLimits } from './adapters/memory/limits.js';
import { createMemoryQueue } from './adapters/memory/queue.js';
import { settleTranscribe } from './call-options.js';
import type {
  EventSink,
  LimitsAdapter,
  LiveTransport,
  ResolvedSource,
  StorageAdapter,
  TranscribeOptions,
} from './contracts/index.js';
import { createCredentialsProvider } from './deepgram/credentials.js';
import { createHttpTransport } from './deepgram/http-transport.js';
import { createLiveTransport, type LiveTransportOptions } from './deepgram/live.js';
import { createRouter, type Router } from './hybrid/router.js';
import { submit } from './hybrid/submit.js';
import type { ResolvedOptions } from './options.js';
import { createJobs, type JobService } from './queue/service.js';
import { createSession } from './streaming/stream.js';
import { callFor, settleSubmit } from './submit-options.js';
import { createTranscriber, type TranscribeCall, type Transcriber } from './sync/transcribe.js';
import type { TranscriptArchive } from './transcript/archive.js';

export interface EngineParts {
  readonly options: ResolvedOptions;
  /** Reports its own failures. */
  readonly storage: StorageAdapter;
  readonly archive: TranscriptArchive;
  readonly emit: EventSink;
}

/** What a client needs from its first call on. */
export interface Engine {
  readonly limits: LimitsAdapter;
  readonly transcribe: Transcriber;
  readonly jobs: JobService;
  /** Makes a live session, not started yet. */
  readonly createSession: typeof createSession;
  liveTransport(options: Omit<LiveTransportOptions, 'credentials' | 'clock'>): LiveTransport;
  readonly router: Router;
  readonly settleSubmit: typeof settleSubmit;
  readonly callFor: typeof callFor;
  readonly submit: typeof submit;
  /** Closes what was opened here, but for the jobs, which have a close of their own. */
  close(): void;
}

/**
 * This module and all that it imports are loaded by the first call, at once: an import of the library, and a
 * client that is never used, do not pay for it.
 */
export function createEngine({ options, storage, archive, emit }: EngineParts): Engine {
  const { clock, project } = options;
  const limits = options.limitsAdapter ?? createMemoryLimits(options.limits, clock);
  const credentials = createCredentialsProvider(options);
  const transport = createHttpTransport();
  const transcribe = createTranscriber({
    transport: async () => transport,
    credentials,
    limits,
    project,
    clock,
    emit,
  });
  const jobs = createJobs({
    storage,
    queue: options.queueAdapter ?? createMemoryQueue({ clock }),
    clock,
    settings: options.queue,
    emit,
    transcribe: (source, attemptOptions, { jobId, signal }) =>
      transcribe(jobCall(source, attemptOptions, options, jobId, signal)),
    saveTranscript: archive.save,
  });
  return {
    limits,
    transcribe,
    jobs,
    createSession,
    liveTransport: (request) => createLiveTransport({ ...request, credentials, clock }),
    router: createRouter(options.router),
    settleSubmit,
    callFor,
    submit,
    close: () => transport.close(),
  };
}

/** One attempt of a job. The queue owns its retries, so that the layers never multiply. */
function jobCall(
  source: ResolvedSource,
  { userId, metadata: _metadata, ...options }: TranscribeOptions,
  client: ResolvedOptions,
  jobId: string,
  signal: AbortSignal,
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
  };
}
