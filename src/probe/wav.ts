import { spells, viewOf } from '../audio/containers/byte-text.js';
import { hasKnownBlocks, readWavFormat, type WavFormat } from '../audio/containers/wav-format.js';
import type { ProbedBytes } from './probed-bytes.js';

interface WavHeader {
  /** The content of its chunk. */
  readonly format: Uint8Array;
  /** Of each channel, as the header counts them; 0 where it does not. */
  readonly samples: number;
  readonly audioBytes: number;
  /** The audio has another size than the header tells, if it tells one. */
  readonly isCutOff: boolean;
}

const RIFF_HEAD_BYTES = 12;
const CHUNK_HEAD_BYTES = 8;
/** Real files have some dozens at most. */
const MAX_CHUNKS = 512;
/** The chunks that tell the length, and how many bytes of them are needed. */
const TOLD_BY: ReadonlyMap<string, number> = new Map([
  ['ds64', 16],
  ['fmt ', 26],
  ['fact', 4],
]);
const UNKNOWN = 0xffff_ffff;
/** What is written where the length is not known yet, as into a pipe: FFmpeg has the first and the last, SoX the other. */
const UNKNOWN_SIZES: ReadonlySet<number> = new Set([0, 0x7fff_f000, UNKNOWN]);

/** RIFF, or with 64-bit sizes. */
export function isWav(begin: Uint8Array): boolean {
  return ['RIFF', 'RF64', 'BW64'].some((name) => spells(begin, name)) && spells(begin, 'WAVE', 8);
}

/** The length by the size of the audio. It goes to the end of the file where its header tells no size, or a larger one. */
export async function readWavSeconds(bytes: ProbedBytes): Promise<number | undefined> {
  const header = await readHeader(bytes);
  if (header === undefined || header.format.length < 16) return undefined;
  const layout = readWavFormat(header.format);
  if (layout !== undefined) return secondsOfBlocks(header, layout);
  return hasKnownBlocks(header.format) ? undefined : secondsOfOther(header);
}

async function readHeader(bytes: ProbedBytes): Promise<WavHeader | undefined> {
  const contents = new Map<string, Uint8Array>();
  let position = RIFF_HEAD_BYTES;
  for (let chunk = 0; chunk < MAX_CHUNKS; chunk += 1) {
    const head = await bytes.read(position, CHUNK_HEAD_BYTES);
    if (head.length < CHUNK_HEAD_BYTES) return undefined;
    const name = String.fromCharCode(...head.subarray(0, 4));
    const size = viewOf(head).getUint32(4, true);
    position += CHUNK_HEAD_BYTES;
    if (name === 'data') return headerOf(contents, size, bytes.sizeBytes - position);
    const needed = TOLD_BY.get(name);
    if (needed !== undefined) contents.set(name, await bytes.read(position, Math.min(size, needed)));
    // Chunks start at even positions: one of odd size is followed by a pad byte.
    position += size + (size % 2);
  }
  throw new Error('There are too many chunks.');
}

function headerOf(
  contents: ReadonlyMap<string, Uint8Array>,
  dataSize: number,
  bytesBehind: number,
): WavHeader | undefined {
  const format = contents.get('fmt ');
  if (format === undefined) return undefined;
  const long = contents.get('ds64') ?? new Uint8Array(0);
  const longSize = long.length < 16 ? 0 : Number(viewOf(long).getBigUint64(8, true));
  const size = longSize > 0 ? longSize : dataSize;
  const isCutOff = UNKNOWN_SIZES.has(size) || size > bytesBehind;
  const fact = contents.get('fact') ?? new Uint8Array(0);
  const samples = fact.length < 4 ? 0 : viewOf(fact).getUint32(0, true);
  return {
    format,
    samples: samples === UNKNOWN ? 0 : samples,
    audioBytes: isCutOff ? bytesBehind : size,
    isCutOff,
  };
}

function secondsOfBlocks({ audioBytes, samples }: WavHeader, layout: WavFormat): number {
  const { blockBytes, blockSamples, sampleRate } = layout;
  const held = (audioBytes / blockBytes) * blockSamples;
  // The last block of ADPCM is filled up, which the number of samples tells. One that is farther off is wrong.
  const isPadded = samples > 0 && Math.abs(held - samples) <= blockSamples;
  return (isPadded ? samples : held) / sampleRate;
}

/** MP3 and others, whose blocks differ, or are not known. */
function secondsOfOther({ format, samples, audioBytes, isCutOff }: WavHeader): number | undefined {
  const view = viewOf(format);
  const sampleRate = view.getUint32(4, true);
  const bytesPerSecond = view.getUint32(8, true);
  if (sampleRate === 0) return undefined;
  if (samples > 0 && !isCutOff) return samples / sampleRate;
  return bytesPerSecond > 0 ? audioBytes / bytesPerSecond : undefined;
}
