import type { AudioEncoding } from '../contracts/index.js';

/** Bytes of one sample of one channel. */
const SAMPLE_BYTES: Readonly<Record<string, number>> = { linear16: 2, linear32: 4, mulaw: 1, alaw: 1 };

const LONGEST_FRAME_SECONDS = 0.25;
const FRAME_BYTES_WHERE_UNKNOWN = 32 * 1024;

/** A WAV header that has not told its format by then is taken for something else. */
const LONGEST_HEADER_BYTES = 4096;

interface FormatOptions {
  readonly encoding?: AudioEncoding | undefined;
  readonly sample_rate?: number | undefined;
  readonly channels?: number | undefined;
}

/** Knows how many bytes a second of the audio has: from the options, or from a WAV header. */
export class AudioMeter {
  #bytesPerSecond: number | undefined;
  #header: Uint8Array | undefined;
  /** The options tell the format: there is no header. */
  readonly isRaw: boolean;
  /** Bytes that belong together: one sample of each channel. */
  readonly blockBytes: number = 1;
  /** The largest message to send: whole blocks, at most 250 ms where the rate is known. */
  frameBytes = FRAME_BYTES_WHERE_UNKNOWN;

  constructor(options: FormatOptions) {
    const { encoding, sample_rate: sampleRate, channels = 1 } = options;
    this.isRaw = encoding !== undefined;
    if (encoding === undefined) {
      this.#header = new Uint8Array(0);
      return;
    }
    const sampleBytes = SAMPLE_BYTES[encoding];
    if (sampleBytes === undefined || !isPositive(channels)) return;
    this.blockBytes = sampleBytes * channels;
    this.#setRate(isPositive(sampleRate) ? this.blockBytes * sampleRate : undefined);
  }

  /** Undefined where the format does not tell, or has not told yet. */
  get bytesPerSecond(): number | undefined {
    return this.#bytesPerSecond;
  }

  /** The beginning of the audio may still tell. */
  get undecided(): boolean {
    return this.#header !== undefined;
  }

  /** Must see the audio in order, from its first byte. */
  look(bytes: Uint8Array): void {
    if (this.#header === undefined) return;
    const header = concat(this.#header, bytes.subarray(0, LONGEST_HEADER_BYTES));
    const rate = wavByteRate(header);
    if (typeof rate === 'number') this.#setRate(rate);
    const open = rate === 'incomplete' && header.length < LONGEST_HEADER_BYTES;
    this.#header = open ? header : undefined;
  }

  /** Undefined where the rate is unknown. */
  seconds(bytes: number): number | undefined {
    return this.#bytesPerSecond === undefined ? undefined : bytes / this.#bytesPerSecond;
  }

  #setRate(bytesPerSecond: number | undefined): void {
    this.#bytesPerSecond = bytesPerSecond;
    const bytes =
      bytesPerSecond === undefined ? FRAME_BYTES_WHERE_UNKNOWN : bytesPerSecond * LONGEST_FRAME_SECONDS;
    this.frameBytes = Math.max(1, Math.floor(bytes / this.blockBytes)) * this.blockBytes;
  }
}

export function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

/** The byte rate that the `fmt ` chunk names; 'other' where this is no WAV. */
function wavByteRate(header: Uint8Array): number | 'incomplete' | 'other' {
  if (!couldBe(header, 0, 'RIFF') || !couldBe(header, 8, 'WAVE')) return 'other';
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  let at = 12;
  while (at + 8 <= header.length) {
    const size = view.getUint32(at + 4, true);
    if (couldBe(header, at, 'fmt ')) {
      if (at + 20 > header.length) return 'incomplete';
      const rate = view.getUint32(at + 16, true);
      return rate > 0 ? rate : 'other';
    }
    at += 8 + size + (size % 2);
  }
  return 'incomplete';
}

/** True where the bytes that are there already match. */
function couldBe(bytes: Uint8Array, at: number, tag: string): boolean {
  return [...tag].every((character, index) => {
    const byte = bytes[at + index];
    return byte === undefined || byte === character.charCodeAt(0);
  });
}

function isPositive(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value > 0;
}
