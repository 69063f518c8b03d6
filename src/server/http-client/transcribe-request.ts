import { checkOptions } from '../../internal/check-arguments.js';
import { checkPlainObject, invalidOption, isPlainObject } from '../../internal/validate.js';
import { signalOf } from './call-options.js';
import type { HttpClientRequest } from './requests.js';
import type { AudioBody, CallOptions, TranscribeRequest, UploadOptions } from './types.js';

const PATH = '/transcribe';
const WHERE = 'transcribe()';
const UPLOAD_KEYS: readonly (keyof UploadOptions)[] = [
  'mode',
  'audioDuration',
  'priority',
  'idempotencyKey',
  'metadata',
  'options',
  'contentType',
  'webhook',
];

/** Audio is told from a request by its kind. @throws BadRequestError where it is neither. */
export function transcribeRequestOf(
  source: TranscribeRequest | AudioBody,
  options: UploadOptions | CallOptions,
): HttpClientRequest {
  if (isAudio(source)) return uploadOf(source, options);
  if (!isPlainObject(source)) {
    throw invalidOption(
      'source',
      'a request such as { audioUrl }, a Blob, bytes or a ReadableStream',
      source,
    );
  }
  const signal = signalOf(WHERE, options);
  for (const [name, value] of Object.entries(source)) jsonOf(name, value);
  return {
    method: 'POST',
    path: PATH,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(source),
    signal,
  };
}

function isAudio(source: unknown): source is AudioBody {
  return (
    source instanceof Blob ||
    source instanceof ArrayBuffer ||
    ArrayBuffer.isView(source) ||
    source instanceof ReadableStream
  );
}

function uploadOf(audio: AudioBody, options: UploadOptions): HttpClientRequest {
  const signal = signalOf(WHERE, options, UPLOAD_KEYS);
  if (audio instanceof ReadableStream && audio.locked) {
    throw invalidOption('source', 'a ReadableStream that nobody reads', audio);
  }
  const { contentType } = options;
  // As JSON it would be taken for a request, and recordings are called application/ogg and the like too.
  const ofBlob = audio instanceof Blob && !/^(application\/|$)/i.test(audio.type) ? audio.type : undefined;
  const query = queryOf(options).toString();
  return {
    method: 'POST',
    path: query === '' ? PATH : `${PATH}?${query}`,
    headers: { 'content-type': contentType ?? ofBlob ?? 'application/octet-stream' },
    // Types of DOM and Node differ in what a view may look at.
    body: audio as BodyInit,
    signal,
  };
}

/** A list is a key that comes several times. */
function queryOf({
  mode,
  audioDuration,
  priority,
  idempotencyKey,
  metadata,
  webhook,
  options,
}: UploadOptions): URLSearchParams {
  checkPlainObject('metadata', metadata);
  checkPlainObject('options', options);
  if (webhook !== undefined) checkOptions('webhook', webhook, ['url']);
  const facts = {
    mode,
    audioDuration,
    priority,
    // As a header it could have no letters but Latin ones, nor spaces at its ends.
    idempotencyKey,
    metadata: jsonOf('metadata', metadata),
    webhook: webhook?.url,
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...facts, ...options })) {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    for (const item of values) if (item !== undefined) query.append(name, String(item));
  }
  return query;
}

/** @throws BadRequestError for what JSON cannot say, such as a BigInt or a circle. */
function jsonOf(name: string, value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    throw invalidOption(name, 'plain JSON data', value);
  }
}
