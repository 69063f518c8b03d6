import { createMemoryLimits, createMemoryQueue, createMemoryStorage } from './adapters/memory/index.js';
import { type SettledTranscribe, settleTranscribe } from './call-options.js';
import type { ResolvedSource, TranscribeOptions } from './contracts/index.js';
import { createCredentialsProvider } from './deepgram/credentials.js';
import type { HttpTransport } from './deepgram/http-transport.js';
import { EventHub } from './event-hub.js';
import { guardStorage } from './guarded-storage.js';
import { createRouter, type Router } from './hybrid/router.js';
import type { ResolvedOptions } from './options.js';
import { createJobs, type JobService } from './queue/index.js';
import type { StreamParts } from './stream-calls.js';
import { createTranscriber, type TranscribeCall, type Transcriber } from './sync/transcribe.js';
import { createTranscriptArchive } from './transcript/archive.js';

/** What a client is made of. */
export interface ClientParts extends StreamParts {
  readonly options: ResolvedOptions;
  readonly events: EventHub;
  readonly transcribe: Transcriber;
  readonly jobs: JobService;
  readonly router: Router;
  /** Closes what was opened here, and nothing that was handed in. */
  close(): Promise<void>;
}

export function createParts(options: ResolvedOptions): ClientParts {
  const { clock, project } = options;
  const events = new EventHub(options.metrics, options.logger);
  const { emit } = events;
  // The memory storage has nothing to close; one that was handed in is its owner's to close.
  const storage = guardStorage(options.storage ?? createMemoryStorage(), emit);
  const limits = options.limitsAdapter ?? createMemoryLimits(options.limits, clock);
  const credentials = createCredentialsProvider(options);
  const archive = createTranscriptArchive(storage);
  const transport = lazyTransport();
  const transcribe = createTranscriber({
    transport: transport.get,
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
    options,
    events,
    emit,
    clock,
    project,
    limits,
    credentials,
    archive,
    transcribe,
    jobs,
    router: createRouter(options.router),
    async close() {
      await transport.close();
      await events.close();
    },
  };
}

/** A call of `transcribe()`. */
export function syncCall(
  source: ResolvedSource,
  options: TranscribeOptions,
  settled: SettledTranscribe,
  signal: AbortSignal,
): TranscribeCall {
  return { ...settled, source, mode: 'sync', signal, userId: options.userId, jobId: undefined };
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

interface LazyTransport {
  get(): Promise<HttpTransport>;
  close(): Promise<void>;
}

/** Importing the library, or making a client that only streams, loads no HTTP code. */
function lazyTransport(): LazyTransport {
  let transport: Promise<HttpTransport> | undefined;
  return {
    get() {
      transport ??= import('./deepgram/http-transport.js').then((module) => module.createHttpTransport());
      return transport;
    },
    close: async () => (await transport)?.close(),
  };
}
