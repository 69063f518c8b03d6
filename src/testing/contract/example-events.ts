import type { AudioSourceKind } from '../../contracts/audio-source.js';
import type { CallStatus, ClientEvent, ClientEventOf } from '../../contracts/events.js';
import type { JobState } from '../../contracts/job.js';
import type { LiveState } from '../../contracts/live.js';
import type { TranscriptMode } from '../../contracts/transcript.js';

/** One example of each event; where an event has optional fields, one with them and one without. */
type Examples = { readonly [Type in ClientEvent['type']]: readonly ClientEventOf<Type>[] };

const call = { callId: 'call_1', mode: 'sync', model: 'nova-3', region: 'us' } as const;
const jobCall = { ...call, mode: 'async', jobId: 'job_1', userId: 'user-1' } as const;
const routeFacts = {
  live: false,
  queueable: true,
  allowAsync: false,
  load: { saturated: false, waiting: 0, regionFailing: false },
} as const;
const failed = { status: 'error', code: 'provider_unavailable', requestId: 'request-1' } as const;

const EXAMPLES: Examples = {
  'request-start': [
    { type: 'request-start', source: 'url', ...call },
    { type: 'request-start', source: 'file', ...jobCall },
  ],
  'request-end': [
    { type: 'request-end', status: 'success', durationMs: 812.5, waitedMs: 0, attempts: 1, ...call },
    {
      type: 'request-end',
      durationMs: 9000,
      waitedMs: 20,
      attempts: 4,
      audioSeconds: 61.2,
      ...failed,
      ...jobCall,
    },
  ],
  'attempt-start': [
    { type: 'attempt-start', attempt: 1, ...call },
    { type: 'attempt-start', attempt: 2, ...jobCall },
  ],
  attempt: [
    { type: 'attempt', attempt: 1, status: 'success', durationMs: 800, ...call },
    { type: 'attempt', attempt: 2, durationMs: 31, httpStatus: 503, ...failed, ...jobCall },
  ],
  retry: [{ type: 'retry', attempt: 1, delayMs: 512, code: 'provider_unavailable', ...call }],
  'limit-wait': [{ type: 'limit-wait', waitedMs: 40, ...call }],
  failover: [{ type: 'failover', fromRegion: 'eu', code: 'network', ...call }],
  'storage-failure': [
    { type: 'storage-failure', operation: 'list', collection: 'jobs', code: 'storage_failed' },
    {
      type: 'storage-failure',
      operation: 'put',
      collection: 'transcripts',
      id: 'tr_1',
      code: 'storage_failed',
    },
  ],
  deduplicated: [
    { type: 'deduplicated', transcriptId: 'tr_1' },
    { type: 'deduplicated', transcriptId: 'tr_1', userId: 'user-1' },
  ],
  job: [
    { type: 'job', jobId: 'job_1', state: 'queued', attempt: 0, model: 'nova-3' },
    {
      type: 'job',
      jobId: 'job_1',
      state: 'failed',
      attempt: 3,
      model: 'nova-3',
      userId: 'user-1',
      code: 'network',
      durationMs: 60_000,
    },
  ],
  live: [{ type: 'live', state: 'open', ...call, mode: 'stream', callId: 'live_1' }],
  route: [
    { type: 'route', mode: 'sync', rule: 'otherwise', facts: { ...routeFacts, queueable: false } },
    {
      type: 'route',
      mode: 'async',
      rule: 'long-audio',
      facts: {
        ...routeFacts,
        durationSeconds: 612.4,
        probed: true,
        sizeBytes: 9_800_000,
        contentType: 'audio/mpeg',
        userId: 'user-1',
      },
    },
  ],
  'webhook-delivery': [
    { type: 'webhook-delivery', jobId: 'job_1', attempt: 1, status: 'error', durationMs: 5000 },
    {
      type: 'webhook-delivery',
      jobId: 'job_1',
      attempt: 2,
      status: 'success',
      durationMs: 80,
      httpStatus: 204,
    },
  ],
  warning: [
    { type: 'warning', code: 'slow_audio', message: 'Audio comes slower than it is spoken.' },
    {
      type: 'warning',
      code: 'no_audio',
      message: 'Nothing was heard.',
      callId: 'live_1',
      jobId: 'job_1',
    },
  ],
};

/** Examples of all events that a client may report, each a new object. */
export function exampleEvents(): ClientEvent[] {
  const all: readonly (readonly ClientEvent[])[] = Object.values(EXAMPLES);
  return all.flat().map((event) => ({ ...event }));
}

type ValuesOf<Value extends string> = Readonly<Record<Value, true>>;

const STATUSES: ValuesOf<CallStatus> = { success: true, error: true, cancelled: true };
const MODES: ValuesOf<TranscriptMode> = { sync: true, async: true, stream: true };
const SOURCES: ValuesOf<AudioSourceKind | 'live'> = {
  url: true,
  file: true,
  bytes: true,
  blob: true,
  stream: true,
  'reopenable-stream': true,
  'http-body': true,
  live: true,
};
const JOB_STATES: ValuesOf<JobState> = {
  queued: true,
  active: true,
  completed: true,
  failed: true,
  cancelled: true,
};
const LIVE_STATES: ValuesOf<LiveState> = {
  connecting: true,
  open: true,
  reconnecting: true,
  finishing: true,
  ended: true,
  failed: true,
};
const OPERATIONS: ValuesOf<ClientEventOf<'storage-failure'>['operation']> = {
  get: true,
  put: true,
  list: true,
  delete: true,
  transact: true,
  purge: true,
};

/** Events in which each field with a fixed set of values has each of them. */
export function eventsOfEachValue(): ClientEvent[] {
  return [
    ...valuesOf(SOURCES).map((source) => ({ type: 'request-start', source, ...call }) as const),
    ...valuesOf(STATUSES).flatMap((status) => eventsOfStatus(status)),
    ...valuesOf(MODES).flatMap((mode) => eventsOfMode(mode)),
    ...valuesOf(JOB_STATES).map(
      (state) => ({ type: 'job', jobId: 'job_1', state, attempt: 1, model: 'nova-3' }) as const,
    ),
    ...valuesOf(LIVE_STATES).map((state) => ({ type: 'live', state, ...call, mode: 'stream' }) as const),
    ...valuesOf(OPERATIONS).flatMap((operation) =>
      (['transcripts', 'jobs', 'idempotency'] as const).map(
        (collection) => ({ type: 'storage-failure', operation, collection, code: 'storage_failed' }) as const,
      ),
    ),
  ];
}

function eventsOfStatus(status: CallStatus): ClientEvent[] {
  return [
    { type: 'request-end', status, durationMs: 0, waitedMs: 0, attempts: 0, ...call },
    { type: 'attempt-start', attempt: 1, ...call },
    { type: 'attempt', attempt: 1, status, durationMs: 0, ...call },
    { type: 'webhook-delivery', jobId: 'job_1', attempt: 1, status, durationMs: 0 },
  ];
}

function eventsOfMode(mode: TranscriptMode): ClientEvent[] {
  return [
    { type: 'limit-wait', waitedMs: 0, ...call, mode },
    { type: 'failover', fromRegion: 'eu', code: 'network', ...call, mode },
    { type: 'retry', attempt: 1, delayMs: 0, code: 'network', ...call, mode },
    { type: 'route', mode, rule: 'long-audio', facts: routeFacts },
  ];
}

function valuesOf<Value extends string>(values: ValuesOf<Value>): Value[] {
  return Object.keys(values) as Value[];
}
