import { viewOf } from './byte-text.js';

/** How audio is laid out in a WAV file. It may be cut between blocks. */
export interface WavFormat {
  /** For each channel. */
  readonly sampleRate: number;
  readonly blockBytes: number;
  /** Samples of each channel in a block. */
  readonly blockSamples: number;
}

const EXTENSIBLE = 0xfffe;
/** Integer, float, A-law, µ-law: a block holds one sample of each channel. */
const SINGLE_SAMPLES: ReadonlySet<number> = new Set([1, 3, 6, 7]);
/** Microsoft's and IMA's ADPCM and GSM 6.10: the format tells how many samples a block holds. */
const BLOCKS: ReadonlySet<number> = new Set([0x02, 0x11, 0x31]);

/** From the content of a `fmt ` chunk. undefined: it is not known how long its audio lasts. */
export function readWavFormat(content: Uint8Array): WavFormat | undefined {
  if (content.length < 16) return undefined;
  const view = viewOf(content);
  const codec = codecOf(content);
  const sampleRate = view.getUint32(4, true);
  const format = SINGLE_SAMPLES.has(codec)
    ? // Not the block size that the chunk names: some writers get it wrong.
      {
        sampleRate,
        blockBytes: view.getUint16(2, true) * Math.ceil(view.getUint16(14, true) / 8),
        blockSamples: 1,
      }
    : BLOCKS.has(codec) && content.length >= 20
      ? { sampleRate, blockBytes: view.getUint16(12, true), blockSamples: view.getUint16(18, true) }
      : undefined;
  const isValid = format && Object.values(format).every((value) => value > 0);
  return isValid ? format : undefined;
}

/** Whether the codec is one whose blocks last equally long, wherever the rest of the format makes sense. */
export function hasKnownBlocks(content: Uint8Array): boolean {
  const codec = codecOf(content);
  return SINGLE_SAMPLES.has(codec) || BLOCKS.has(codec);
}

function codecOf(content: Uint8Array): number {
  const view = viewOf(content);
  const tag = view.getUint16(0, true);
  // The extensible format names its real tag in the first two bytes of a GUID.
  return tag === EXTENSIBLE && content.length >= 26 ? view.getUint16(24, true) : tag;
}
