import type { ErrorData } from '../contracts/index.js';
import { defined } from '../internal/defined.js';
import { isIsoTime } from '../internal/iso-time.js';
import type { WebhookData, WebhookPayload, WebhookStatus } from './event.js';

const STATUSES: ReadonlySet<unknown> = new Set<WebhookStatus>(['completed', 'failed', 'cancelled']);

/** What the body of a webhook says. Undefined where it is none that buildWebhookPayload() makes. */
export function parsePayload(body: Uint8Array): WebhookPayload | undefined {
  const payload = parseJson(body);
  if (!isObject(payload) || !isIsoTime(payload.timestamp)) return undefined;
  const data = parseData(payload.data);
  if (data === undefined || payload.type !== `transcription.${data.status}`) return undefined;
  return { type: `transcription.${data.status}`, timestamp: payload.timestamp, data };
}

function parseData(data: unknown): WebhookData | undefined {
  if (!isObject(data)) return undefined;
  const { jobId, status, transcriptId, userId, metadata, text, error } = data;
  const isFit =
    isText(jobId) &&
    STATUSES.has(status) &&
    [transcriptId, userId, text].every((value) => value === undefined || isText(value)) &&
    (metadata === undefined || isObject(metadata)) &&
    (error === undefined || isErrorData(error));
  if (!isFit) return undefined;
  return defined({ jobId, status, transcriptId, userId, metadata, text, error }) as unknown as WebhookData;
}

function isErrorData(value: unknown): value is ErrorData {
  if (!isObject(value)) return false;
  const { name, code, message, retryable, ambiguous } = value;
  return (
    [name, code, message].every(isText) && typeof retryable === 'boolean' && typeof ambiguous === 'boolean'
  );
}

function parseJson(body: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
    return JSON.parse(text, withoutTraps);
  } catch {
    // The error would quote the body.
    return undefined;
  }
}

/** Metadata comes from users of the sender: copied key by key, these would change all objects of the receiver. */
function withoutTraps(key: string, value: unknown): unknown {
  if (key === '__proto__') return undefined;
  if (key === 'constructor' && isObject(value) && Object.hasOwn(value, 'prototype')) return undefined;
  return value;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
