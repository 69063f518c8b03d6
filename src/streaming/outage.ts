import type { AudioStore, GapReason, LiveEvent } from '../contracts/index.js';
import type { AudioLog } from './audio-log.js';
import type { AudioMap, Cut } from './audio-map.js';
import { EvictedAudio, type EvictedSegment } from './evicted-audio.js';
import type { StoredStretch } from './repairs.js';
import type { Timeline } from './timeline.js';

export interface OutageParts {
  readonly log: AudioLog;
  readonly map: AudioMap;
  readonly timeline: Timeline;
  /** Bytes that are kept in memory. */
  readonly roomBytes: () => number;
  /** Where more is kept. Undefined: it is lost. */
  readonly store: AudioStore | undefined;
  readonly onEvent: (event: LiveEvent) => void;
  readonly onStretch: (stretch: StoredStretch) => void;
  /** There may be room for a sender that waits. */
  readonly onRoom: () => void;
}

interface Gap {
  readonly from: number;
  readonly to: number;
  readonly reason: GapReason;
}

const CHANNELS = 64;
/** Audio that was sent is kept for so much longer than the room is, where nothing becomes final. */
const SENT_FACTOR = 2;
/** Below it nothing has to be admitted while there is a connection. */
export const NEVER_MUCH_BYTES = 256 * 1024;
/** Times that differ by less are the same. */
const ROUNDING_SECONDS = 0.01;
/** Of audio of which nothing is known: MP3 at its most usual rate, 128 kbit/s. */
const USUAL_BYTES_PER_SECOND = 16_000;

/** What becomes of the audio while there is no connection: it stays, goes into the store, or is lost. */
export class Outage {
  readonly #parts: OutageParts;
  readonly #log: AudioLog;
  readonly #evicted: EvictedAudio;
  /**
   * Bytes that may be held: what is there at the begin of an outage stays. Connections that take audio and give nothing
   * are a part of it, and must not make it more.
   */
  #limitBytes: number | undefined;
  #newestBytes = 0;
  #isDown = false;
  /** Of a format that does not tell: by what was heard of it. */
  #bytesPerSecond: number | undefined;
  #gapSeconds = 0;

  constructor(parts: OutageParts) {
    this.#parts = parts;
    this.#log = parts.log;
    this.#evicted = new EvictedAudio(parts.log, parts.map, parts.store, parts.onRoom);
  }

  get gapSeconds(): number {
    return this.#gapSeconds;
  }

