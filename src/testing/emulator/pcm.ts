import type { RawEncoding } from './parameters.js';

/** How one sample is written. `linear32` is floating point, as Deepgram names it. All are little-endian. */
export type SampleFormat = RawEncoding['name'] | 'unsigned8' | 'linear24' | 'integer32';

/** How interleaved samples are read from bytes. */
export interface SampleLayout {
  readonly name: SampleFormat;
  readonly channels: number;
}

interface SampleReader {
  readonly bytes: number;
  /** Of any format to 16 bits. */
  readonly read: (view: DataView, offset: number) => number;
}

const READERS: Readonly<Record<SampleFormat, SampleReader>> = {
  linear16: { bytes: 2, read: (view, offset) => view.getInt16(offset, true) },
  linear24: { bytes: 3, read: (view, offset) => view.getInt16(offset + 1, true) },
  integer32: { bytes: 4, read: (view, offset) => view.getInt16(offset + 2, true) },
  linear32: { bytes: 4, read: (view, offset) => floatToInt16(view.getFloat32(offset, true)) },
  unsigned8: { bytes: 1, read: (view, offset) => (view.getUint8(offset) - 128) << 8 },
  mulaw: { bytes: 1, read: (view, offset) => decodeMulaw(view.getUint8(offset)) },
  alaw: { bytes: 1, read: (view, offset) => decodeAlaw(view.getUint8(offset)) },
};

/** Bytes of one sample of every channel. */
export function bytesPerFrame({ name, channels }: SampleLayout): number {
  return channels * READERS[name].bytes;
}

/** Decodes interleaved bytes to one array a channel. Bytes of an unfinished frame at the end are left out. */
export function decodeSamples(bytes: Uint8Array, layout: SampleLayout): Int16Array[] {
  const frameBytes = bytesPerFrame(layout);
  const frames = Math.floor(bytes.byteLength / frameBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { bytes: sampleBytes, read } = READERS[layout.name];
  return Array.from({ length: layout.channels }, (_, channel) => {
    const samples = new Int16Array(frames);
    for (let frame = 0; frame < frames; frame += 1) {
      samples[frame] = read(view, frame * frameBytes + channel * sampleBytes);
    }
    return samples;
  });
}

/** The average of all channels. */
export function mixDown(channels: readonly Int16Array[]): Int16Array {
  const [first] = channels;
  if (!first || channels.length === 1) return first ?? new Int16Array(0);
  return first.map((_, index) => {
    let sum = 0;
    for (const channel of channels) sum += channel[index] ?? 0;
    return Math.round(sum / channels.length);
  });
}

function floatToInt16(value: number): number {
  return Math.max(-32_768, Math.min(32_767, Math.round(value * 32_768) || 0));
}

/** ITU-T G.711 µ-law. */
function decodeMulaw(encoded: number): number {
  const value = ~encoded & 0xff;
  const magnitude = (((value & 0x0f) << 3) + 0x84) << ((value & 0x70) >> 4);
  return (value & 0x80) !== 0 ? 0x84 - magnitude : magnitude - 0x84;
}

/** ITU-T G.711 A-law. */
function decodeAlaw(encoded: number): number {
  // Every second bit travels inverted.
  const value = encoded ^ 0x55;
  const exponent = (value & 0x70) >> 4;
  const mantissa = ((value & 0x0f) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
  return (value & 0x80) !== 0 ? magnitude : -magnitude;
}
