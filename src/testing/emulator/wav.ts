/** Where the samples of a WAV file are. Only 16-bit PCM is read. */
export interface WavHeader {
  readonly sampleRate: number;
  readonly channels: number;
  /** Index of the first byte of audio. */
  readonly dataOffset: number;
  /** Bytes of audio; undefined for streams, which run to the end of the input. */
  readonly dataLength: number | undefined;
}

const PCM = 1;
const EXTENSIBLE = 0xfffe;
const UNKNOWN_LENGTH = 0xffffffff;
/** Chunks before the audio may hold cover art; no header is longer than this. */
const MAX_HEADER_BYTES = 1024 * 1024;

/**
 * Reads the header from the first bytes of a file or stream.
 *
 * Returns `'incomplete'` while more bytes are needed, undefined for anything but 16-bit PCM WAV.
 */
export function readWavHeader(bytes: Uint8Array): WavHeader | 'incomplete' | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!startsLike(view, 0, 'RIFF') || !startsLike(view, 8, 'WAVE')) return undefined;
  let format: { sampleRate: number; channels: number } | undefined;
  let offset = 12;
  while (offset + 8 <= view.byteLength) {
    const length = view.getUint32(offset + 4, true);
    const body = offset + 8;
    if (startsLike(view, offset, 'data')) {
      const known = length !== 0 && length !== UNKNOWN_LENGTH;
      return format && { ...format, dataOffset: body, dataLength: known ? length : undefined };
    }
    if (startsLike(view, offset, 'fmt ')) {
      if (length < 16) return undefined;
      if (body + length > view.byteLength) return 'incomplete';
      format = readFormat(view, body, length);
      if (!format) return undefined;
    }
    // Chunks start at even positions: one of odd length is followed by a pad byte.
    offset = body + length + (length % 2);
    if (offset > MAX_HEADER_BYTES) return undefined;
  }
  return 'incomplete';
}

function readFormat(
  view: DataView,
  offset: number,
  length: number,
): { sampleRate: number; channels: number } | undefined {
  const tag = view.getUint16(offset, true);
  // The extensible format names its real tag in the first two bytes of a GUID.
  const codec = tag === EXTENSIBLE && length >= 26 ? view.getUint16(offset + 24, true) : tag;
  const channels = view.getUint16(offset + 2, true);
  const sampleRate = view.getUint32(offset + 4, true);
  const bitsPerSample = view.getUint16(offset + 14, true);
  if (codec !== PCM || bitsPerSample !== 16 || channels === 0 || sampleRate === 0) return undefined;
  return { sampleRate, channels };
}

/** Whether the bytes at `offset`, as far as they are there, spell `text`. */
function startsLike(view: DataView, offset: number, text: string): boolean {
  for (let index = 0; index < text.length && offset + index < view.byteLength; index += 1) {
    if (view.getUint8(offset + index) !== text.charCodeAt(index)) return false;
  }
  return true;
}
