import type { RawEncoding } from './parameters.js';

/** How interleaved samples are read from bytes. */
export interface SampleLayout {
  readonly name: RawEncoding['name'];
  readonly channels: number;
}

/** Bytes of one sample of every channel. */
export function bytesPerFrame(layout: SampleLayout): number {
  return layout.channels * (layout.name === 'linear16' ? 2 : 1);
}

/** Decodes interleaved bytes to one array a channel. Bytes of an unfinished frame at the end are left out. */
export function decodeSamples(bytes: Uint8Array, layout: SampleLayout): Int16Array[] {
  const frames = Math.floor(bytes.byteLength / bytesPerFrame(layout));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const channels = Array.from({ length: layout.channels }, () => new Int16Array(frames));
  for (const [index, samples] of channels.entries()) {
    for (let frame = 0; frame < frames; frame += 1) {
      const position = frame * layout.channels + index;
      samples[frame] =
        layout.name === 'linear16' ? view.getInt16(position * 2, true) : decodeMulaw(view.getUint8(position));
    }
  }
  return channels;
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

/** ITU-T G.711 µ-law. */
function decodeMulaw(encoded: number): number {
  const value = ~encoded & 0xff;
  const magnitude = (((value & 0x0f) << 3) + 0x84) << ((value & 0x70) >> 4);
  return (value & 0x80) !== 0 ? 0x84 - magnitude : magnitude - 0x84;
}
