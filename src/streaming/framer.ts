import { type AudioMeter, concat } from './audio-meter.js';

/** Cuts the caller's chunks into messages for Deepgram: never empty, never too long, whole samples only. */
export class Framer {
  readonly #meter: AudioMeter;
  #held: Uint8Array = new Uint8Array(0);

  constructor(meter: AudioMeter) {
    this.#meter = meter;
  }

  /** Bytes of a sample that is not complete yet. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** The frames are copies: the caller may use the chunk again at once. */
  split(chunk: Uint8Array): Uint8Array[] {
    if (chunk.length === 0) return [];
    this.#meter.look(chunk);
    const bytes = concat(this.#held, chunk);
    const usable = bytes.length - (bytes.length % this.#meter.blockBytes);
    this.#held = bytes.slice(usable);
    const frames: Uint8Array[] = [];
    const { frameBytes } = this.#meter;
    for (let at = 0; at < usable; at += frameBytes) {
      frames.push(bytes.subarray(at, Math.min(at + frameBytes, usable)));
    }
    return frames;
  }
}
