/** A piece of audio and where it lies in the whole of it. */
export interface AudioFrame {
  readonly bytes: Uint8Array;
  /** Position of its first byte in the audio of the session. */
  readonly start: number;
}

/** The places of frames that were let go of stay in the list until there are so many. */
const COMPACT_AT = 256;
const GONE: AudioFrame = { bytes: new Uint8Array(0), start: 0 };

/**
 * The audio of a session that is still needed, in order, and how far it was sent.
 *
 * Invariant: heldFrom <= sent <= accepted. What lies before `heldFrom` is gone.
 */
export class AudioLog {
  #frames: AudioFrame[] = [];
  /** Index of the first frame that is held, and of the next one to send. */
  #first = 0;
  #next = 0;
  #heldFrom = 0;
  #accepted = 0;
  #sent = 0;

  /** Bytes that came in since the beginning. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Everything before it was sent over the present connection, or over one before. */
  get sent(): number {
    return this.#sent;
  }

  get heldFrom(): number {
    return this.#heldFrom;
  }

  get heldBytes(): number {
    return this.#accepted - this.#heldFrom;
  }

  push(bytes: Uint8Array): void {
    this.#frames.push({ bytes, start: this.#accepted });
    this.#accepted += bytes.length;
  }

  /** The next frame to send. */
  peek(): AudioFrame | undefined {
    return this.#frames[this.#next];
  }

  /** The frame that `peek()` gave was sent. */
  advance(): void {
    const frame = this.#frames[this.#next];
    if (frame === undefined) return;
    this.#next += 1;
    this.#sent = frame.start + frame.bytes.length;
  }

  /** Lets go of what was sent and lies before the position. A frame goes as a whole. */
  release(position: number): void {
    for (;;) {
      const frame = this.#frames[this.#first];
      if (frame === undefined || this.#first >= this.#next) return;
      if (frame.start + frame.bytes.length > position) return;
      this.#drop(frame);
    }
  }

  /** Takes out the oldest frame, sent or not. */
  evict(): AudioFrame | undefined {
    const frame = this.#frames[this.#first];
    if (frame === undefined) return undefined;
    this.#drop(frame);
    if (this.#next < this.#first) this.#next = this.#first;
    this.#sent = Math.max(this.#sent, this.#heldFrom);
    return frame;
  }

  /** Sends again from the position on, or from the first byte that is still there. */
  rewind(position: number): void {
    const start = Math.min(Math.max(position, this.#heldFrom), this.#accepted);
    let index = this.#first;
    while (index < this.#frames.length && endOf(this.#frames[index] as AudioFrame) <= start) index += 1;
    this.#cut(index, start);
    const frame = this.#frames[index];
    this.#next = frame !== undefined && frame.start < start ? index + 1 : index;
    this.#sent = start;
  }

  /** The audio from the position on that is there, at most so many bytes. */
  *read(position: number, maxBytes: number): Iterable<Uint8Array> {
    let left = maxBytes;
    for (let index = this.#first; index < this.#frames.length && left > 0; index += 1) {
      const { bytes, start } = this.#frames[index] as AudioFrame;
      if (start + bytes.length <= position) continue;
      const piece = bytes.subarray(Math.max(0, position - start)).subarray(0, left);
      left -= piece.length;
      yield piece;
    }
  }

  clear(): void {
    this.#frames = [];
    this.#first = 0;
    this.#next = 0;
    this.#heldFrom = this.#accepted;
    this.#sent = this.#accepted;
  }

  #drop(frame: AudioFrame): void {
    this.#heldFrom = endOf(frame);
    this.#frames[this.#first] = GONE;
    this.#first += 1;
    if (this.#first < COMPACT_AT) return;
    this.#frames = this.#frames.slice(this.#first);
    this.#next -= this.#first;
    this.#first = 0;
  }

  /** Makes a border between two frames at the position. */
  #cut(index: number, position: number): void {
    const frame = this.#frames[index];
    if (frame === undefined || position <= frame.start) return;
    const at = position - frame.start;
    const before = { bytes: frame.bytes.subarray(0, at), start: frame.start };
    const after = { bytes: frame.bytes.subarray(at), start: position };
    this.#frames.splice(index, 1, before, after);
  }
}

function endOf({ start, bytes }: AudioFrame): number {
  return start + bytes.length;
}
