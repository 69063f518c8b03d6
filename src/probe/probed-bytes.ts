import { setImmediate } from 'node:timers/promises';
import { raceAbort, throwIfAborted } from '../internal/abort.js';
import type { RangeReader } from './range-reader.js';

const MAX_BYTES = 512 * 1024;
const READS_IN_A_ROW = 64;

/** What a probe may see of the audio: so many bytes in all, each read once, until the signal aborts. */
export class ProbedBytes {
  readonly #reader: RangeReader;
  readonly #signal: AbortSignal;
  readonly #blocks = new Map<number, Uint8Array>();
  #bytesLeft = MAX_BYTES;
  #reads = 0;

  constructor(reader: RangeReader, signal: AbortSignal) {
    this.#reader = reader;
    this.#signal = signal;
  }

  get sizeBytes(): number {
    return this.#reader.sizeBytes;
  }

  get blockBytes(): number {
    return this.#reader.blockBytes;
  }

  /** Fewer bytes only where the audio ends. Rejects where the probe has seen enough. */
  async read(start: number, length: number): Promise<Uint8Array> {
    await this.pause();
    const end = Math.min(start + length, this.sizeBytes);
    if (!Number.isSafeInteger(start) || start < 0 || end <= start) return new Uint8Array(0);
    if (end - start > MAX_BYTES) throw new Error('The probe would have to read too much.');
    const first = Math.floor(start / this.blockBytes);
    const last = Math.floor((end - 1) / this.blockBytes);
    await this.#load(first, last);
    return this.#collect(start, end, first, last);
  }

  /** To be called by everything that reads, so that hostile audio cannot keep the process busy. */
  async pause(): Promise<void> {
    throwIfAborted(this.#signal);
    this.#reads += 1;
    if (this.#reads % READS_IN_A_ROW === 0) await setImmediate();
  }

  async #load(first: number, last: number): Promise<void> {
    let [from, to] = [first, last];
    while (from <= to && this.#blocks.has(from)) from += 1;
    while (to >= from && this.#blocks.has(to)) to -= 1;
    if (from > to) return;
    const start = from * this.blockBytes;
    const length = Math.min((to + 1) * this.blockBytes, this.sizeBytes) - start;
    if (length > this.#bytesLeft) throw new Error('The probe would have to read too much.');
    this.#bytesLeft -= length;
    const bytes = await raceAbort(this.#reader.read(start, length), this.#signal);
    for (let block = from; block <= to; block += 1) {
      const offset = (block - from) * this.blockBytes;
      this.#blocks.set(block, bytes.subarray(offset, offset + this.blockBytes));
    }
  }

  #collect(start: number, end: number, first: number, last: number): Uint8Array {
    const bytes = new Uint8Array(end - start);
    for (let block = first; block <= last; block += 1) {
      const blockStart = block * this.blockBytes;
      const piece = this.#blocks
        .get(block)
        ?.subarray(Math.max(0, start - blockStart), Math.max(0, end - blockStart));
      if (piece !== undefined) bytes.set(piece, Math.max(0, blockStart - start));
    }
    return bytes;
  }
}
