import { ProviderError } from '../errors/index.js';
import { defined } from '../internal/defined.js';
import { requestIdOf } from './map-error.js';
import type { Parameters } from './map-options.js';
import { type MappedResult, mapResult } from './map-result.js';
import { InvalidJson, type JsonObject, object, text } from './read-json.js';

/** Its value comes back with the result, in `metadata.extra`. The name is the one that Deepgram's documentation has. */
export const SECRET_NAME = 'callback_secret';

/** Where the result of a request goes, and what proves that it is that of the request. */
export interface CallbackTarget {
  readonly url: string;
  readonly secret: string;
}

/** A body that was handed in to a callback. Nothing of it is believed yet. */
export interface OpenedCallback {
  /** Undefined where there is no text in its place. */
  readonly secret: string | undefined;
  readonly requestId: string | undefined;
  /** The body without the secret. */
  readonly body: unknown;
}

/** The user's own `extra` stays beside ours. */
export function callbackParameters(parameters: Parameters, { url, secret }: CallbackTarget): Parameters {
  const extra = [parameters.extra ?? []].flat();
  return { ...parameters, callback: url, extra: [...extra, `${SECRET_NAME}:${secret}`] };
}

/**
 * Reads the answer to a request with a callback: the id of the request, and nothing else yet.
 *
 * @throws InvalidJson where it is another one.
 */
export function mapAcceptance(body: unknown): string {
  const requestId = text(object(body, 'body').request_id, 'request_id', 1);
  return requestIdOf(requestId) ?? requestId;
}

export function openCallback(body: unknown): OpenedCallback {
  const { metadata, ...rest } = fieldsOf(body);
  const { extra, ...otherMetadata } = fieldsOf(metadata);
  const { [SECRET_NAME]: secret, ...others } = fieldsOf(extra);
  if (typeof secret !== 'string') return { secret: undefined, requestId: undefined, body };
  const kept = Object.keys(others).length === 0 ? {} : { extra: others };
  return {
    secret,
    // The one that the transcript is going to have.
    requestId: requestIdOf(otherMetadata.request_id, [secret]),
    body: { ...rest, metadata: { ...otherMetadata, ...kept } },
  };
}

/** @throws ProviderError with the code `invalid_response` where it holds no transcript. */
export function mapCallback({ body, requestId }: Omit<OpenedCallback, 'secret'>): MappedResult {
  try {
    const result = mapResult(body);
    return { ...result, requestId: requestId ?? result.requestId };
  } catch (error) {
    if (!(error instanceof InvalidJson)) throw error;
    throw new ProviderError(
      `What Deepgram handed in to the callback is no transcript: ${error.message}. Look up the request in Deepgram's console.`,
      { code: 'invalid_response', ...defined({ requestId }) },
    );
  }
}

function fieldsOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
