import type { Clock } from '../contracts/clock.js';
import { raceAbort, throwIfAborted } from '../internal/abort.js';
import { bytesOf } from '../internal/bytes.js';
import { HeldBodies, type HeldBody } from './held-bodies.js';

export type CallbackBody =
  | { readonly type: 'json'; readonly value: unknown }
  | { readonly type: 'malformed' }
  | { readonly type: 'too-large' };

const MALFORMED: CallbackBody = { type: 'malformed' };
const TOO_LARGE: CallbackBody = { type: 'too-large' };

/** Small bodies must not be refused where only few of the largest size may come. */
const MIN_HELD_BYTES = 67_108_864;

/** Reads what comes to the route. Anybody may send it: the secret that tells who it was is in the body itself. */
export class CallbackBodies {
  readonly #maxBytes: number;
  readonly #held: HeldBodies;

  constructor(maxBytes: number, clock: Clock) {
    this.#maxBytes = maxBytes;
    this.#held = new HeldBodies(Math.max(4 * maxBytes, MIN_HELD_BYTES), clock);
  }

  /**
   * The JSON of a body, whatever it came as. Rejects where it should come again: with `too_many_waiting` where too much
   * comes at once, and with `timeout` where it does not come to its end.
   */
  async read(body: unknown): Promise<CallbackBody> {
    if (typeof body === 'string') return this.#isTooLarge(Buffer.byteLength(body)) ? TOO_LARGE : parse(body);
    const bytes = bytesOf(body);
    if (bytes !== undefined) return this.#isTooLarge(bytes.byteLength) ? TOO_LARGE : parseBytes(bytes);
    if (typeof body !== 'object' || body === null) return MALFORMED;
    return isStream(body) ? this.#readHeld(body) : { type: 'json', value: body };
  }

  async #readHeld(stream: AsyncIterable<unknown>): Promise<CallbackBody> {
    const held = this.#held.hold();
    try {
      return await this.#readStream(stream, held);
    } catch {
      throwIfAborted(held.refused);
      // The connection broke, or somebody else has read the body.
      return MALFORMED;
    } finally {
      held.release();
    }
  }

  /** Counts the bytes that come: a length that was announced says nothing. */
  async #readStream(stream: AsyncIterable<unknown>, held: HeldBody): Promise<CallbackBody> {
    // By hand: a loop that is left early destroys the connection, and with it the answer.
    const iterator = stream[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await raceAbort(iterator.next(), held.refused);
      throwIfAborted(held.refused);
      if (done) return parseBytes(held.bytes());
      const chunk = typeof value === 'string' ? Buffer.from(value) : bytesOf(value);
      if (chunk === undefined) return MALFORMED;
      if (this.#isTooLarge(held.length + chunk.byteLength)) return TOO_LARGE;
      held.add(chunk);
    }
  }

  #isTooLarge(bytes: number): boolean {
    return bytes > this.#maxBytes;
  }
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
