import { corruptAudio } from './answer.js';
import type { RawEncoding } from './parameters.js';
import { decodeSamples } from './pcm.js';
import { readWavHeader } from './wav.js';
import { createWebmReader } from './webm.js';

export interface DecodedAudio {
  readonly sampleRate: number;
  /** One array a channel, all of the same length, at least one sample each. */
  readonly channels: readonly Int16Array[];
}

/** Every WebM file begins so. */
const EBML_MAGIC = [0x1a, 0x45, 0xdf, 0xa3] as const;

/** Whether these bytes, at least four, begin a WebM file. */
export function isWebm(bytes: Uint8Array): boolean {
  return EBML_MAGIC.every((byte, index) => bytes[index] === byte);
}

/**
 * Decodes a whole recording: raw where `encoding` says so, WAV or WebM with PCM otherwise. Compressed audio, which
 * includes all of Ogg, is not decoded. @throws Refusal 400
 */
export function decodeRecording(bytes: Uint8Array, encoding: RawEncoding | undefined): DecodedAudio {
  const decoded = encoding ? decodeRaw(bytes, encoding) : decodeContainer(bytes);
  if ((decoded.channels[0]?.length ?? 0) === 0) throw corruptAudio();
  return decoded;
}

function decodeRaw(bytes: Uint8Array, encoding: RawEncoding): DecodedAudio {
  return { sampleRate: encoding.sampleRate, channels: decodeSamples(bytes, encoding) };
}

function decodeContainer(bytes: Uint8Array): DecodedAudio {
  return isWebm(bytes) ? decodeWebm(bytes) : decodeWav(bytes);
}

function decodeWebm(bytes: Uint8Array): DecodedAudio {
  const reader = createWebmReader();
  const channels = reader.read(bytes);
  if (!channels || !reader.format) throw corruptAudio();
  return { sampleRate: reader.format.sampleRate, channels };
}

function decodeWav(bytes: Uint8Array): DecodedAudio {
  const header = readWavHeader(bytes);
  if (!header || header === 'incomplete') throw corruptAudio();
  // A file that was cut short has less audio than its header says: what is there counts.
  const end = header.dataLength === undefined ? bytes.byteLength : header.dataOffset + header.dataLength;
  const audio = bytes.subarray(header.dataOffset, Math.min(end, bytes.byteLength));
  return {
    sampleRate: header.sampleRate,
    channels: decodeSamples(audio, { name: 'linear16', channels: header.channels }),
  };
}
