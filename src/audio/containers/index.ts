import type { AudioContainer } from '../../contracts/index.js';
import { spells } from './byte-text.js';
import { follow } from './follow.js';
import { OggParser } from './ogg.js';
import { WavParser } from './wav.js';
import { WebmParser } from './webm.js';

const EBML = '\u001aE\u00df\u00a3';
const OGG = 'OggS';
const WAVE_KINDS = ['RIFF', 'RF64', 'BW64'] as const;

/**
 * A follower for the stream that begins with these bytes. It has not seen them yet: push them first.
 * `undecided`: they are too few to tell. undefined: the stream is no WAV, Ogg, WebM or Matroska.
 */
export function createAudioContainer(firstBytes: Uint8Array): AudioContainer | 'undecided' | undefined {
  if (spells(firstBytes, EBML)) return follow(new WebmParser());
  if (spells(firstBytes, OGG)) return follow(new OggParser());
  const isWaveKind = WAVE_KINDS.some((kind) => spells(firstBytes, kind));
  if (isWaveKind && spells(firstBytes, 'WAVE', 8)) return follow(new WavParser());
  return mayBecomeKnown(firstBytes, isWaveKind) ? 'undecided' : undefined;
}

function mayBecomeKnown(bytes: Uint8Array, isWaveKind: boolean): boolean {
  if (isWaveKind)
    return bytes.length < 12 && spells(bytes, 'WAVE'.slice(0, Math.max(0, bytes.length - 8)), 8);
  return [EBML, OGG, ...WAVE_KINDS].some(
    (magic) => bytes.length < magic.length && spells(bytes, magic.slice(0, bytes.length)),
  );
}
