import type { ErrorData } from '../contracts/index.js';

/** How a job ended. */
export type WebhookStatus = 'completed' | 'failed' | 'cancelled';

export type WebhookEventType = `transcription.${WebhookStatus}`;

export interface WebhookData {
  readonly jobId: string;
  readonly status: WebhookStatus;
  /** Of a completed job. */
  readonly transcriptId?: string;
  readonly userId?: string;
  /** Of the job. Left out where the payload would be longer than 1 MiB with it, which verifyWebhook() refuses. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** The text of the transcript, where it was asked for and the whole payload is shorter than 20,000 bytes with it. */
  readonly text?: string;
  /** Of a failed job. */
  readonly error?: ErrorData;
}

/** What the body of a webhook says. */
export interface WebhookPayload {
  readonly type: WebhookEventType;
  /** When the job ended. ISO 8601, UTC. */
  readonly timestamp: string;
  readonly data: WebhookData;
}

/** A webhook whose signature is right. */
export interface WebhookEvent extends WebhookPayload {
  /** The same for each attempt to deliver the message: what was seen before may be passed over. */
  readonly id: string;
}

/** A longer payload is neither sent nor taken. */
export const MAX_PAYLOAD_BYTES = 1_048_576;
