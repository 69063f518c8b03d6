import type { AudioStore, GapReason } from '../contracts/index.js';
import type { AudioFrame, AudioLog } from './audio-log.js';
import type { AudioMap, Cut } from './audio-map.js';
import { OVERLAP_SECONDS } from './repairs.js';
import { Spill } from './spill.js';

/** A failure of the store costs no more than this. */
const SEGMENT_SECONDS = 60;
const SEGMENT_BYTES_WHERE_UNKNOWN = 8 * 1024 * 1024;
/** Bytes that may wait for a store that is slower than the audio. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** A stretch of audio that has left the memory. */
export interface EvictedSegment {
  /** Positions. */
  readonly from: number;
  to: number;
  /** Where it can be understood from. */
  start: Cut | undefined;
  /** The second at which it ends, about. */
  endSeconds: number | undefined;
  readonly spill: Spill | undefined;
  /** Why it was not stored. A store may also fail later. */
  lost: GapReason | undefined;
}

/** Audio that has left the memory before it was final, in order. With a store it goes there. */
export class EvictedAudio {
  readonly #log: AudioLog;
  readonly #map: AudioMap;
  readonly #store: AudioStore | undefined;
  readonly #onTaken: () => void;
  #segments: EvictedSegment[] = [];

  constructor(log: AudioLog, map: AudioMap, store: AudioStore | undefined, onTaken: () => void) {
    this.#log = log;
    this.#map = map;
    this.#store = store;
    this.#onTaken = onTaken;
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0;
  }

  /** Whether the store keeps up, so that so many bytes more may go there. A chunk may be longer than what may wait. */
  keepsUp(bytes: number, chunkBytes: number): boolean {
    if (this.#store === undefined || this.#map.isOpaque || this.#isLosing) return false;
    const waitingBytes = this.#segments.reduce((sum, { spill }) => sum + (spill?.waitingBytes ?? 0), 0);
    return waitingBytes + bytes <= MAX_WAITING_BYTES || (waitingBytes === 0 && bytes <= chunkBytes);
  }

  /** The store does not keep up: what it is being given is lost, and what comes next may not be. */
  giveUp(): void {
    const newest = this.#segments.at(-1);
    if (newest?.spill === undefined) return;
    newest.lost ??= 'store-failed';
    newest.spill.abort();
  }

  /** Takes so many bytes out of the memory, or a little more. */
  take(bytes: number): void {
    const end = this.#log.heldFrom + bytes;
    while (this.#log.heldFrom < end) {
      const frame = this.#log.evict();
      if (frame === undefined) break;
      this.#add(frame);
    }
    this.#noteEnd();
    // A segment that has begun knows its own cut.
    this.#map.forget(this.#log.heldFrom);
  }

  /** What ends before the position is final. */
  drop(position: number): void {
    while (this.#segments[0] !== undefined && this.#segments[0].to <= position) {
      this.#segments.shift()?.spill?.abort();
    }
  }

  dropAll(): void {
    this.drop(Number.POSITIVE_INFINITY);
  }

  /** All of it, whole, with what follows in the memory for the words at the border. */
  finish(): readonly EvictedSegment[] {
    const segments = this.#segments;
    this.#segments = [];
    const evictedTo = segments.at(-1)?.to ?? 0;
    for (const segment of segments) {
      segment.start ??= this.#map.cutAfter(segment.from);
      const { spill } = segment;
      if (!spill?.isOpen) continue;
      const missing = this.#overlapBytes - (evictedTo - segment.to);
      for (const piece of this.#log.read(evictedTo, missing)) spill.write(piece);
      spill.end();
    }
    return segments;
  }

  get #isLosing(): boolean {
    const newest = this.#segments.at(-1);
    return newest !== undefined && (newest.lost !== undefined || newest.spill?.hasFailed === true);
  }

  get #overlapBytes(): number {
    return this.#map.bytesIn(OVERLAP_SECONDS) ?? 0;
  }

  #add(frame: AudioFrame): void {
    const end = frame.start + frame.bytes.length;
    const segment = this.#segmentFor(frame.start);
    segment.to = end;
    segment.spill?.write(frame.bytes);
    const before = this.#segments.at(-2);
    if (!before?.spill?.isOpen) return;
    before.spill.write(frame.bytes);
    if (end - before.to >= this.#overlapBytes) before.spill.end();
  }

  #segmentFor(position: number): EvictedSegment {
    const newest = this.#segments.at(-1);
    if (newest !== undefined && !this.#isWhole(newest)) return newest;
    this.#noteEnd();
    const isStored = this.#store !== undefined && !this.#map.isOpaque;
    const segment: EvictedSegment = {
      from: position,
      to: position,
      start: this.#map.cutAfter(position),
      endSeconds: undefined,
      spill: isStored && this.#store ? new Spill(this.#store, this.#onTaken) : undefined,
      lost: isStored ? undefined : this.#store === undefined ? 'no-room' : 'format',
    };
    this.#segments.push(segment);
    return segment;
  }

  /** Of audio that goes nowhere there is no second segment. */
  #isWhole({ from, to, spill }: EvictedSegment): boolean {
    return (
      spill !== undefined && to - from >= (this.#map.bytesIn(SEGMENT_SECONDS) ?? SEGMENT_BYTES_WHERE_UNKNOWN)
    );
  }

  /** While the map still knows. */
  #noteEnd(): void {
    const newest = this.#segments.at(-1);
    if (newest === undefined) return;
    newest.endSeconds = this.#map.seconds(newest.to);
    newest.start ??= this.#map.cutAfter(newest.from);
  }
}
