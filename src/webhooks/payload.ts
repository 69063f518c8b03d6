import type { ErrorData } from '../contracts/index.js';
import { defined } from '../internal/defined.js';
import { MAX_PAYLOAD_BYTES, type WebhookPayload, type WebhookStatus } from './event.js';

/** The whole payload stays below it where it holds the text. */
const MAX_BYTES_WITH_TEXT = 20_000;

export interface WebhookFacts {
  readonly jobId: string;
  readonly status: WebhookStatus;
  /** When the job ended. ISO 8601, UTC. */
  readonly timestamp: string;
  readonly transcriptId?: string | undefined;
  readonly userId?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly error?: ErrorData | undefined;
  /** The text of the transcript, where it is asked for. */
  readonly text?: string | undefined;
}

/**
 * The body of a webhook. Every attempt sends this same text: the signature covers its bytes.
 *
 * Without `text` where the whole would have 20,000 bytes or more, and without `metadata` where it would be longer than
 * what verifyWebhook() takes.
 */
export function buildWebhookPayload(facts: WebhookFacts): string {
  const { text, metadata, ...others } = facts;
  if (text !== undefined && text.length < MAX_BYTES_WITH_TEXT) {
    const whole = toJson(facts);
    if (Buffer.byteLength(whole) < MAX_BYTES_WITH_TEXT) return whole;
  }
  const withoutText = toJson({ ...others, metadata });
  return Buffer.byteLength(withoutText) > MAX_PAYLOAD_BYTES ? toJson(others) : withoutText;
}

function toJson({
  timestamp,
  jobId,
  status,
  transcriptId,
  userId,
  metadata,
  text,
  error,
}: WebhookFacts): string {
  const payload: WebhookPayload = {
    type: `transcription.${status}`,
    timestamp,
    data: { jobId, status, ...defined({ transcriptId, userId, metadata, text, error }) },
  };
  return JSON.stringify(payload);
}
