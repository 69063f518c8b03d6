import type { AudioMeter } from './audio-meter.js';

/** A piece of audio and where it lies in the whole of it. */
export interface AudioFrame {
  readonly bytes: Uint8Array;
  /** Position of its first byte in the audio of the session. */
  readonly start: number;
}

/** A stretch of the audio in one piece of memory, which is filled from its beginning. */
interface Block {
  readonly memory: Uint8Array;
  /** Position of its first byte in the audio of the session. */
  readonly start: number;
  used: number;
  /** Somebody else keeps a piece of it: its memory must not be used again. */
  isShared: boolean;
  next: Block | undefined;
}

/** Memory for each chunk of 20 ms, or an object that tells of it, costs more than all the sending. */
const BLOCK_BYTES = 32 * 1024;
/** A chunk of more fills two blocks rather than leaving the end of one empty. */
const WHOLE_CHUNK_BYTES = BLOCK_BYTES / 8;
/** Blocks that are used again: memory that comes and goes every few seconds makes V8 look through all of its heap. */
const MAX_SPARES = 4;

/**
 * The audio of a session that is still needed, in order, and how far it was sent.
 *
 * Invariant: heldFrom <= sent <= accepted. What lies before `heldFrom` is gone. A block holds whole samples.
 */
export class AudioLog {
  readonly #meter: AudioMeter;
  #first: Block | undefined;
  #last: Block | undefined;
  /** A block that is not behind the next byte to send. */
  #sending: Block | undefined;
  #spares: Uint8Array[] = [];
  #heldFrom = 0;
  #accepted = 0;
  #sent = 0;

  constructor(meter: AudioMeter) {
    this.#meter = meter;
  }

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

  /** Takes whole samples, and copies them. */
  push(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const block = this.#blockFor(bytes.length - from);
      const left = block.memory.length - block.used;
      const fits = bytes.length - from <= left;
      const to = fits ? bytes.length : from + left - (left % this.#meter.blockBytes);
      block.memory.set(from === 0 && fits ? bytes : bytes.subarray(from, to), block.used);
      block.used += to - from;
      this.#accepted += to - from;
      from = to;
    }
  }

  /** The next frame to send: whole samples, no more than may be sent at once. It ends at the position at the latest. */
  peek(end: number = this.#accepted): Uint8Array | undefined {
    let block = this.#sending;
    while (block !== undefined && this.#sent >= endOf(block)) block = block.next;
    if (block === undefined) return undefined;
    this.#sending = block;
    return pieceOf(block, this.#sent, Math.min(this.#meter.frameBytes, end - this.#sent));
  }

  /** So many bytes were sent. */
  advance(bytes: number): void {
    this.#sent += bytes;
  }

  /**
   * Lets go of what was sent and lies before the position. Its memory is used again: the other side has it, so that
   * no connection needs it any more.
   */
  release(position: number): void {
    this.#dropUntil(Math.min(position, this.#sent));
  }

  /** Takes out the oldest frame, sent or not. */
  evict(): AudioFrame | undefined {
    const block = this.#first;
    if (block === undefined) return undefined;
    const start = this.#heldFrom;
    block.isShared = true;
    const bytes = pieceOf(block, start, this.#meter.frameBytes);
    const end = start + bytes.length;
    if (this.#sent < end) this.#sent = end;
    this.#dropUntil(end);
    return { bytes, start };
  }

  /** Sends again from the position on, or from the first byte that is still there. */
  rewind(position: number): void {
    this.#sent = Math.min(Math.max(position, this.#heldFrom), this.#accepted);
    this.#sending = this.#first;
  }

  /** The audio from the position on that is there, at most so many bytes. */
  *read(position: number, maxBytes: number): Iterable<Uint8Array> {
    let at = Math.max(position, this.#heldFrom);
    const end = Math.min(at + maxBytes, this.#accepted);
    for (let block = this.#first; block !== undefined && at < end; block = block.next) {
      if (endOf(block) <= at) continue;
      block.isShared = true;
      const piece = pieceOf(block, at, end - at);
      at += piece.length;
      yield piece;
    }
  }

  /** Nothing has come for a while: keeps no memory for what may come. */
  trim(): void {
    if (this.#spares.length > 0) this.#spares = [];
  }

  clear(): void {
    this.trim();
    this.#first = this.#last = this.#sending = undefined;
    this.#heldFrom = this.#accepted;
    this.#sent = this.#accepted;
  }

  /** The last block, where a chunk of so many bytes goes on in it; otherwise a new one. */
  #blockFor(bytes: number): Block {
    const last = this.#last;
    if (last !== undefined) {
      const left = last.memory.length - last.used;
      if (left >= bytes || (bytes > WHOLE_CHUNK_BYTES && left >= this.#meter.blockBytes)) return last;
    }
    const memory = this.#spares.pop() ?? new Uint8Array(Math.max(BLOCK_BYTES, this.#meter.blockBytes));
    const block: Block = { memory, start: this.#accepted, used: 0, isShared: false, next: undefined };
    if (last === undefined) this.#first = block;
    else last.next = block;
    this.#last = block;
    this.#sending ??= block;
    return block;
  }

  #dropUntil(position: number): void {
    if (position <= this.#heldFrom) return;
    this.#heldFrom = position;
    let block = this.#first;
    while (block !== undefined && endOf(block) <= position) {
      if (!block.isShared && this.#spares.length < MAX_SPARES) this.#spares.push(block.memory);
      if (block === this.#sending) this.#sending = block.next;
      block = block.next;
    }
    this.#first = block;
    if (block === undefined) this.#last = undefined;
  }
}

function endOf({ start, used }: Block): number {
  return start + used;
}

/** Of a block in which the position lies. */
function pieceOf({ memory, start, used }: Block, position: number, maxBytes: number): Uint8Array {
  const from = position - start;
  return memory.subarray(from, Math.min(used, from + maxBytes));
}
