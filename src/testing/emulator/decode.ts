import { corruptAudio } from './answer.js';
import type { RawEncoding } from './parameters.js';
import { decodeSamples } from './pcm.js';
import { readWavHeader } from './wav.js';

export interface DecodedAudio {
  readonly sampleRate: number;
  /** One array a channel, all of the same length, at least one sample each. */
  readonly channels: readonly Int16Array[];
}

/** Decodes a whole recording: raw where `encoding` says so, WAV otherwise. @throws Refusal 400 */
export function decodeRecording(bytes: Uint8Array, encoding: RawEncoding | undefined): DecodedAudio {
  const decoded = encoding ? decodeRaw(bytes, encoding) : decodeWav(bytes);
  if ((decoded.channels[0]?.length ?? 0) === 0) throw corruptAudio();
  return decoded;
}

function decodeRaw(bytes: Uint8Array, encoding: RawEncoding): DecodedAudio {
  return { sampleRate: encoding.sampleRate, channels: decodeSamples(bytes, encoding) };
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
