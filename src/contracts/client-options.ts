import type { AudioStore } from './audio-store.js';
import type { RetryOptions } from './call-options.js';
import type { CallbackOptions } from './callback.js';
import type { Clock } from './clock.js';
import type { LiveDeepgramOptions, PrerecordedDeepgramOptions } from './deepgram-options.js';
import type { LimitsAdapter } from './limits.js';
import type { Logger } from './logger.js';
import type { MetricsHook } from './metrics.js';
import type { RouterOptions } from './mode.js';
import type { QueueAdapter } from './queue.js';
import type { SpendOptions } from './spend.js';
import type { StorageAdapter } from './storage.js';
import type { WebhookOptions } from './webhook.js';

/** A secret, or a function that is called for each connection. */
export type Secret = string | (() => string | Promise<string>);

export interface RegionOptions {
  /** Your name for it, used in events, errors and records. */
  name: string;
  /** Deepgram's base URL there, such as `https://api.eu.deepgram.com`. */
  endpoint: string;
  /** Audio never leaves regions with the same residency by itself. */
  residency?: string;
  /**
   * For endpoints that are not Deepgram's own: hosts inside your network whose audio may be fetched, such as
   * `minio.internal`, `10.0.0.5:9000` or `10.1.0.0/16`. Other URLs must lead to a public address.
   */
  allowedSources?: readonly string[];
}

/** Writes again what the storage did not take. */
export interface StorageRetryOptions {
  /** Attempts in all. Default 1: none again. */
  attempts?: number;
  /** Shortest back-off. Default 1000. */
  minDelayMs?: number;
  /** Longest back-off. Default 60000. */
  maxDelayMs?: number;
}

export interface LimitOptions {
  /** Pre-recorded requests at the same time. Default 50. */
  maxConcurrent?: number;
  /** Requests that may start in any 60 seconds. Default: no limit. */
  requestsPerMinute?: number;
  /** Live sessions at the same time. Default 50. */
  maxConcurrentStreams?: number;
  /** Calls that may wait for a place; one more is rejected. Default 1000. */
  maxWaiting?: number;
}

export interface QueueOptions {
  /** Default: an in-process queue. */
  adapter?: QueueAdapter;
  /** Jobs run at the same time. Default 10. */
  concurrency?: number;
  /** Attempts of a job in all. Default 3. */
  attempts?: number;
  /** First back-off between attempts; it doubles. Default 5000. */
  backoffMs?: number;
  /** Longest back-off. Default 300000. */
  maxBackoffMs?: number;
  /** Jobs of one user that run at the same time, over all processes. Default: no limit but `concurrency`. */
  perUserConcurrency?: number;
  /**
   * False: jobs wait until `startWorker()` is called. Default: true for a queue of this process, or of this machine;
   * false where workers may live elsewhere.
   */
  autoStart?: boolean;
  /**
   * What enqueue() does where the storage has the job and the queue cannot be reached: `reject` takes the job out of
   * the storage again and rejects, `keep` acknowledges it, and gives it to the queue as soon as that is back. Default
   * `reject`.
   */
  whenDown?: 'reject' | 'keep';
}

/** All optional. */
export interface ClientOptions {
  /** Default: `DEEPGRAM_API_KEY` of the environment, read at the first call. */
  apiKey?: Secret;
  /** A short-lived token, used instead of the key. Default: `DEEPGRAM_ACCESS_TOKEN`, where no key is set. */
  accessToken?: Secret;
  /** Deepgram options for every call. Default `{ model: 'nova-3' }`. */
  defaults?: PrerecordedDeepgramOptions & LiveDeepgramOptions;
  /** Default: `https://api.deepgram.com`, named `default`. The first one is used. */
  regions?: readonly RegionOptions[];
  /** Name of the Deepgram project that limits are counted for. Default `default`. */
  project?: string;
  /** Default: kept in memory, the newest 10,000 records of a kind. */
  storage?: StorageAdapter;
  /** Where the audio of queued jobs is kept that has no URL. Default: in this process, as long as it runs. */
  audioStore?: AudioStore;
  queue?: QueueOptions | QueueAdapter;
  limits?: LimitOptions | LimitsAdapter;
  /** For the `webhook` of jobs. */
  webhooks?: WebhookOptions;
  /** For jobs with `delivery: 'callback'`. */
  callback?: CallbackOptions;
  retry?: RetryOptions;
  /**
   * Retries in reserve for all calls of this client together. Each retry takes one; ten successes, or a
   * minute, give one back. So a service that is down is not asked several times by everybody. Default 20.
   */
  retryBudget?: number;
  spend?: SpendOptions;
  /** The transcript of a call is returned without waiting for the further attempts. */
  storageRetry?: StorageRetryOptions;
  /** Total time of a call. Default 600000. */
  timeoutMs?: number;
  /** Time of one attempt. Default: none but the total. */
  attemptTimeoutMs?: number;
  router?: RouterOptions;
  metrics?: readonly MetricsHook[];
  /** Default: silent. */
  logger?: Logger;
  /** Default: the machine's own time. */
  clock?: Clock;
}
