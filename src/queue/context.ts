import type { ResolvedSource } from '../contracts/audio-source.js';
import type { AudioStore } from '../contracts/audio-store.js';
import type { Clock } from '../contracts/clock.js';
import type { PrerecordedDeepgramOptions } from '../contracts/deepgram-options.js';
import type { EventSink } from '../contracts/events.js';
import type { QueueAdapter } from '../contracts/queue.js';
import type { StorageAdapter } from '../contracts/storage.js';
import type { Transcript } from '../contracts/transcript.js';
import type { JobWebhook, WebhookOptions } from '../contracts/webhook.js';
import type { TranscriptFacts } from '../transcript/archive.js';
import type { AudioShelf } from './audio-shelf.js';
import type { CallbackBodies } from './callback-body.js';
import type { CallbackSecrets } from './callback-secrets.js';
import type { JobFeed } from './feed.js';
import type { JobStore } from './job-store.js';
import type { Outbox } from './outbox.js';
import { hasEnded, type JobRecord, type JobWebhookData, type Submission } from './record.js';
import type { UserPlaces } from './user-places.js';

/** The options of one attempt: Deepgram's own, and ours that an attempt knows. */
export interface AttemptOptions extends PrerecordedDeepgramOptions {
  userId?: string;
  metadata?: Readonly<Record<string, unknown>>;
  region?: string;
  timeoutMs?: number;
  durationSeconds?: number;
  priority?: number;
}

export interface AttemptContext {
  readonly jobId: string;
  /** Counts from 1. */
  readonly attempt: number;
  /** Aborts when the job is cancelled or the worker is closed. */
  readonly signal: AbortSignal;
}

/** Makes one attempt. It neither retries nor stores: the queue does. */
export type TranscribeAttempt = (
  source: ResolvedSource,
  options: AttemptOptions,
  context: AttemptContext,
) => Promise<Transcript>;

/** Hands in the audio of one attempt, with the secret that comes back with the result. It does not retry. */
export type SubmitAttempt = (
  source: ResolvedSource,
  options: AttemptOptions,
  context: AttemptContext,
  secret: string,
) => Promise<Omit<Submission, 'run'>>;

/** What jobs with `delivery: 'callback'` need. */
export interface CallbackDeps {
  readonly secrets: CallbackSecrets;
  readonly submit: SubmitAttempt;
  /** The length of the audio is known, and counts as spent. */
  readonly billed: (job: JobRecord, transcript: Transcript) => void;
  /** Longest wait for the callback of one attempt. */
  readonly timeoutMs: number;
  readonly bodies: CallbackBodies;
  /** Those of jobs that name none. */
  readonly model: string;
  readonly region: string;
}

export interface JobSettings {
  /** Attempts of a job that does not name its own. */
  readonly attempts: number;
  /** First back-off; it doubles. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  readonly concurrency: number;
  /** True: the first job starts a worker in this process. Undefined: where the queue is not distributed. */
  readonly autoStart: boolean | undefined;
  readonly whenDown: 'reject' | 'keep';
  /** Jobs of one user that run at the same time. Undefined: no limit of its own. */
  readonly perUserConcurrency: number | undefined;
}

/** The options of the client, with the defaults in them. */
export interface WebhookSettings {
  readonly secret: WebhookOptions['secret'] | undefined;
  readonly allow: readonly string[];
  readonly timeoutMs: number;
  readonly concurrency: number;
}

export interface JobDeps {
  /** Reports its own failures, as typed errors and as events. */
  readonly storage: StorageAdapter;
  readonly queue: QueueAdapter;
  readonly clock: Clock;
  readonly transcribe: TranscribeAttempt;
  /**
   * Writes the transcript under its id in the collection `transcripts`. Called again where it fails; reports its
   * own failures to `emit`.
   */
  readonly saveTranscript: (transcript: Transcript, facts: TranscriptFacts) => Promise<void>;
  /** Undefined: there is no route for callbacks. */
  readonly callbacks?: CallbackDeps | undefined;
  /** Where audio without a URL is kept. Undefined: in the memory of this process. */
  readonly audioStore?: AudioStore | undefined;
  readonly emit: EventSink;
  readonly webhookSettings: WebhookSettings;
  /** Of messages about the end of jobs. */
  readonly webhookQueue: QueueAdapter;
  readonly settings: JobSettings;
  /** From 0 to 1, for back-off. Default Math.random. */
  readonly random?: () => number;
}

/** The end of a job that the storage would not take. */
export interface HeldEnd {
  /** As it should be stored, its version one above the stored one. */
  readonly record: JobRecord;
  readonly transcript?: Transcript;
}

/** What the files of this folder need of the messages about the end of jobs. */
export interface WebhookOutlet {
  /** As the record of a job holds it. Throws a BadRequestError for one that cannot be sent. */
  settle(webhook: JobWebhook | undefined): JobWebhookData | undefined;
  /** The storage has the message about this end. */
  send(job: JobRecord): void;
}

/** Ends jobs that wait for longer than they may. */
export interface TotalTimeWatch {
  /** Of jobs that are new. */
  watch(records: readonly JobRecord[], context: JobContext): void;
  forget(jobId: string): void;
  close(): void;
}

/** What the files of this folder share. */
export interface JobContext extends JobDeps {
  readonly store: JobStore;
  readonly feed: JobFeed;
  readonly audio: AudioShelf;
  readonly outbox: Outbox;
  readonly webhooks: WebhookOutlet;
  readonly userPlaces: UserPlaces;
  readonly totalTimes: TotalTimeWatch;
  /** Work that a call leaves behind and that a close waits for. Never rejects. */
  readonly background: (work: Promise<void>) => void;
  /**
   * Ends that are not stored yet, by job. A job gets here only while the storage takes some writes and
   * refuses others, and leaves with its next write that succeeds.
   */
  readonly held: Map<string, HeldEnd>;
}

/** Tells the world of a new state, and lets go of the audio of a job that ended. Call it once a state, after the storage has it. */
export function announce(context: JobContext, record: JobRecord): void {
  if (hasEnded(record.data.state)) tellOfEnd(record, context);
  context.feed.publish(record);
}

/** What follows from an end that the storage has. */
export function tellOfEnd(record: JobRecord, { audio, webhooks, userPlaces, totalTimes }: JobContext): void {
  userPlaces.forget(record.id);
  totalTimes.forget(record.id);
  audio.jobEnded(record);
  if (record.data.webhook !== undefined) webhooks.send(record);
}

/** The end of the year 9999. Later times are written in another form, and times are compared as text. */
const LAST_TIME_MS = 253_402_300_799_999;

export function isoTime(clock: Clock, delayMs = 0): string {
  return new Date(Math.min(clock.wallMs() + delayMs, LAST_TIME_MS)).toISOString();
}
