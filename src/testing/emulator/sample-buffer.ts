/** A window over a growing row of samples. Positions count from the very first sample that was appended. */
export class SampleBuffer {
  #samples = new Int16Array(16_384);
  #start = 0;
  #length = 0;

  /** Position of the first sample that is still held. */
  get start(): number {
    return this.#start;
  }

  /** Position behind the last sample. */
  get end(): number {
    return this.#start + this.#length;
  }

  append(samples: Int16Array): void {
    const length = this.#length + samples.length;
    if (length > this.#samples.length) {
      const larger = new Int16Array(Math.max(length, this.#samples.length * 2));
      larger.set(this.#samples.subarray(0, this.#length));
      this.#samples = larger;
    }
    this.#samples.set(samples, this.#length);
    this.#length = length;
  }

  /** A copy of all that is held. */
  held(): Int16Array {
    return this.#samples.slice(0, this.#length);
  }

  /** Forgets all samples before `position`. */
  dropBefore(position: number): void {
    const count = Math.min(this.#length, Math.max(0, position - this.#start));
    this.#samples.copyWithin(0, count, this.#length);
    this.#start += count;
    this.#length -= count;
  }
}