  /** Bytes that may be held before a sender has to wait. In an outage it need not while the store keeps up. */
  get roomBytes(): number {
    const room = this.#parts.roomBytes();
    if (!this.#isDown) return room;
    const toStore = this.#log.heldBytes - (this.#limitBytes ?? room);
    return this.#evicted.keepsUp(toStore, this.#newestBytes) ? Number.POSITIVE_INFINITY : room;
  }

  /** The connection is lost. */
  begin(): void {
    if (this.#isDown) return;
    this.#isDown = true;
    const { log, roomBytes } = this.#parts;
    // Later than with the last final is too late: no result tells of what was sent since.
    if (this.#bytesPerSecond === undefined) this.#learnRate();
    this.#limitBytes ??= Math.max(roomBytes(), log.heldBytes);
    this.#makeRoom(log.heldBytes - this.#limitBytes - this.#newestBytes);
  }

  /** Something has become final. */
  progressed(): void {
    this.#limitBytes = undefined;
    this.#learnRate();
    if (this.#evicted.isEmpty) return;
    const { map, timeline } = this.#parts;
    this.#evicted.drop(map.cutBefore(timeline.finalForAll())?.position ?? 0);
  }

  /** So many bytes of audio have come, in one chunk. */
  admit(newBytes: number): void {
    const log = this.#log;
    if (!this.#isDown && log.heldBytes < NEVER_MUCH_BYTES) return;
    const room = this.#parts.roomBytes();
    this.#newestBytes = newBytes;
    if (!this.#isDown) {
      // Was sent, and only a drop that comes now would need it.
      this.#makeRoom(log.sent - log.heldFrom - Math.max(SENT_FACTOR * room, NEVER_MUCH_BYTES));
      return;
    }
    // A sender that waits for its chunks found room for all but the newest one: that one pushes nothing out.
    this.#makeRoom(log.heldBytes - (this.#limitBytes ?? room) - newBytes);
    this.#parts.onRoom();
  }

  /** All that is there leaves the memory: there will be no connection any more. */
  evictAll(): void {
    this.#evicted.take(this.#log.heldBytes);
    this.#tellEvicted(undefined);
  }

  /** Where the next connection begins. */
  end(): Cut {
    this.#isDown = false;
    const { map, log, timeline } = this.#parts;
    if (map.isOpaque) return this.#withoutCut();
    const wanted = map.cutBefore(timeline.finalForAll());
    if (wanted !== undefined && wanted.position >= log.heldFrom) {
      this.#evicted.dropAll();
      return wanted;
    }
    const cut = map.cutAfter(log.heldFrom);
    if (cut === undefined) return this.#withoutCut();
    this.#tellEvicted(cut);
    return cut;
  }

  close(): void {
    this.#evicted.dropAll();
  }

  /** The repair of a stretch has failed. */
  lost(from: number, to: number, reason: GapReason): void {
    this.#tellGap({ from, to, reason });
  }

  #makeRoom(bytes: number): void {
    if (bytes <= 0) return;
    if (!this.#evicted.isEmpty && !this.#evicted.keepsUp(bytes, this.#newestBytes)) this.#evicted.giveUp();
    this.#evicted.take(bytes);
  }

  /** The format cannot be sent again from its middle: what was sent and is not final is lost. */
  #withoutCut(): Cut {
    const { map, log, timeline, store } = this.#parts;
    const position = Math.max(log.sent, log.heldFrom);
    const wasEvicted = !this.#evicted.isEmpty;
    this.#evicted.dropAll();
    const from = timeline.finalForAll();
    const isLost = wasEvicted || position > log.heldFrom;
    const bytesPerSecond = this.#bytesPerSecond ?? USUAL_BYTES_PER_SECOND;
    const seconds = isLost ? Math.max(from, map.seconds(position) ?? position / bytesPerSecond) : from;
    timeline.skipTo(seconds);
    log.release(position);
    if (seconds > from) {
      this.#tellGap({ from, to: seconds, reason: wasEvicted && store === undefined ? 'no-room' : 'format' });
    }
    const { header } = map;
    return { position, seconds, ...(position > 0 && header !== undefined && { preamble: header }) };
  }

  #learnRate(): void {
    const { map, log, timeline } = this.#parts;
    if (map.isOpaque && timeline.latest > 0) this.#bytesPerSecond = log.sent / timeline.latest;
  }

  /** The stretches go on their way first: a listener of the gaps may end the session. */
  #tellEvicted(cut: Cut | undefined): void {
    const { map, log, timeline } = this.#parts;
    const segments = this.#evicted.finish();
    const end = cut?.seconds ?? segments.at(-1)?.endSeconds ?? map.seconds(log.heldFrom) ?? timeline.latest;
    const gaps: Gap[] = [];
    const lose = (to: number, reason: GapReason): void => {
      const from = timeline.finalForAll();
      const last = gaps.at(-1);
      if (last?.to === from && last.reason === reason)
        gaps[gaps.length - 1] = { from: last.from, to, reason };
      else gaps.push({ from, to, reason });
      timeline.skipTo(to);
    };
    const begin = segments[0]?.start?.seconds ?? (segments.length === 0 ? end : 0);
    if (begin > timeline.finalForAll() + ROUNDING_SECONDS) lose(begin, 'no-room');
    for (const [index, segment] of segments.entries()) {
      const next = segments[index + 1];
      const to = next === undefined ? end : (next.start?.seconds ?? end);
      if (to <= timeline.finalForAll()) segment.spill?.abort();
      else if (!this.#keep(segment, to, next === undefined)) lose(to, reasonOf(segment));
    }
    for (const gap of gaps) this.#tellGap(gap);
  }

  /** False where the segment is lost. */
  #keep({ spill, start, from: position, lost }: EvictedSegment, to: number, isLast: boolean): boolean {
    const isLost = lost !== undefined || spill === undefined || spill.hasFailed;
    if (isLost || start === undefined || start.seconds >= to) {
      spill?.abort();
      return false;
    }
    const { timeline, onStretch } = this.#parts;
    const finals = Array.from({ length: CHANNELS }, (_, channel) => timeline.finalUntil(channel));
    const from = timeline.finalForAll();
    timeline.skipTo(to, isLast);
    timeline.addRepair(from, to);
    onStretch({ stored: spill.stored, skippedBytes: start.position - position, start, from, to, finals });
    return true;
  }

  #tellGap({ from, to, reason }: Gap): void {
    this.#gapSeconds += to - from;
    this.#parts.onEvent({ type: 'gap', from, to, reason });
  }
}

function reasonOf({ lost, spill }: EvictedSegment): GapReason {
  return lost ?? (spill?.hasFailed ? 'store-failed' : 'format');
}
