import { MAX_CHANNELS } from './parameters.js';
import type { SampleFormat, SampleLayout } from './pcm.js';
import { noDecoder, UnreadableAudio } from './unreadable-audio.js';

/** Where the samples of a WAV file are, and how they are laid out. */
export interface WavHeader {
  readonly sampleRate: number;
  readonly layout: SampleLayout;
  /** Index of the first byte of audio. */
  readonly dataOffset: number;
  /** Bytes of audio; undefined for streams, which run to the end of the input. */
  readonly dataLength: number | undefined;
}

const EXTENSIBLE = 0xfffe;
const UNKNOWN_LENGTH = 0xffffffff;
/** Chunks before the audio may hold cover art; no header is longer than this. */
const MAX_HEADER_BYTES = 1024 * 1024;
/** By `codec tag:bits per sample`. */
const FORMATS: Readonly<Record<string, SampleFormat>> = {
  '1:8': 'unsigned8',
  '1:16': 'linear16',
  '1:24': 'linear24',
  '1:32': 'integer32',
  '3:32': 'linear32',
  '6:8': 'alaw',
  '7:8': 'mulaw',
};

/**
 * Reads the header from the first bytes of a file or stream. undefined: more bytes are needed.
 *
 * @throws UnreadableAudio
 */
export function readWavHeader(bytes: Uint8Array): WavHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!startsLike(view, 0, 'RIFF') || !startsLike(view, 8, 'WAVE')) {
    throw new UnreadableAudio('unknownFormat', 'it begins like no format that is known');
  }
  let format: Pick<WavHeader, 'sampleRate' | 'layout'> | undefined;
  let offset = 12;
  while (offset + 8 <= view.byteLength) {
    const length = view.getUint32(offset + 4, true);
    const body = offset + 8;
    if (startsLike(view, offset, 'data')) {
      if (!format) throw new UnreadableAudio('corrupt', 'the WAV header has no fmt chunk');
      const known = length !== 0 && length !== UNKNOWN_LENGTH;
      return { ...format, dataOffset: body, dataLength: known ? length : undefined };
    }
    if (startsLike(view, offset, 'fmt ')) {
      if (length < 16) throw new UnreadableAudio('corrupt', 'the fmt chunk of the WAV header is too short');
      if (body + length > view.byteLength) return undefined;
      format = readFormat(view, body, length);
    }
    // Chunks start at even positions: one of odd length is followed by a pad byte.
    offset = body + length + (length % 2);
    if (offset > MAX_HEADER_BYTES) throw new UnreadableAudio('corrupt', 'the WAV header has no end');
  }
  return undefined;
}

function readFormat(
  view: DataView,
  offset: number,
  length: number,
): Pick<WavHeader, 'sampleRate' | 'layout'> {
  const tag = view.getUint16(offset, true);
  // The extensible format names its real tag in the first two bytes of a GUID.
  const codec = tag === EXTENSIBLE && length >= 26 ? view.getUint16(offset + 24, true) : tag;
  const channels = view.getUint16(offset + 2, true);
  const sampleRate = view.getUint32(offset + 4, true);
  const bits = view.getUint16(offset + 14, true);
  if (channels === 0 || sampleRate === 0) {
    throw new UnreadableAudio('corrupt', 'the WAV header names no channel or no sample rate');
  }
  if (channels > MAX_CHANNELS) {
    throw new UnreadableAudio('corrupt', `the WAV header names ${channels} channels`);
  }
  const name = FORMATS[`${codec}:${bits}`];
  if (!name) throw noDecoder(`WAV with the codec ${codec} and ${bits} bits`);
  return { sampleRate, layout: { name, channels } };
}

/** Whether the bytes at `offset`, as far as they are there, spell `text`. */
function startsLike(view: DataView, offset: number, text: string): boolean {
  for (let index = 0; index < text.length && offset + index < view.byteLength; index += 1) {
    if (view.getUint8(offset + index) !== text.charCodeAt(index)) return false;
  }
  return true;
}
