import { viewOf } from './byte-text.js';
import { readChildren, readUnsigned } from './ebml.js';
import { OPUS_RATE, opusSamples } from './opus-packet.js';

export interface WebmAudioTrack {
  readonly number: number;
  /** Seconds that a frame lasts, of its first two bytes and its size in bytes. undefined: only times tell. */
  readonly secondsOf: ((begin: Uint8Array, size: number) => number) | undefined;
}

const ids = {
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackType: 0x83,
  codecId: 0x86,
  contentEncodings: 0x6d80,
  audio: 0xe1,
  samplingFrequency: 0xb5,
  channels: 0x9f,
  bitDepth: 0x6264,
  timestampScale: 0x2ad7b1,
} as const;
const AUDIO = 2;
const DEFAULT_TIMESTAMP_SCALE = 1_000_000;
const DEFAULT_SAMPLE_RATE = 8000;

type Children = ReadonlyMap<number, Uint8Array>;

/** The first audio track that a Tracks element names. */
export function readAudioTrack(tracks: Uint8Array): WebmAudioTrack | undefined {
  for (const [id, content] of readChildren(tracks)) {
    const entry: Children = new Map(readChildren(content));
    if (id !== ids.trackEntry || numberIn(entry, ids.trackType) !== AUDIO) continue;
    const number = numberIn(entry, ids.trackNumber);
    if (number !== undefined) return { number, secondsOf: frameSeconds(entry) };
  }
  return undefined;
}

/** Nanoseconds of a tick, of the content of an Info element. */
export function readTimestampScale(info: Uint8Array): number {
  return numberIn(new Map(readChildren(info)), ids.timestampScale) || DEFAULT_TIMESTAMP_SCALE;
}

function frameSeconds(entry: Children): WebmAudioTrack['secondsOf'] {
  // Frames may be stored compressed.
  if (entry.has(ids.contentEncodings)) return undefined;
  // Texts may be filled up with zeros.
  const [codec = ''] = String.fromCharCode(...(entry.get(ids.codecId) ?? []).slice(0, 64)).split('\0');
  if (codec === 'A_OPUS') return (begin) => opusSamples(begin) / OPUS_RATE;
  return codec.startsWith('A_PCM/')
    ? pcmSeconds(new Map(readChildren(entry.get(ids.audio) ?? NONE)))
    : undefined;
}

const NONE = new Uint8Array(0);

function pcmSeconds(audio: Children): WebmAudioTrack['secondsOf'] {
  const sampleRate = floatIn(audio, ids.samplingFrequency) ?? DEFAULT_SAMPLE_RATE;
  const sampleBytes = Math.ceil((numberIn(audio, ids.bitDepth) ?? 0) / 8);
  const bytesPerSecond = sampleRate * sampleBytes * (numberIn(audio, ids.channels) ?? 1);
  return bytesPerSecond > 0 ? (_begin, size) => size / bytesPerSecond : undefined;
}

function numberIn(children: Children, id: number): number | undefined {
  const content = children.get(id);
  return content && readUnsigned(content);
}

function floatIn(children: Children, id: number): number | undefined {
  const content = children.get(id);
  if (content?.length === 4) return viewOf(content).getFloat32(0);
  return content?.length === 8 ? viewOf(content).getFloat64(0) : undefined;
}
