import { type AudioMeter, concat } from './audio-meter.js';

const NOTHING = new Uint8Array(0);

/** Holds back the beginning of a sample until its rest comes, so that only whole samples are sent. */
export class Framer {
  readonly #meter: AudioMeter;
  #held = NOTHING;

  constructor(meter: AudioMeter) {
    this.#meter = meter;
  }

  /** Bytes of a sample that is not complete yet. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** The whole samples that are there with the chunk: no copy, where nothing was held back. */
  wholeSamples(chunk: Uint8Array): Uint8Array {
    const meter = this.#meter;
    if (meter.undecided) meter.look(chunk);
    const rest = (this.#held.length + chunk.length) % meter.blockBytes;
    if (rest === 0 && this.#held.length === 0) return chunk;
    const bytes = concat(this.#held, chunk);
    this.#held = rest === 0 ? NOTHING : bytes.slice(bytes.length - rest);
    return bytes.subarray(0, bytes.length - rest);
  }
}
