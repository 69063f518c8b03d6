import { bytesOf } from '../internal/bytes.js';

export type CallbackBody =
  | { readonly type: 'json'; readonly value: unknown }
  | { readonly type: 'malformed' }
  | { readonly type: 'too-large' };

const MALFORMED: CallbackBody = { type: 'malformed' };
const TOO_LARGE: CallbackBody = { type: 'too-large' };

/** The JSON of a body, whatever it came as. Never rejects. */
export async function readCallbackBody(body: unknown, maxBytes: number): Promise<CallbackBody> {
  if (typeof body === 'string') return Buffer.byteLength(body) > maxBytes ? TOO_LARGE : parse(body);
  const bytes = bytesOf(body);
  if (bytes !== undefined) return bytes.byteLength > maxBytes ? TOO_LARGE : parseBytes(bytes);
  if (typeof body !== 'object' || body === null) return MALFORMED;
  return isStream(body) ? readStream(body, maxBytes) : { type: 'json', value: body };
}

/** Counts the bytes that come: a length that was announced says nothing. */
async function readStream(stream: AsyncIterable<unknown>, maxBytes: number): Promise<CallbackBody> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    // By hand: a loop that is left early destroys the connection, and with it the answer.
    const iterator = stream[Symbol.asyncIterator]();
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      const chunk = typeof next.value === 'string' ? Buffer.from(next.value) : bytesOf(next.value);
      if (chunk === undefined) return MALFORMED;
      length += chunk.byteLength;
      if (length > maxBytes) return TOO_LARGE;
      chunks.push(chunk);
    }
  } catch {
    // The connection broke, or somebody else has read the body.
    return MALFORMED;
  }
  return parseBytes(Buffer.concat(chunks));
}

function isStream(body: object): body is AsyncIterable<unknown> {
  return typeof (body as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function';
}

function parseBytes(bytes: Uint8Array): CallbackBody {
  try {
    return parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return MALFORMED;
  }
}

function parse(text: string): CallbackBody {
  try {
    return { type: 'json', value: JSON.parse(text) };
  } catch {
    return MALFORMED;
  }
}
