import type { Clock, TimerHandle } from '../contracts/clock.js';
import { RateLimitError, TimeoutError, type TranscriptionError } from '../errors/index.js';

/** Bounds what a client holds of bodies that are still coming, because anybody may send them. */
export class HeldBodies {
  readonly #maxBytes: number;
  readonly #clock: Clock;
  readonly #bodies = new Set<HeldBody>();
  #bytes = 0;

  constructor(maxBytes: number, clock: Clock) {
    this.#maxBytes = maxBytes;
    this.#clock = clock;
  }

  /** To be released, whatever becomes of it. */
  hold(): HeldBody {
    const body: HeldBody = new HeldBody(this.#clock, {
      onGrown: (bytes) => {
        this.#bytes += bytes;
        this.#makeRoom();
      },
      onReleased: (bytes) => {
        this.#bytes -= bytes;
        this.#bodies.delete(body);
      },
    });
    this.#bodies.add(body);
    return body;
  }

  /** The largest goes, not the newest: whoever sends much, on many connections too, keeps out nobody who sends little. */
  #makeRoom(): void {
    while (this.#bytes > this.#maxBytes) {
      const largest = this.#largest();
      if (largest === undefined) return;
      largest.refuse(tooMany());
    }
  }

  #largest(): HeldBody | undefined {
    let largest: HeldBody | undefined;
    for (const body of this.#bodies) if (body.heldBytes > (largest?.heldBytes ?? 0)) largest = body;
    return largest;
  }
}

interface HeldBodyListeners {
  readonly onGrown: (bytes: number) => void;
  readonly onReleased: (bytes: number) => void;
}

/** A result of Deepgram's is there within seconds. */
const MAX_BODY_MS = 60_000;
/** Blocks begin small, so that many bodies of a few bytes hold little. */
const MIN_BLOCK_BYTES = 1024;
const MAX_BLOCK_BYTES = 16_384;

/** What has come of one body. */
export class HeldBody {
  readonly #listeners: HeldBodyListeners;
  readonly #timer: TimerHandle;
  readonly #refusal = new AbortController();
  /** Full, but for the last one. */
  #blocks: Uint8Array[] = [];
  /** Bytes of the last block that are not taken yet. */
  #free = 0;
  #heldBytes = 0;

  constructor(clock: Clock, listeners: HeldBodyListeners) {
    this.#listeners = listeners;
    this.#timer = clock.setTimer(() => this.refuse(tooSlow()), MAX_BODY_MS);
    // A connection that hangs must not keep the process of a closed client alive.
    this.#timer.unref?.();
  }

  /** Aborts with the error of whoever waits for the rest of the body. */
  get refused(): AbortSignal {
    return this.#refusal.signal;
  }

  get length(): number {
    return this.#heldBytes - this.#free;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Copies it: however small the chunks are, what is counted is what is held. */
  add(chunk: Uint8Array): void {
    const fitting = chunk.subarray(0, this.#free);
    const last = this.#blocks.at(-1);
    last?.set(fitting, last.byteLength - this.#free);
    this.#free -= fitting.byteLength;
    const rest = chunk.subarray(fitting.byteLength);
    if (rest.byteLength > 0) this.#grow(rest);
  }

  #grow(rest: Uint8Array): void {
    const size = Math.min(Math.max(this.#heldBytes, MIN_BLOCK_BYTES), MAX_BLOCK_BYTES);
    const block = new Uint8Array(Math.max(rest.byteLength, size));
    block.set(rest);
    this.#blocks.push(block);
    this.#free = block.byteLength - rest.byteLength;
    this.#heldBytes += block.byteLength;
    this.#listeners.onGrown(block.byteLength);
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#blocks, this.length);
  }

  refuse(error: TranscriptionError): void {
    this.release();
    this.#refusal.abort(error);
  }

  /** Lets go of its bytes. */
  release(): void {
    this.#timer.cancel();
    this.#listeners.onReleased(this.#heldBytes);
    this.#blocks = [];
    this.#free = 0;
    this.#heldBytes = 0;
  }
}

function tooMany(): RateLimitError {
  return new RateLimitError(
    'Too many bytes of callbacks are coming at once, and this body is the largest. Answer 503: Deepgram comes again.',
    { code: 'too_many_waiting', retryable: true },
  );
}

function tooSlow(): TimeoutError {
  return new TimeoutError(
    `The body of a callback was not whole after ${MAX_BODY_MS / 1000} seconds. Answer 503: Deepgram comes again.`,
    { code: 'timeout', retryable: true },
  );
}
