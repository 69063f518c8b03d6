import type { CutPoint } from '../../contracts/index.js';
import { viewOf } from './byte-text.js';
import { type ElementHead, readElementHead, readUnsigned, readVariableNumber } from './ebml.js';
import type { ContainerParser, Taken } from './follow.js';
import { HeaderBytes } from './header-bytes.js';
import { readAudioTrack, readTimestampScale, type WebmAudioTrack } from './webm-tracks.js';

const ids = {
  ebml: 0x1a45dfa3,
  segment: 0x18538067,
  info: 0x1549a966,
  tracks: 0x1654ae6b,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  simpleBlock: 0xa3,
  blockGroup: 0xa0,
  block: 0xa1,
} as const;
/** What else may be behind the header: other parts of the segment, and what clusters and block groups hold. */
const PASSED_OVER: ReadonlySet<number> = new Set([
  ...[0x114d9b74, ids.info, ids.tracks, 0x1c53bb6b, 0x1043a770, 0x1254c367, 0x1941a469, 0xec, 0xbf],
  ...[0x5854, 0xa7, 0xab, 0xaf],
  ...[0x75a1, 0xa2, 0x9b, 0xfa, 0xfb, 0xa4, 0x75a2, 0x8e, 0xc8],
]);
/** The number of the track, the time, the flags, and the first two bytes of the frame. */
const BLOCK_HEAD_BYTES = 8 + 2 + 1 + 2;
const LACING = 0x06;

interface Cluster {
  readonly position: number;
  timestamp?: number;
  /** A cluster's head with the same timestamp, for the cut points within this one. */
  prefix?: Uint8Array;
  hasBlocks: boolean;
}

/**
 * WebM and Matroska, live with unknown sizes or from a file. The header is all before the first cluster, with the
 * segment's size unknown. A cut point is at each block of the audio track.
 */
export class WebmParser implements ContainerParser {
  header: Uint8Array | undefined;
  readonly bytesPerSecond = undefined;
  readonly #gathered = new HeaderBytes();
  readonly #clock = new BlockClock();
  #track: WebmAudioTrack | undefined;
  #secondsPerTick = 0.001;
  #cluster: Cluster | undefined;
  #groupPosition = 0;

  take(bytes: Uint8Array, position: number, cuts: CutPoint[]): Taken {
    const head = readElementHead(bytes);
    if (typeof head === 'string') return head;
    if (head.id === ids.cluster) return this.#takeCluster(head, position);
    return this.header ? this.#takeBehindHeader(head, bytes, position, cuts) : this.#takeHeader(head, bytes);
  }

  #takeHeader(head: ElementHead, bytes: Uint8Array): Taken {
    if (head.id === ids.segment) {
      if (!this.#gathered.hasRoomFor(head.length)) return 'unknown';
      markSizeUnknown(this.#gathered.add(bytes.subarray(0, head.length)), head.sizeLength);
      return head.length;
    }
    if (head.size === undefined) return 'unknown';
    const length = head.length + head.size;
    if (!this.#gathered.hasRoomFor(length)) return 'unknown';
    if (bytes.length < length) return 'incomplete';
    const content = this.#gathered.add(bytes.subarray(0, length)).subarray(head.length);
    if (head.id === ids.info) this.#secondsPerTick = readTimestampScale(content) / 1e9;
    if (head.id === ids.tracks) this.#track = readAudioTrack(content);
    return length;
  }

  #takeCluster(head: ElementHead, position: number): Taken {
    if (!this.#track) return 'unknown';
    this.header ??= this.#gathered.whole();
    this.#cluster = { position, hasBlocks: false };
    return head.length;
  }

  #takeBehindHeader(head: ElementHead, bytes: Uint8Array, position: number, cuts: CutPoint[]): Taken {
    const { id, size, length } = head;
    if (size === undefined) return 'unknown';
    switch (id) {
      case ids.timestamp:
        if (size > 8) return 'unknown';
        if (bytes.length < length + size) return 'incomplete';
        if (this.#cluster) this.#cluster.timestamp = readUnsigned(bytes.subarray(length, length + size));
        return length + size;
      case ids.blockGroup:
        this.#groupPosition = position;
        return length;
      case ids.simpleBlock:
      case ids.block: {
        const needed = length + Math.min(size, BLOCK_HEAD_BYTES);
        if (bytes.length < needed) return 'incomplete';
        const start = id === ids.block ? this.#groupPosition : position;
        const isBlock = this.#readBlock(bytes.subarray(length, needed), size, start, cuts);
        return isBlock ? length + size : 'unknown';
      }
      default:
        return PASSED_OVER.has(id) ? length + size : 'unknown';
    }
  }

  /** `begin` is that of the block's content, `start` where the block's element begins. False: it is no block. */
  #readBlock(begin: Uint8Array, size: number, start: number, cuts: CutPoint[]): boolean {
    const cluster = this.#cluster;
    const number = readVariableNumber(begin, 8);
    if (cluster?.timestamp === undefined || typeof number === 'string') return false;
    const frameAt = number.length + 3;
    if (begin.length < frameAt) return false;
    if (number.value === this.#track?.number) {
      const time = cluster.timestamp + viewOf(begin).getInt16(number.length);
      const isLaced = ((begin[frameAt - 1] ?? 0) & LACING) !== 0;
      const duration = isLaced ? undefined : this.#track.secondsOf?.(begin.subarray(frameAt), size - frameAt);
      const seconds = this.#clock.next(time * this.#secondsPerTick, duration);
      cuts.push(cutBefore(cluster, cluster.timestamp, start, seconds));
    }
    cluster.hasBlocks = true;
    return true;
  }
}

/**
 * Tells when blocks are heard. Deepgram counts the audio that it gets, and the clock by which a recorder writes times
 * runs at another speed than the sound card: over hours they differ by tenths of a second. So audio is counted where
 * it is known how much a block holds, and else times are taken.
 */
class BlockClock {
  #seconds = 0;
  #last: { time: number; duration: number | undefined } | undefined;

  /** The second of the audio at which the next block begins, of its time in seconds. */
  next(time: number, duration: number | undefined): number {
    const last = this.#last;
    if (last) this.#seconds += last.duration ?? Math.max(0, time - last.time);
    this.#last = { time, duration };
    return this.#seconds;
  }
}

function cutBefore(cluster: Cluster, timestamp: number, start: number, seconds: number): CutPoint {
  if (!cluster.hasBlocks) return { position: cluster.position, seconds };
  // The times of blocks count from their cluster's: a cluster of the same time has to come before them.
  cluster.prefix ??= clusterHead(timestamp);
  return { position: start, seconds, prefix: cluster.prefix };
}

/** A cluster of unknown size and its timestamp. */
function clusterHead(timestamp: number): Uint8Array {
  const head = new Uint8Array([0x1f, 0x43, 0xb6, 0x75, 0xff, ids.timestamp, 0x88, ...new Uint8Array(8)]);
  viewOf(head).setBigUint64(7, BigInt(timestamp));
  return head;
}

/** All bits of a size that is unknown are set, but for those that mark its length. */
function markSizeUnknown(head: Uint8Array, sizeLength: number): void {
  const at = head.length - sizeLength;
  head.fill(0xff, at);
  head[at] = 0xff >> (sizeLength - 1);
}
