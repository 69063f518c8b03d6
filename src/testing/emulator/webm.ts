import { MAX_CHANNELS } from './parameters.js';
import { decodeSamples } from './pcm.js';
import { noDecoder, UnreadableAudio } from './unreadable-audio.js';
import {
  elementIds,
  readFloat,
  readUnsigned,
  splitElements,
  takeElement,
  type WebmElement,
} from './webm-elements.js';

/** The audio track of a WebM stream with PCM. */
interface Track {
  readonly number: number;
  readonly sampleRate: number;
  readonly channels: number;
  readonly sample: 'linear16' | 'linear32';
}

/** An audio track that cannot be decoded. */
interface OtherTrack {
  readonly number: number;
  readonly codec: string;
}

export interface WebmReader {
  /** Known once the Tracks element has arrived. */
  readonly format: { readonly sampleRate: number; readonly channels: number } | undefined;
  /** The samples of all blocks that became complete, one array a channel. @throws UnreadableAudio */
  read(bytes: Uint8Array): readonly Int16Array[];
  /** The stream is over. @throws UnreadableAudio if its header was not complete, or the codec is no PCM */
  finish(): void;
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
  let track: Track | OtherTrack | undefined;
  let tracks: ReadonlySet<number> = new Set();

  /** The samples of a block. */
  function readBlock(content: Uint8Array): Uint8Array {
    const [first = 0] = content;
    const number = first & 0x7f;
    // One byte is enough for the track numbers that recorders use.
    if (!track || (first & 0x80) === 0 || !tracks.has(number) || content.byteLength < 4) throw insideBlock();
    if (number !== track.number || !('sample' in track)) return new Uint8Array(0);
    const audio = content.subarray(4);
    const frame = track.channels * (track.sample === 'linear32' ? 4 : 2);
    if (((content[3] ?? 0) & LACING) !== 0 || audio.byteLength % frame !== 0) throw insideBlock();
    return audio;
  }

  function readTracks(content: Uint8Array): void {
    const entries = splitElements(content)
      ?.filter(({ id }) => id === elementIds.trackEntry)
      .map((entry) => splitElements(entry.content) ?? []);
    tracks = new Set(entries?.map((entry) => readUnsigned(entry, elementIds.trackNumber) ?? 0));
    const audio = entries?.find((entry) => readUnsigned(entry, elementIds.trackType) === 2);
    track = audio && audioTrack(audio);
    if (!track) throw new UnreadableAudio('corrupt', 'the WebM header names no valid audio track');
  }

  function accept(id: number, content: Uint8Array, blocks: Uint8Array[]): void {
    if (!ALLOWED[place].has(id)) throw insideBlock();
    if (id === elementIds.ebml) place = 'file';
    if (id === elementIds.segment) place = 'segment';
    if (id === elementIds.cluster) place = 'cluster';
    if (id === elementIds.tracks) readTracks(content);
    if (id === elementIds.simpleBlock || id === elementIds.block) blocks.push(readBlock(content));
  }

  /** The blocks that became complete. */
  function takeBlocks(): Uint8Array[] {
    const blocks: Uint8Array[] = [];
    let offset = 0;
    for (;;) {
      const element = takeElement(unread, offset, ENTERED);
      if (!element) throw insideBlock();
      if (element === 'incomplete') break;
      accept(element.id, element.content, blocks);
      offset = element.next;
    }
    unread = new Uint8Array(unread.subarray(offset));
    return blocks;
  }

  return {
    get format() {
      return track && 'sample' in track
        ? { sampleRate: track.sampleRate, channels: track.channels }
        : undefined;
    },
    read(bytes) {
      unread = unread.byteLength === 0 ? bytes : Buffer.concat([unread, bytes]);
      const blocks = takeBlocks();
      if (track && 'sample' in track) return decodeBlocks(blocks, track);
      // Not before a block has come: only then it is known that the stream goes on behind its header as it must.
      if (track && blocks.length > 0) throw noDecoder(`${track.codec} in WebM`);
      return [];
    },
    finish() {
      if (!track) throw new UnreadableAudio('corrupt', 'the WebM stream ends inside its header');
      if (!('sample' in track)) throw noDecoder(`${track.codec} in WebM`);
    },
  };
}

function insideBlock(): UnreadableAudio {
  return new UnreadableAudio('resumesInside', 'the WebM stream goes on inside a block');
}

/** undefined: the entry is not valid. */
function audioTrack(entry: readonly WebmElement[]): Track | OtherTrack | undefined {
  const number = readUnsigned(entry, elementIds.trackNumber) ?? 0;
  // Texts may be filled up with zeros.
  const [codec = ''] = Buffer.from(contentOf(entry, elementIds.codecId)).toString('latin1').split('\0');
  const audio = splitElements(contentOf(entry, elementIds.audio));
  if (!audio || number < 1 || number > 126) return undefined;
  const sampleRate = readFloat(audio, elementIds.samplingFrequency) ?? 8000;
  const channels = readUnsigned(audio, elementIds.channels) ?? 1;
  if (!(sampleRate > 0) || channels < 1 || channels > MAX_CHANNELS) return undefined;
  const bits = readUnsigned(audio, elementIds.bitDepth);
  if (codec === 'A_PCM/INT/LIT' && bits === 16) return { number, sampleRate, channels, sample: 'linear16' };
  if (codec === 'A_PCM/FLOAT/IEEE' && bits === 32)
    return { number, sampleRate, channels, sample: 'linear32' };
  return { number, codec: codec === 'A_OPUS' ? 'Opus' : codec.replaceAll(/[^\w/]/g, '?').slice(0, 20) };
}

function contentOf(elements: readonly WebmElement[], id: number): Uint8Array {
  return elements.find((element) => element.id === id)?.content ?? new Uint8Array(0);
}

function decodeBlocks(blocks: readonly Uint8Array[], { channels, sample }: Track): Int16Array[] {
  return decodeSamples(Buffer.concat(blocks), { name: sample, channels });
}
