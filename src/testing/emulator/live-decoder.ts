import { isWebm } from './decode.js';
import type { RawEncoding } from './parameters.js';
import { bytesPerFrame, decodeSamples, type SampleLayout } from './pcm.js';
import { readWavHeader } from './wav.js';
import { createWebmReader } from './webm.js';

export interface LiveFormat {
  readonly sampleRate: number;
  readonly channels: number;
}

export interface LiveDecoder {
  /** Known at once for raw audio, for WAV and WebM as soon as the header has arrived. */
  readonly format: LiveFormat | undefined;
  /** Samples a channel; none while the header is incomplete. undefined: this is no audio. */
  decode(bytes: Uint8Array): readonly Int16Array[] | undefined;
}

/** Decodes audio that arrives in pieces, which may end anywhere, also inside a sample or the header. */
export function createLiveDecoder(encoding: RawEncoding | undefined): LiveDecoder {
  return encoding ? rawDecoder(encoding, encoding, Number.POSITIVE_INFINITY) : containerDecoder();
}

function rawDecoder(format: LiveFormat, layout: SampleLayout, length: number): LiveDecoder {
  let unfinished: Uint8Array = new Uint8Array(0);
  let left = length;
  return {
    format,
    decode(bytes) {
      const audio = bytes.subarray(0, Math.min(left, bytes.byteLength));
      left -= audio.byteLength;
      const joined = unfinished.byteLength === 0 ? audio : Buffer.concat([unfinished, audio]);
      const whole = joined.byteLength - (joined.byteLength % bytesPerFrame(layout));
      unfinished = new Uint8Array(joined.subarray(whole));
      return decodeSamples(joined.subarray(0, whole), layout);
    },
  };
}

/** The first four bytes tell WebM from WAV. */
function containerDecoder(): LiveDecoder {
  let begin: Uint8Array = new Uint8Array(0);
  let chosen: LiveDecoder | undefined;
  return {
    get format() {
      return chosen?.format;
    },
    decode(bytes) {
      if (chosen) return chosen.decode(bytes);
      begin = Buffer.concat([begin, bytes]);
      if (begin.byteLength < 4) return [];
      chosen = isWebm(begin) ? webmDecoder() : wavDecoder();
      return chosen.decode(begin);
    },
  };
}

function webmDecoder(): LiveDecoder {
  const reader = createWebmReader();
  return {
    get format() {
      return reader.format;
    },
    decode: (bytes) => reader.read(bytes),
  };
}

function wavDecoder(): LiveDecoder {
  let header: Uint8Array = new Uint8Array(0);
  let samples: LiveDecoder | undefined;
  return {
    get format() {
      return samples?.format;
    },
    decode(bytes) {
      if (samples) return samples.decode(bytes);
      header = Buffer.concat([header, bytes]);
      const found = readWavHeader(header);
      if (found === 'incomplete') return [];
      if (!found) return undefined;
      const { sampleRate, channels } = found;
      const layout = { name: 'linear16', channels } as const;
      samples = rawDecoder({ sampleRate, channels }, layout, found.dataLength ?? Number.POSITIVE_INFINITY);
      const audio = header.subarray(found.dataOffset);
      header = new Uint8Array(0);
      return samples.decode(audio);
    },
  };
}
