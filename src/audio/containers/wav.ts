import type { CutPoint } from '../../contracts/index.js';
import { spells, viewOf } from './byte-text.js';
import type { ContainerParser, Taken } from './follow.js';
import { HeaderBytes } from './header-bytes.js';
import { readWavFormat, type WavFormat } from './wav-format.js';

const RIFF_HEAD_BYTES = 12;
const CHUNK_HEAD_BYTES = 8;
const DS64_DATA_SIZE_AT = CHUNK_HEAD_BYTES + 8;
const ANY_LENGTH = 0xffff_ffff;
/** Who writes to a pipe knows no length, and writes 0, the largest one, or one near the largest signed one. */
const LEAST_OF_ANY_LENGTH = 0x7fff_f000;
const SECONDS_BETWEEN_CUTS = 0.02;
/** What follows the audio, as a list of titles, is shorter. With more, the stream is longer than its header says. */
const LONGEST_END_BYTES = 64 * 1024;

/** WAV, as RIFF or with 64-bit sizes (RF64, BW64). The header is always given as RIFF, for audio of any length. */
export class WavParser implements ContainerParser {
  header: Uint8Array | undefined;
  readonly #gathered = new HeaderBytes();
  #format: WavFormat | undefined;
  #longDataSize = 0;
  #started = false;
  #audioStart = 0;
  #audioEnd = Number.POSITIVE_INFINITY;
  #cutsFound = 0;

  get bytesPerSecond(): number | undefined {
    return this.header && this.#format && bytesPerSecond(this.#format);
  }

  take(bytes: Uint8Array, position: number, cuts: CutPoint[]): Taken {
    if (this.header && this.#format) return this.#takeAudio(bytes, position, cuts, this.#format);
    if (!this.#started) return this.#takeRiffHead(bytes);
    if (bytes.length < CHUNK_HEAD_BYTES) return 'incomplete';
    const size = viewOf(bytes).getUint32(4, true);
    return spells(bytes, 'data') ? this.#takeDataHead(bytes, position, size) : this.#takeChunk(bytes, size);
  }

  #takeRiffHead(bytes: Uint8Array): Taken {
    if (bytes.length < RIFF_HEAD_BYTES) return 'incomplete';
    this.#started = true;
    const head = this.#gathered.add(bytes.subarray(0, RIFF_HEAD_BYTES));
    head.set(textBytes('RIFF'));
    viewOf(head).setUint32(4, ANY_LENGTH, true);
    return RIFF_HEAD_BYTES;
  }

  #takeChunk(bytes: Uint8Array, size: number): Taken {
    // Chunks start at even positions: one of odd size is followed by a pad byte.
    const length = CHUNK_HEAD_BYTES + size + (size % 2);
    if (!this.#gathered.hasRoomFor(length)) return 'unknown';
    if (bytes.length < length) return 'incomplete';
    const chunk = this.#gathered.add(bytes.subarray(0, length));
    if (spells(chunk, 'fmt ')) this.#format = readWavFormat(chunk.subarray(CHUNK_HEAD_BYTES));
    if (spells(chunk, 'ds64') && size >= 16) {
      this.#longDataSize = Number(viewOf(chunk).getBigUint64(DS64_DATA_SIZE_AT, true));
      chunk.set(textBytes('JUNK'));
    }
    return length;
  }

  #takeDataHead(bytes: Uint8Array, position: number, size: number): Taken {
    if (!this.#format || !this.#gathered.hasRoomFor(CHUNK_HEAD_BYTES)) return 'unknown';
    const head = this.#gathered.add(bytes.subarray(0, CHUNK_HEAD_BYTES));
    viewOf(head).setUint32(4, ANY_LENGTH, true);
    this.header = this.#gathered.whole();
    this.#audioStart = position + CHUNK_HEAD_BYTES;
    const length = size === ANY_LENGTH ? this.#longDataSize : size < LEAST_OF_ANY_LENGTH ? size : 0;
    if (length > 0) this.#audioEnd = this.#audioStart + length;
    return CHUNK_HEAD_BYTES;
  }

  /** The cut points are at fixed distances, so that they do not depend on the chunks. */
  #takeAudio(bytes: Uint8Array, position: number, cuts: CutPoint[], format: WavFormat): Taken {
    const { blockBytes, blockSamples, sampleRate } = format;
    const blocks = Math.max(1, Math.floor((SECONDS_BETWEEN_CUTS * sampleRate) / blockSamples));
    const distance = blocks * blockBytes;
    const seen = position + bytes.length;
    if (seen > this.#audioEnd + LONGEST_END_BYTES) this.#audioEnd = Number.POSITIVE_INFINITY;
    const end = Math.min(seen, this.#audioEnd);
    for (let at = this.#audioStart + this.#cutsFound * distance; at < end; at += distance) {
      cuts.push({ position: at, seconds: (this.#cutsFound * blocks * blockSamples) / sampleRate });
      this.#cutsFound += 1;
    }
    return bytes.length;
  }
}

function bytesPerSecond({ blockBytes, blockSamples, sampleRate }: WavFormat): number {
  return (blockBytes * sampleRate) / blockSamples;
}

function textBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
