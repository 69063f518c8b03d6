/** A longer header, as one with cover art, is given up: it would be sent again on each connection. */
const MAX_HEADER_BYTES = 256 * 1024;

/** The header of a stream while it arrives. */
export class HeaderBytes {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** Whether so many bytes more are not too many. */
  hasRoomFor(count: number): boolean {
    return this.#length + count <= MAX_HEADER_BYTES;
  }

  /** Keeps a copy, which is returned and may be changed. */
  add(bytes: Uint8Array): Uint8Array {
    // Not slice(): that of a Buffer does not copy.
    const copy = new Uint8Array(bytes);
    this.#parts.push(copy);
    this.#length += copy.length;
    return copy;
  }

  whole(): Uint8Array {
    const all = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      all.set(part, offset);
      offset += part.length;
    }
    return all;
  }
}
