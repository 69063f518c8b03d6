interface Stretch {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** Audio that the server has not confirmed. Positions count the bytes that were appended. */
export class SendBuffer {
  readonly #maxBytes: number;
  #stretches: Stretch[] = [];
  #start = 0;
  #end = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The first byte that is still here. */
  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  /** Takes a copy. What does not fit any more pushes out the oldest. */
  append(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#stretches.push({ position: this.#end, bytes: new Uint8Array(chunk) });
    this.#end += chunk.length;
    this.release(this.#end - this.#maxBytes);
  }

  /** Lets go of what lies before the position. */
  release(position: number): void {
    this.#start = Math.max(this.#start, Math.min(position, this.#end));
    const kept = this.#stretches.findIndex(({ position: at, bytes }) => at + bytes.length > this.#start);
    this.#stretches = kept === -1 ? [] : this.#stretches.slice(kept);
  }

  /** What begins at the position, `maxBytes` at most. Undefined at the end. */
  read(position: number, maxBytes: number): Uint8Array | undefined {
    const stretch = this.#stretches.find(({ position: at, bytes }) => at + bytes.length > position);
    if (stretch === undefined) return undefined;
    const offset = position - stretch.position;
    return stretch.bytes.subarray(offset, offset + maxBytes);
  }
}
