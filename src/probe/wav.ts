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
  const isLong = !spells(await bytes.read(0, 4), 'RIFF');
  const header = await readHeader(bytes, isLong);
  if (header === undefined || header.format.length < 16) return undefined;
  const layout = readWavFormat(header.format);
  if (layout !== undefined) return secondsOfBlocks(header, layout);
  return hasKnownBlocks(header.format) ? undefined : secondsOfOther(header);
}

async function readHeader(bytes: ProbedBytes, isLong: boolean): Promise<WavHeader | undefined> {
  const contents = new Map<string, Uint8Array>();
  for await (const { name, start, size } of chunksOf(bytes, RIFF_HEAD_BYTES)) {
    if (name === 'data') {
      const header = headerOf(contents, size, bytes.sizeBytes - start);
      return (
        header && { ...header, audioBytes: header.audioBytes + (await laterBytes(bytes, start, header)) }
      );
    }
    const needed = name === 'ds64' && !isLong ? undefined : TOLD_BY.get(name);
    const isFirst = needed !== undefined && !contents.has(name);
    if (isFirst) contents.set(name, await bytes.read(start, Math.min(size, needed)));
  }
  return undefined;
}

/** Audio may come in several pieces. */
async function laterBytes(
  bytes: ProbedBytes,
  start: number,
  { audioBytes, isCutOff }: WavHeader,
): Promise<number> {
  if (isCutOff) return 0;
  let sum = 0;
  for await (const chunk of chunksOf(bytes, evenEnd(start, audioBytes))) {
    if (chunk.name === 'data') sum += Math.min(chunk.size, bytes.sizeBytes - chunk.start);
  }
  return sum;
}

interface Chunk {
  readonly name: string;
  /** Of its content. */
  readonly start: number;
  readonly size: number;
}

/** No more than there may be: what comes behind them stays unknown. */
async function* chunksOf(bytes: ProbedBytes, begin: number): AsyncGenerator<Chunk> {
  let position = begin;
  for (let chunk = 0; chunk < MAX_CHUNKS; chunk += 1) {
    const head = await bytes.read(position, CHUNK_HEAD_BYTES);
    if (head.length < CHUNK_HEAD_BYTES) return;
    const name = String.fromCharCode(...head.subarray(0, 4));
    const size = viewOf(head).getUint32(4, true);
    const start = position + CHUNK_HEAD_BYTES;
    yield { name, start, size };
    position = evenEnd(start, size);
  }
}

/** Chunks start at even positions: one of odd size is followed by a pad byte. */
function evenEnd(start: number, size: number): number {
  return start + size + (size % 2);
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
