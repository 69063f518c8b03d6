import { readFileSync } from 'node:fs';
import { createAudioContainer } from '../../../src/audio/containers/index.js';
import type { AudioContainer, CutPoint } from '../../../src/contracts/index.js';
import { createAudioDecoder } from '../../../src/testing/emulator/audio-decoder.js';
import { createRandom } from '../../../src/testing/emulator/faults-random.js';

/** A stream that an encoder or a browser has made. */
export function readSample(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`samples/${name}`, import.meta.url)));
}

export function containerOf(bytes: Uint8Array): AudioContainer {
  const container = createAudioContainer(bytes);
  if (typeof container !== 'object') throw new Error(`The stream is ${container ?? 'of another format'}.`);
  return container;
}

/** All cut points. Chunks are Buffers, and each is overwritten once it was pushed, as its owner may do. */
export function followStream(
  bytes: Uint8Array,
  chunkSize: () => number,
): { container: AudioContainer; cuts: CutPoint[] } {
  const container = containerOf(bytes);
  const cuts: CutPoint[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const chunk = Buffer.from(bytes.subarray(offset, offset + Math.max(1, chunkSize())));
    offset += chunk.length;
    cuts.push(...container.push(chunk));
    chunk.fill(0xa3);
  }
  return { container, cuts };
}

/** Sizes of all orders, most of them small. */
export function randomSizes(seed: number): () => number {
  const random = createRandom(seed);
  return () => Math.floor(2 ** (random() * 16));
}

/** What a new connection gets after a cut. */
export function resumeAt(bytes: Uint8Array, container: AudioContainer, cut: CutPoint): Uint8Array {
  if (!container.header) throw new Error('The stream has no header.');
  return Buffer.concat([container.header, cut.prefix ?? new Uint8Array(0), bytes.subarray(cut.position)]);
}

export interface Decoded {
  readonly sampleRate: number;
  /** Of each channel, as text of the bytes: quick to compare. */
  from(sample: number): string[];
}

export function decode(bytes: Uint8Array): Decoded {
  const decoder = createAudioDecoder(undefined);
  const channels = decoder.decode(bytes);
  decoder.finish();
  return {
    sampleRate: decoder.format?.sampleRate ?? 0,
    from: (sample) => channels.map((samples) => Buffer.from(samples.slice(sample).buffer).toString('latin1')),
  };
}

/** The samples of speech, or of anything else that never repeats: a cut at a wrong place shows. */
export function unlikeSamples(count: number, seed = 1): Int16Array {
  const random = createRandom(seed);
  return Int16Array.from({ length: count }, () => Math.floor(random() * 65_536) - 32_768);
}
