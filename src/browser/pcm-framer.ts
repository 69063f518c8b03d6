/** Turns samples (-1 to 1) into frames of 16-bit little-endian PCM, all of one length. */
export class PcmFramer {
  readonly #onFrame: (frame: Uint8Array) => void;
  readonly #bytes: number;
  #frame: DataView;
  #filled = 0;

  constructor(samplesPerFrame: number, onFrame: (frame: Uint8Array) => void) {
    this.#onFrame = onFrame;
    this.#bytes = samplesPerFrame * 2;
    this.#frame = new DataView(new ArrayBuffer(this.#bytes));
  }

  push(samples: Float32Array): void {
    for (const sample of samples) {
      const value = Math.round(sample * 32768);
      this.#frame.setInt16(this.#filled, Math.max(-32768, Math.min(32767, value)), true);
      this.#filled += 2;
      if (this.#filled === this.#bytes) this.flush();
    }
  }

  /** Hands out what is there, as a shorter frame. */
  flush(): void {
    if (this.#filled === 0) return;
    const frame = new Uint8Array(this.#frame.buffer as ArrayBuffer, 0, this.#filled);
    this.#frame = new DataView(new ArrayBuffer(this.#bytes));
    this.#filled = 0;
    this.#onFrame(frame);
  }
}
