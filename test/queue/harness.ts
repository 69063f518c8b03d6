import { vi } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/queue.js';
import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import type { ResolvedSource, UploadAudio } from '../../src/contracts/audio-source.js';
import type { AudioStore } from '../../src/contracts/audio-store.js';
import type { EnqueueOptions } from '../../src/contracts/call-options.js';
import type { ClientEvent, ClientEventOf } from '../../src/contracts/events.js';
import type { Job, JobState } from '../../src/contracts/job.js';
import type { QueueAdapter } from '../../src/contracts/queue.js';
import type { StorageAdapter, StorageCollection } from '../../src/contracts/storage.js';
import type { Transcript } from '../../src/contracts/transcript.js';
import { NetworkError, ProviderError, RateLimitError } from '../../src/errors/index.js';
import { guardStorage } from '../../src/guarded-storage.js';
import type { AttemptContext, AttemptOptions, JobSettings, WebhookSettings } from '../../src/queue/index.js';
import { createJobs } from '../../src/queue/service.js';
import { ManualClock } from '../support/manual-clock.js';

/** One call of the fake transcribe function, ended by hand. */
export interface Call {
  readonly source: ResolvedSource;
  readonly options: AttemptOptions;
  readonly context: AttemptContext;
  resolve(transcript?: Transcript): void;
  reject(error: unknown): void;
}

export type StorageOperation = `${'get' | 'put' | 'list' | 'delete'} ${StorageCollection}`;

export interface HarnessOptions {
  settings?: Partial<JobSettings>;
  clock?: ManualClock;
  storage?: StorageAdapter;
  queue?: QueueAdapter;
  audioStore?: AudioStore;
  webhooks?: Partial<WebhookSettings>;
  /** True: the storage with all of its members, of which none can be made to fail. */
  whole?: boolean;
  /** Answers at once instead of waiting for the test. */
  answer?: (call: Call) => void;
}

export type Harness = ReturnType<typeof createHarness>;

export function createHarness(options: HarnessOptions = {}) {
  const clock = options.clock ?? new ManualClock();
  const memory = options.storage ?? createMemoryStorage();
  const failures: { operation: StorageOperation; times: number; landing: boolean }[] = [];
  const events: ClientEvent[] = [];
  const emit = (event: ClientEvent): void => void events.push(event);
  const storage = guardStorage(options.whole ? memory : failingStorage(memory, failures), emit, clock);
  const queue = options.queue ?? createMemoryQueue({ clock });
  const webhookQueue = createMemoryQueue({ clock });
  const calls: Call[] = [];
  const service = createJobs({
    storage,
    queue,
    clock,
    transcribe: (source, attemptOptions, context) =>
      new Promise<Transcript>((resolve, reject) => {
        const number = calls.length + 1;
        const call: Call = {
          source,
          options: attemptOptions,
          context,
          resolve: (transcript = createTranscript(`tr_${number}`)) => resolve(transcript),
          reject,
        };
        calls.push(call);
        options.answer?.(call);
      }),
    saveTranscript: async (transcript, facts) => {
      await storage.put({
        collection: 'transcripts',
        id: transcript.id,
        status: 'completed',
        createdAt: transcript.createdAt,
        data: { ...transcript, ...facts },
      });
    },
    emit,
    webhookQueue,
    webhookSettings: { secret: undefined, allow: [], timeoutMs: 15_000, concurrency: 5, ...options.webhooks },
    audioStore: options.audioStore,
    settings: {
      attempts: 3,
      backoffMs: 5000,
      maxBackoffMs: 300_000,
      concurrency: 10,
      autoStart: true,
      whenDown: 'reject',
      perUserConcurrency: undefined,
      ...options.settings,
    },
    random: () => 1,
  });
  const jobs = Object.assign(service, {
    enqueue: async (source: ResolvedSource, jobOptions: EnqueueOptions = {}) =>
      (await service.enqueueMany([{ source, options: jobOptions }]))[0] as Job,
  });
  return {
    clock,
    storage: memory,
    queue,
    webhookQueue,
    jobs,
    calls,
    events,
    /** The next operations of this kind fail; with `landing` they take effect all the same. */
    failNext: (operation: StorageOperation, times = 1, landing = false) => {
      failures.push({ operation, times, landing });
    },
    eventsOf: <Type extends ClientEvent['type']>(type: Type) =>
      events.filter((event): event is ClientEventOf<Type> => event.type === type),
    statesOf: (jobId: string): JobState[] =>
      events.flatMap((event) => (event.type === 'job' && event.jobId === jobId ? [event.state] : [])),
    /** What the storage has of a job: the handles of a closed service tell nothing. */
    stored: async (jobId: string): Promise<unknown> => (await memory.get('jobs', jobId))?.data,
    call: (index: number): Promise<Call> =>
      vi.waitFor(() => {
        const call = calls[index];
        if (call === undefined) throw new Error(`call ${index} has not begun`);
        return call;
      }),
  };
}

function failingStorage(
  storage: StorageAdapter,
  failures: { operation: StorageOperation; times: number; landing: boolean }[],
): StorageAdapter {
  const run = async <Value>(operation: StorageOperation, act: () => Promise<Value>): Promise<Value> => {
    const failure = failures.find((candidate) => candidate.operation === operation && candidate.times > 0);
    if (failure === undefined) return act();
    failure.times -= 1;
    if (failure.landing) await act();
    throw new Error('disk on fire');
  };
  return {
    capabilities: storage.capabilities,
    get: (collection, id) => run(`get ${collection}`, () => storage.get(collection, id)),
    put: (record, condition) => run(`put ${record.collection}`, () => storage.put(record, condition)),
    list: (collection, query) => run(`list ${collection}`, () => storage.list(collection, query)),
    delete: (collection, id, condition) =>
      run(`delete ${collection}`, () => storage.delete(collection, id, condition)),
  };
}

export const URL_SOURCE: ResolvedSource = {
  kind: 'url',
  url: 'https://example.com/call.mp3?signature=secret',
  label: 'https://example.com/call.mp3',
};

export function urlSource(name: string): ResolvedSource {
  return { kind: 'url', url: `https://example.com/${name}`, label: `https://example.com/${name}` };
}

export function upload(kind: UploadAudio['kind'], reopenable = true): UploadAudio {
  return {
    kind,
    label: `some ${kind}`,
    reopenable,
    open: async () => ({
      chunks: (async function* () {
        yield new Uint8Array([1, 2, 3]);
      })(),
      close: async () => undefined,
    }),
  };
}

export function createTranscript(id: string): Transcript {
  return {
    id,
    requestId: `request-${id}`,
    requestIds: [`request-${id}`],
    mode: 'async',
    text: 'hello world',
    durationSeconds: 1.5,
    channels: [],
    utterances: [],
    paragraphs: [],
    model: 'nova-3',
    region: 'default',
    createdAt: '2026-01-01T00:00:00.000Z',
    response: { results: [], metadata: [] },
  };
}

export const unavailable = () =>
  new ProviderError('busy', { code: 'provider_unavailable', status: 503, retryable: true });
export const reset = () =>
  new NetworkError('reset', { code: 'connection_closed', ambiguous: true, requestId: 'request-1' });
export const limited = (retryAfterMs?: number) =>
  new RateLimitError('slow down', {
    code: 'rate_limited',
    status: 429,
    retryable: true,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
