import { createAudioDecoder } from './audio-decoder.js';
import type { RawEncoding } from './parameters.js';
import { UnreadableAudio } from './unreadable-audio.js';

export interface DecodedAudio {
  readonly sampleRate: number;
  /** One array a channel, all of the same length, at least one sample each. */
  readonly channels: readonly Int16Array[];
}

/**
 * Decodes a whole recording: raw where `encoding` says so, WAV or WebM with PCM otherwise. A file that was cut short
 * has the audio that is there. @throws UnreadableAudio
 */
export function decodeRecording(bytes: Uint8Array, encoding: RawEncoding | undefined): DecodedAudio {
  const decoder = createAudioDecoder(encoding);
  const channels = decoder.decode(bytes);
  decoder.finish();
  if (!decoder.format || (channels[0]?.length ?? 0) === 0)
    throw new UnreadableAudio('empty', 'there is none');
  return { sampleRate: decoder.format.sampleRate, channels };
}
