// The modules whole: tools that intercept requests in tests replace members of them.
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { finished } from 'node:stream/promises';
import type { Clock } from '../contracts/index.js';
import { TranscriptionError } from '../errors/index.js';
import { abortError, onAbort, throwIfAborted } from '../internal/abort.js';
import { defined } from '../internal/defined.js';
import type { PinnedTarget } from '../net/pinned-lookup.js';
import { parseRetryAfter } from '../net/retry-after.js';
import { startDeadline } from '../resilience/deadline.js';
import { signWebhook } from './signature.js';
import type { WebhookTargets } from './target.js';

export interface DeliverWebhookOptions {
  readonly url: string;
  /** Of the message, the same for each attempt. */
  readonly id: string;
  /** From buildWebhookPayload(). */
  readonly body: string;
  /** One signature for each, as in SignWebhookOptions. */
  readonly secrets: readonly string[];
  /** Where webhooks may go. */
  readonly targets: WebhookTargets;
  readonly clock: Clock;
  /** For connecting, sending and waiting for the answer's headers together. Default 15000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** What came of one attempt. Plain data, without URL, secret and text of the answer. */
export interface WebhookDelivery {
  /** `gone`: the receiver wants no more webhooks at this URL (410). */
  readonly outcome: 'delivered' | 'failed' | 'gone';
  /** Where there was an answer. */
  readonly httpStatus?: number;
  /**
   * Why it failed: `http_status`, `redirect`, `timeout`, `forbidden_address`, or the code of the network error, such
   * as `ECONNREFUSED`, and `network` where that has none.
   */
  readonly code?: string;
  /** Until the answer's headers were there. */
  readonly durationMs: number;
  /** What the receiver asked to wait. */
  readonly retryAfterMs?: number;
}

const DEFAULT_TIMEOUT_MS = 15_000;

/**
 * Makes one attempt. What a receiver or the network does is data, never an error.
 *
 * Rejects with an AbortedError where the signal aborts before the answer is there, and with a BadRequestError for a
 * wrong secret or id.
 */
export async function deliverWebhook(options: DeliverWebhookOptions): Promise<WebhookDelivery> {
  const { url, targets, clock, timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
  throwIfAborted(signal);
  const headers = headersOf(options);
  const startedMs = clock.monotonicMs();
  const ended = (outcome: Omit<WebhookDelivery, 'durationMs'>): WebhookDelivery => ({
    ...outcome,
    durationMs: Math.round(clock.monotonicMs() - startedMs),
  });
  const deadline = startDeadline({
    clock,
    timeoutMs,
    signal,
    what: 'The delivery of a webhook',
    advice: 'Answer sooner, and do the work afterwards.',
  });
  try {
    const request = openRequest(targets.open(url), headers);
    const response = await send(request, options.body, deadline.signal);
    const delivery = ended(judge(response, clock.wallMs()));
    await discard(request, response, deadline.signal);
    return delivery;
  } catch (error) {
    if (signal?.aborted) throw abortError(signal);
    return ended({ outcome: 'failed', code: deadline.signal.aborted ? 'timeout' : codeOf(error) });
  } finally {
    deadline.dispose();
  }
}

function headersOf({ id, body, secrets, clock }: DeliverWebhookOptions): Record<string, string | number> {
  const timestampSeconds = Math.floor(clock.wallMs() / 1000);
  return {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'user-agent': 'transcription-client',
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': signWebhook({ id, timestampSeconds, body, secrets }),
  };
}

/**
 * On a connection of its own. The process's common agent may be one that asks a proxy, which looks up the name again,
 * and a connection that was kept leads to an address of an earlier look-up.
 */
function openRequest({ url, lookup }: PinnedTarget, headers: http.OutgoingHttpHeaders): ClientRequest {
  const request = { method: 'POST', headers, ...defined({ lookup }) };
  return url.protocol === 'https:'
    ? https.request(url, { ...request, agent: new https.Agent({ keepAlive: false }) })
    : http.request(url, { ...request, agent: new http.Agent({ keepAlive: false }) });
}

/** Resolves with the head of the answer. Leaves an open request only then. */
async function send(request: ClientRequest, body: string, signal: AbortSignal): Promise<IncomingMessage> {
  const stopListening = onAbort(signal, () => request.destroy(abortError(signal)));
  try {
    return await new Promise((resolve, reject) => {
      // The listener stays: a late error of a request that was given up must not end the process.
      request.on('error', reject);
      request.on('response', resolve);
      // An unasked upgrade ends a request with neither answer nor error.
      request.on('close', () => reject(new Error('closed unanswered')));
      request.end(body);
    });
  } catch (error) {
    request.destroy();
    throw error;
  } finally {
    stopListening();
  }
}

function judge(response: IncomingMessage, receivedAtMs: number): Omit<WebhookDelivery, 'durationMs'> {
  const httpStatus = response.statusCode ?? 0;
  if (httpStatus >= 200 && httpStatus < 300) return { outcome: 'delivered', httpStatus };
  if (httpStatus === 410) return { outcome: 'gone', httpStatus };
  const header = (name: string): string | undefined => response.headers[name]?.toString();
  const retryAfterMs = parseRetryAfter(header, receivedAtMs);
  const code = httpStatus >= 300 && httpStatus < 400 ? 'redirect' : 'http_status';
  return { outcome: 'failed', httpStatus, code, ...defined({ retryAfterMs }) };
}

const MAX_ANSWER_BYTES = 4096;

/**
 * Reads a short answer to its end, because some receivers give up their work where the connection closes before. The
 * outcome is settled by then, whatever becomes of the rest.
 */
async function discard(
  request: ClientRequest,
  response: IncomingMessage,
  signal: AbortSignal,
): Promise<void> {
  const stopListening = onAbort(signal, () => response.destroy());
  let length = 0;
  response.on('data', (chunk: Buffer) => {
    length += chunk.byteLength;
    if (length > MAX_ANSWER_BYTES) response.destroy();
  });
  await finished(response).catch(() => undefined);
  stopListening();
  request.destroy();
}

/** Codes of Node and OpenSSL are names; a message could quote what was sent. */
function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (TranscriptionError.isInstance(error)) return error.code;
  return typeof code === 'string' && /^[A-Z][A-Z\d_]{2,60}$/.test(code) ? code : 'network';
}
