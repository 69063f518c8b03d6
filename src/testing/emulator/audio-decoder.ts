import { unknownAudio } from './audio-kinds.js';
import { createOggReader } from './ogg.js';
import type { RawEncoding } from './parameters.js';
import { bytesPerFrame, decodeSamples, type SampleLayout } from './pcm.js';
import { UnreadableAudio } from './unreadable-audio.js';
import { readWavHeader } from './wav.js';
import { createWebmReader } from './webm.js';

export interface AudioFormat {
  readonly sampleRate: number;
  readonly channels: number;
}

export interface AudioDecoder {
  /** Known at once for raw audio, for WAV and WebM as soon as the header has arrived. */
  readonly format: AudioFormat | undefined;
  /** Samples a channel; none while the header is incomplete. @throws UnreadableAudio */
  decode(bytes: Uint8Array): readonly Int16Array[];
  /** No more comes. @throws UnreadableAudio if there was no whole header */
  finish(): void;
}

/** Decodes audio that arrives in pieces, which may end anywhere, also inside a sample or the header. */
export function createAudioDecoder(encoding: RawEncoding | undefined): AudioDecoder {
  return encoding ? rawDecoder(encoding, encoding, Number.POSITIVE_INFINITY) : containerDecoder();
}

function rawDecoder(format: AudioFormat, layout: SampleLayout, length: number): AudioDecoder {
  let unfinished: Uint8Array = new Uint8Array(0);
  let left = length;
  return {
    format,
    decode(bytes) {
      const audio = bytes.subarray(0, Math.min(left, bytes.byteLength));
      left -= audio.byteLength;
      const joined = join(unfinished, audio);
      const whole = joined.byteLength - (joined.byteLength % bytesPerFrame(layout));
      unfinished = new Uint8Array(joined.subarray(whole));
      return decodeSamples(joined.subarray(0, whole), layout);
    },
    finish: () => {},
  };
}

/** The first four bytes tell the containers apart. */
function containerDecoder(): AudioDecoder {
  let begin: Uint8Array = new Uint8Array(0);
  let chosen: AudioDecoder | undefined;
  return {
    get format() {
      return chosen?.format;
    },
    decode(bytes) {
      if (chosen) return chosen.decode(bytes);
      begin = join(begin, bytes);
      if (begin.byteLength < 4) return [];
      const all = begin;
      begin = new Uint8Array(0);
      chosen = decoderFor(all);
      return chosen.decode(all);
    },
    finish() {
      if (chosen) chosen.finish();
      else if (begin.byteLength === 0) throw new UnreadableAudio('empty', 'there is none');
      else throw new UnreadableAudio('unknownFormat', `${begin.byteLength} bytes are no audio`);
    },
  };
}

function decoderFor(begin: Uint8Array): AudioDecoder {
  const magic = Buffer.from(begin.subarray(0, 4)).toString('latin1');
  switch (magic) {
    case 'RIFF':
      return wavDecoder();
    case '\u001aE\u00df\u00a3':
      return webmDecoder();
    case 'OggS':
      return oggDecoder();
    default:
      throw unknownAudio(begin);
  }
}

function webmDecoder(): AudioDecoder {
  const reader = createWebmReader();
  return {
    get format() {
      return reader.format;
    },
    decode: (bytes) => reader.read(bytes),
    finish: () => reader.finish(),
  };
}

function oggDecoder(): AudioDecoder {
  const reader = createOggReader();
  return {
    format: undefined,
    decode(bytes) {
      reader.read(bytes);
      return [];
    },
    finish: () => reader.finish(),
  };
}

function wavDecoder(): AudioDecoder {
  let begin: Uint8Array = new Uint8Array(0);
  let samples: AudioDecoder | undefined;
  return {
    get format() {
      return samples?.format;
    },
    decode(bytes) {
      if (samples) return samples.decode(bytes);
      begin = join(begin, bytes);
      const header = readWavHeader(begin);
      if (!header) return [];
      const { sampleRate, layout } = header;
      const format = { sampleRate, channels: layout.channels };
      samples = rawDecoder(format, layout, header.dataLength ?? Number.POSITIVE_INFINITY);
      const audio = begin.subarray(header.dataOffset);
      begin = new Uint8Array(0);
      return samples.decode(audio);
    },
    finish() {
      if (!samples) throw new UnreadableAudio('corrupt', 'the WAV header ends before a data chunk');
    },
  };
}

/** Does not copy where nothing was left over. */
function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  return first.byteLength === 0 ? second : Buffer.concat([first, second]);
}
