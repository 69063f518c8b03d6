const EMPTY: Uint8Array = new Uint8Array(0);

/**
 * The bytes of a stream that are not done with. A chunk is not copied while all of it is done with at once, and no byte
 * is copied again and again while the rest of an element comes in small pieces.
 */
export class ByteWindow {
  #buffer = EMPTY;
  #view = EMPTY;

  /** All that is held, the new bytes last. It is valid until `drop`. */
  add(bytes: Uint8Array): Uint8Array {
    if (this.#view.length === 0) this.#view = bytes;
    else this.#append(bytes);
    return this.#view;
  }

  /** Lets go of the first bytes, and copies what is the caller's. */
  drop(count: number): void {
    const rest = this.#view.subarray(count);
    if (rest.length === 0) {
      this.#view = EMPTY;
      this.#buffer = EMPTY;
    } else if (count > 0 || this.#view.buffer !== this.#buffer.buffer) {
      this.#buffer = new Uint8Array(Math.max(64, rest.length * 2));
      this.#buffer.set(rest);
      this.#view = this.#buffer.subarray(0, rest.length);
    }
  }

  #append(bytes: Uint8Array): void {
    const { length } = this.#view;
    if (length + bytes.length > this.#buffer.length) {
      const larger = new Uint8Array((length + bytes.length) * 2);
      larger.set(this.#view);
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, length);
    this.#view = this.#buffer.subarray(0, length + bytes.length);
  }
}
