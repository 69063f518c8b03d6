import type { Page } from './storage.js';

/** `whsec_` and base64, or a text of at least 24 characters. Several while one takes the place of another. */
export type WebhookSecrets = string | readonly string[];

/** Where a job tells of its end. */
export interface JobWebhook {
  /** `https:`, to a public address, unless the client's `webhooks.allow` names its host. */
  url: string;
  /** Signs the messages of this job. Kept with the job. Default: the client's `webhooks.secret`. */
  secret?: WebhookSecrets;
  /** True: with the text of the transcript, where the message stays below 20,000 bytes. Default false. */
  includeText?: boolean;
}

/** How messages about the end of jobs are signed and sent. */
export interface WebhookOptions {
  /** Signs the messages of all jobs, or says what signs those of a user. Called for each attempt. */
  secret?: WebhookSecrets | ((job: { readonly userId?: string }) => WebhookSecrets | Promise<WebhookSecrets>);
  /**
   * Hosts that are let through although they are not public, are asked by plain http or have another port than 443 and
   * 80: names, addresses, or ranges such as `10.1.0.0/16`, each with `:port` where only that port is meant.
   */
  allow?: readonly string[];
  /** For one attempt. Default 15000. */
  timeoutMs?: number;
  /** Messages sent at the same time by one worker. Default 5. */
  concurrency?: number;
}

export interface WebhookAttempt {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** `gone`: the receiver wants no more messages there (410). */
  readonly outcome: 'delivered' | 'failed' | 'gone';
  readonly httpStatus?: number;
  /** Why it failed, such as `timeout`, `redirect`, `http_status`, `ECONNREFUSED`. */
  readonly code?: string;
  readonly durationMs: number;
}

/** A message about the end of a job, and what became of it. */
export interface WebhookMessage {
  /** `msg_…`, the `webhook-id` of every attempt. */
  readonly id: string;
  readonly jobId: string;
  readonly userId?: string;
  readonly type: 'transcription.completed' | 'transcription.failed' | 'transcription.cancelled';
  /** Host of the URL. The rest of it may be a secret. */
  readonly host: string;
  readonly status: 'pending' | 'delivered' | 'failed';
  /** The last ones, the newest at the end. */
  readonly attempts: readonly WebhookAttempt[];
  /** ISO 8601, UTC. Set while it is pending. */
  readonly nextAttemptAt?: string;
  readonly createdAt: string;
}

export interface WebhookListQuery {
  readonly userId?: string;
  readonly status?: WebhookMessage['status'];
  readonly createdFrom?: string;
  readonly createdBefore?: string;
  /** 1 to 1000, default 100. */
  readonly limit?: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

/** The messages about the end of jobs. */
export interface Webhooks {
  /** Undefined where there is no such message. */
  get(id: string): Promise<WebhookMessage | undefined>;
  /** Newest first. */
  list(query?: WebhookListQuery): Promise<Page<WebhookMessage>>;
  /**
   * Delivers a message again, under its old id, with all of its attempts.
   *
   * Rejects with a QueueError `job_not_found` where there is none, and `job_state` where it is still pending.
   */
  redeliver(id: string): Promise<void>;
}
