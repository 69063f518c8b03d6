import { raceAbort } from '../../internal/abort.js';
import { answerWithin } from '../../internal/answer-within.js';
import { bytesOf } from '../../internal/bytes.js';
import type { HttpSettings } from './options.js';
import type { FieldProblem } from './problem.js';
import { HttpProblem } from './problem.js';

export type BodySettings = Pick<HttpSettings, 'limits' | 'clock'>;

/** Deeper data than this is no request of ours. */
const MAX_DEPTH = 32;

/** They lead to the prototype of an object in code that is not careful. */
const HOSTILE_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const MAX_FIELD = 80;

export const UNKNOWN_FIELD = 'Unknown field. Take it out.';

/** The media type alone, in lower case; empty where there is none. */
export function mediaTypeOf(request: Request): string {
  const [type = ''] = (request.headers.get('content-type') ?? '').split(';', 1);
  return type.trim().toLowerCase();
}

/** @throws HttpProblem 415 for a body that is compressed, which nobody here unpacks. */
export function refuseEncoded(request: Request): void {
  const encoding = request.headers.get('content-encoding');
  if (encoding === null || encoding.trim().toLowerCase() === 'identity') return;
  throw new HttpProblem({
    status: 415,
    code: 'unsupported_encoding',
    detail: 'Send the body as it is, without Content-Encoding.',
  });
}

/**
 * Refuses what announces itself as too long, before a byte of it is read.
 *
 * @throws HttpProblem 413
 */
export function refuseAnnounced(request: Request, maxBytes: number): void {
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > maxBytes) throw tooLarge(maxBytes);
}

/**
 * The JSON of a body within its limits.
 *
 * @throws HttpProblem 413 for a longer one, 408 for one that stalls, and 400 for what is no JSON.
 */
export async function readJson(request: Request, settings: BodySettings): Promise<unknown> {
  refuseAnnounced(request, settings.limits.maxJsonBytes);
  refuseCharset(request);
  return parse(textOf(await readBytes(request, settings)));
}

/** @throws HttpProblem 400 for keys that no request has, and for data that is too deep. */
export function refuseHostile(data: unknown): void {
  const found = hostileIn(data, 0);
  if (found === undefined) return;
  throw invalidRequest([{ field: fieldOf(found.path.reverse()), message: found.message }]);
}

interface Hostile {
  readonly message: string;
  /** From the inside out. */
  readonly path: (string | number)[];
}

function hostileIn(data: unknown, depth: number): Hostile | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  if (depth >= MAX_DEPTH) return { message: `Must not be deeper than ${MAX_DEPTH}.`, path: [] };
  if (Array.isArray(data)) {
    for (const [index, item] of data.entries()) {
      const found = hostileIn(item, depth + 1);
      if (found !== undefined) return within(found, index);
    }
    return undefined;
  }
  for (const key of Object.keys(data)) {
    if (HOSTILE_KEYS.has(key)) return { message: UNKNOWN_FIELD, path: [key] };
    const found = hostileIn((data as Record<string, unknown>)[key], depth + 1);
    if (found !== undefined) return within(found, key);
  }
  return undefined;
}

function within(found: Hostile, key: string | number): Hostile {
  found.path.push(key);
  return found;
}

/** Such as `options.keyterm[2]`. Bounded, because the keys are of the request's choosing. */
export function fieldOf(path: readonly PropertyKey[]): string {
  const field = path.reduce<string>((before, key) => {
    if (typeof key === 'number') return `${before}[${key}]`;
    const name = String(key).slice(0, MAX_FIELD);
    return before === '' ? name : `${before}.${name}`;
  }, '');
  return field.length > MAX_FIELD ? `${field.slice(0, MAX_FIELD)}…` : field;
}

/** Every wrong field of a request at once. */
export function invalidRequest(errors: readonly FieldProblem[]): HttpProblem {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return new HttpProblem({
    status: 400,
    code: 'invalid_request',
    detail: first === undefined ? 'The request is wrong.' : `${first.field}: ${first.message}${more}`,
    errors,
  });
}

export function tooLarge(maxBytes: number): HttpProblem {
  return new HttpProblem({
    status: 413,
    code: 'payload_too_large',
    detail: `The body has more than ${maxBytes} bytes, which is all that is taken.`,
  });
}

export function brokenOff(cause: unknown): HttpProblem {
  return new HttpProblem({ status: 400, code: 'broken_body', detail: 'The body broke off.', cause });
}

/** Nothing more of it comes. */
export function stalled(idleMs: number): HttpProblem {
  return new HttpProblem({
    status: 408,
    code: 'upload_stalled',
    detail: `Nothing came for ${idleMs} ms. Send the request again.`,
  });
}

/** Without `request.text()`, which reads a body of any length. */
async function readBytes(request: Request, { limits, clock }: BodySettings): Promise<Uint8Array> {
  const { maxJsonBytes: maxBytes, uploadIdleTimeoutMs: idleMs } = limits;
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  try {
    const read = () =>
      reader &&
      raceAbort(
        answerWithin(clock, reader.read(), idleMs, () => stalled(idleMs)),
        request.signal,
      );
    for (let step = await read(); step?.done === false; step = await read()) {
      const bytes = bytesOf(step.value);
      if (bytes === undefined) throw new TypeError('The body delivered something else than bytes.');
      length += bytes.length;
      if (length > maxBytes) throw tooLarge(maxBytes);
      chunks.push(bytes);
    }
  } catch (error) {
    throw error instanceof HttpProblem ? error : brokenOff(error);
  } finally {
    // Not cancelled: that would cut off the connection which the answer needs.
    release(reader);
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** A read that waits goes on by itself. */
export function release(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): void {
  try {
    reader?.releaseLock();
  } catch {
    // Runtimes that are older than the standard refuse it while a read is waiting.
  }
}

/** @throws HttpProblem 415: JSON is UTF-8 (RFC 8259). */
function refuseCharset(request: Request): void {
  const [, charset = 'utf-8'] =
    /;\s*charset="?([^\s;"]+)/i.exec(request.headers.get('content-type') ?? '') ?? [];
  if (/^utf-?8$/i.test(charset)) return;
  throw new HttpProblem({ status: 415, code: 'unsupported_media_type', detail: 'Send the JSON as UTF-8.' });
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalidJson('The body is no UTF-8.');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidJson('The body is no JSON.');
  }
}

function invalidJson(detail: string): HttpProblem {
  return new HttpProblem({ status: 400, code: 'invalid_json', detail });
}
