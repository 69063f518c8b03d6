import { decodeSamples } from './pcm.js';
import { elementIds, readFloat, readUnsigned, splitElements, takeElement } from './webm-elements.js';

/** The audio track of a WebM stream. Only PCM is decoded. */
interface Track {
  readonly number: number;
  readonly sampleRate: number;
  readonly channels: number;
  readonly sample: 'int16' | 'float32';
}

export interface WebmReader {
  /** Known once the Tracks element has arrived. */
  readonly format: { readonly sampleRate: number; readonly channels: number } | undefined;
  /** The samples of all blocks that became complete, one array a channel. undefined: this is no such WebM. */
  read(bytes: Uint8Array): readonly Int16Array[] | undefined;
}

type Place = 'start' | 'file' | 'segment' | 'cluster';

/** Elements whose content is read as if it stood beside them. Only the first two may be of unknown size. */
const ENTERED: ReadonlySet<number> = new Set([elementIds.segment, elementIds.cluster, elementIds.blockGroup]);
const ANYWHERE = [elementIds.voidElement, elementIds.crc32] as const;
const IN_SEGMENT = [
  ...ANYWHERE,
  elementIds.seekHead,
  elementIds.info,
  elementIds.tracks,
  elementIds.cues,
  elementIds.chapters,
  elementIds.tags,
  elementIds.attachments,
  elementIds.cluster,
] as const;
const IN_CLUSTER = [
  ...IN_SEGMENT,
  elementIds.timestamp,
  elementIds.simpleBlock,
  elementIds.blockGroup,
  elementIds.block,
  elementIds.blockDuration,
  elementIds.referenceBlock,
  elementIds.discardPadding,
  elementIds.position,
  elementIds.previousSize,
] as const;
/** What may follow at each place. A stream that resumes inside a block shows itself by an element that may not. */
const ALLOWED: Readonly<Record<Place, ReadonlySet<number>>> = {
  start: new Set([elementIds.ebml]),
  file: new Set([...ANYWHERE, elementIds.segment]),
  segment: new Set(IN_SEGMENT),
  cluster: new Set(IN_CLUSTER),
};
const LACING = 0x06;

/**
 * Reads WebM as it arrives, cut anywhere, with the unknown sizes that browsers write. The stream must begin with its
 * EBML header, and a block must be of a track that the header names.
 */
export function createWebmReader(): WebmReader {
  let unread: Uint8Array = new Uint8Array(0);
  let place: Place = 'start';
  let tracks: ReadonlySet<number> = new Set();
  let track: Track | undefined;
  let invalid = false;

  /** The samples of a block; undefined: the block is not valid. */
  function readBlock(content: Uint8Array): Uint8Array | undefined {
    const [first = 0] = content;
    const number = first & 0x7f;
    // One byte is enough for the track numbers that recorders use.
    if (!track || (first & 0x80) === 0 || !tracks.has(number) || content.byteLength < 4) return undefined;
    if (number !== track.number) return new Uint8Array(0);
    const audio = content.subarray(4);
    const frame = track.channels * (track.sample === 'float32' ? 4 : 2);
    return ((content[3] ?? 0) & LACING) === 0 && audio.byteLength % frame === 0 ? audio : undefined;
  }

  function readTracks(content: Uint8Array): boolean {
    const entries = splitElements(content)
      ?.filter(({ id }) => id === elementIds.trackEntry)
      .map((entry) => splitElements(entry.content) ?? []);
    tracks = new Set(entries?.map((entry) => readUnsigned(entry, elementIds.trackNumber) ?? 0));
    const audio = entries?.find((entry) => readUnsigned(entry, elementIds.trackType) === 2);
    track = audio && pcmTrack(audio);
    return track !== undefined;
  }

  /** False where the stream is not valid. */
  function accept(id: number, content: Uint8Array, blocks: Uint8Array[]): boolean {
    if (!ALLOWED[place].has(id)) return false;
    if (id === elementIds.ebml) place = 'file';
    if (id === elementIds.segment) place = 'segment';
    if (id === elementIds.cluster) place = 'cluster';
    if (id === elementIds.tracks) return readTracks(content);
    if (id !== elementIds.simpleBlock && id !== elementIds.block) return true;
    const block = readBlock(content);
    if (block) blocks.push(block);
    return block !== undefined;
  }

  return {
    get format() {
      return track && { sampleRate: track.sampleRate, channels: track.channels };
    },
    read(bytes) {
      unread = unread.byteLength === 0 ? bytes : Buffer.concat([unread, bytes]);
      const blocks: Uint8Array[] = [];
      let offset = 0;
      while (!invalid) {
        const element = takeElement(unread, offset, ENTERED);
        if (element === 'incomplete') break;
        invalid = !element || !accept(element.id, element.content, blocks);
        offset = element?.next ?? offset;
      }
      unread = new Uint8Array(unread.subarray(offset));
      if (invalid) return undefined;
      return track ? decodeBlocks(blocks, track) : [];
    },
  };
}

function pcmTrack(entry: NonNullable<ReturnType<typeof splitElements>>): Track | undefined {
  const number = readUnsigned(entry, elementIds.trackNumber) ?? 0;
  const codec = entry.find(({ id }) => id === elementIds.codecId)?.content ?? new Uint8Array(0);
  const audio = splitElements(entry.find(({ id }) => id === elementIds.audio)?.content ?? new Uint8Array(0));
  if (!audio || number < 1 || number > 126) return undefined;
  const sampleRate = readFloat(audio, elementIds.samplingFrequency) ?? 8000;
  const channels = readUnsigned(audio, elementIds.channels) ?? 1;
  const sample = sampleKind(Buffer.from(codec).toString('latin1'), readUnsigned(audio, elementIds.bitDepth));
  if (!sample || !(sampleRate > 0) || channels < 1) return undefined;
  return { number, sampleRate, channels, sample };
}

function sampleKind(codec: string, bits: number | undefined): Track['sample'] | undefined {
  if (codec === 'A_PCM/INT/LIT' && bits === 16) return 'int16';
  return codec === 'A_PCM/FLOAT/IEEE' && bits === 32 ? 'float32' : undefined;
}

function decodeBlocks(blocks: readonly Uint8Array[], { channels, sample }: Track): Int16Array[] {
  const bytes = Buffer.concat(blocks);
  return decodeSamples(sample === 'int16' ? bytes : floatsToInt16(bytes), { name: 'linear16', channels });
}

function floatsToInt16(bytes: Buffer): Uint8Array {
  const samples = Buffer.alloc(bytes.byteLength / 2);
  for (let index = 0; index < bytes.byteLength / 4; index += 1) {
    const value = Math.round(bytes.readFloatLE(index * 4) * 32_768);
    samples.writeInt16LE(Math.max(-32_768, Math.min(32_767, value || 0)), index * 2);
  }
  return samples;
}
