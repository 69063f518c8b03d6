import { type AudioMeter, concat } from './audio-meter.js';

/** Small chunks are copied into blocks of this size: a buffer for each costs more than the copy. */
const BLOCK_BYTES = 16 * 1024;

/** Cuts the caller's chunks into messages for Deepgram: never empty, never too long, whole samples only. */
export class Framer {
  readonly #meter: AudioMeter;
  #held: Uint8Array = new Uint8Array(0);
  #block: Uint8Array = new Uint8Array(0);
  #used = 0;

  constructor(meter: AudioMeter) {
    this.#meter = meter;
  }

  /** Bytes of a sample that is not complete yet. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** Hands out the frames of a chunk, and returns how many bytes they have. They are copies: the chunk may be used again. */
  split(chunk: Uint8Array, take: (frame: Uint8Array) => void): number {
    if (chunk.length === 0) return 0;
    const { blockBytes, frameBytes } = this.#meter;
    this.#meter.look(chunk);
    const bytes = this.#held.length === 0 ? this.#copy(chunk) : concat(this.#held, chunk);
    const usable = bytes.length - (bytes.length % blockBytes);
    if (usable < bytes.length || this.#held.length > 0) this.#held = new Uint8Array(bytes.subarray(usable));
    if (usable <= frameBytes) {
      if (usable > 0) take(usable === bytes.length ? bytes : bytes.subarray(0, usable));
      return usable;
    }
    for (let at = 0; at < usable; at += frameBytes) {
      take(bytes.subarray(at, Math.min(at + frameBytes, usable)));
    }
    return usable;
  }

  #copy(chunk: Uint8Array): Uint8Array {
    if (chunk.length > BLOCK_BYTES / 4) return new Uint8Array(chunk);
    if (this.#used + chunk.length > this.#block.length) {
      this.#block = new Uint8Array(BLOCK_BYTES);
      this.#used = 0;
    }
    const copy = this.#block.subarray(this.#used, this.#used + chunk.length);
    copy.set(chunk);
    this.#used += chunk.length;
    return copy;
  }
}
