import type { IRangeRequestClient } from '@tokenizer/range';
import type { IMetadataEvent } from 'music-metadata';
import { spells } from '../audio/containers/byte-text.js';
import { keepsBitrate } from './mp3-frames.js';
import type { ProbedBytes } from './probed-bytes.js';

/** The packages that know the formats. Rejects where they are not installed. */
export type LoadParser = () => Promise<{
  readonly parseFromTokenizer: typeof import('music-metadata').parseFromTokenizer;
  readonly tokenizer: typeof import('@tokenizer/range').tokenizer;
}>;

export async function loadParser(): ReturnType<LoadParser> {
  // Each awaited within a try block: bundlers then take a package that is not installed for one that need not be.
  try {
    const { parseFromTokenizer } = await import('music-metadata');
    const { tokenizer } = await import('@tokenizer/range');
    return { parseFromTokenizer, tokenizer };
  } catch (cause) {
    throw new Error('The packages music-metadata and @tokenizer/range could not be loaded.', { cause });
  }
}

/** Told by the observer, to leave the parser as soon as it knows. */
class Found {
  readonly seconds: number;

  constructor(seconds: number) {
    this.seconds = seconds;
  }
}

/** The length of what music-metadata knows: MP3, FLAC, WebM, AIFF and others. */
export async function readParsedSeconds(
  bytes: ProbedBytes,
  load: Awaited<ReturnType<LoadParser>>,
): Promise<number | undefined> {
  const start = await endOfTags(bytes);
  const reader = await load.tokenizer(rangesOf(bytes, start), { minimumChunkSize: bytes.blockBytes });
  const peek = reader.peekBuffer.bind(reader);
  // It keeps what it has read, and comes to our bytes only for more.
  reader.peekBuffer = async (...read) => {
    await bytes.pause();
    return peek(...read);
  };
  try {
    const { format } = await load.parseFromTokenizer(reader, { skipCovers: true, observer: leaveWhenKnown });
    const { duration, codecProfile, bitrate = 0 } = format;
    const isReckoned = format.container === 'MPEG' && codecProfile === 'CBR';
    return isReckoned && !(await keepsBitrate(bytes, start, bitrate)) ? undefined : duration;
  } catch (error) {
    if (error instanceof Found) return error.seconds;
    throw error;
  }
}

/** What follows may be all of the audio. In MP3 the first length that is told is not the last word. */
function leaveWhenKnown({ tag, metadata }: IMetadataEvent): void {
  const isLength = tag.type === 'format' && tag.id === 'duration' && typeof tag.value === 'number';
  if (isLength && metadata.format.container !== 'MPEG') throw new Found(tag.value as number);
}

function rangesOf(bytes: ProbedBytes, start: number): IRangeRequestClient {
  const info = { size: bytes.sizeBytes - start, acceptPartialRequests: true };
  return {
    getHeadInfo: async () => info,
    async getResponse(_method, range = [0, 0]) {
      const [first, last] = range;
      return { ...info, arrayBuffer: () => bytes.read(start + first, last - first + 1) };
    },
    abort: () => undefined,
  };
}

const MAX_TAGS = 8;
const TAG_HEAD_BYTES = 10;
const HAS_FOOTER = 0x10;

/** ID3 tags, which may hold pictures, are passed over: they say nothing of the length. */
async function endOfTags(bytes: ProbedBytes): Promise<number> {
  let end = 0;
  for (let tags = 0; tags < MAX_TAGS; tags += 1) {
    const head = await bytes.read(end, TAG_HEAD_BYTES);
    if (head.length < TAG_HEAD_BYTES || !spells(head, 'ID3')) return end;
    const size = head.subarray(6).reduce((sum, byte) => sum * 128 + (byte & 0x7f), 0);
    end += TAG_HEAD_BYTES + size + (((head[5] ?? 0) & HAS_FOOTER) === 0 ? 0 : TAG_HEAD_BYTES);
    if (end >= bytes.sizeBytes) throw new Error('There is nothing behind the tags.');
  }
  return end;
}
