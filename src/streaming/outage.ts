import type { AudioStore, GapReason, LiveEvent } from '../contracts/index.js';
import type { AudioLog } from './audio-log.js';
import type { AudioMap, Cut } from './audio-map.js';
import { OVERLAP_SECONDS, type StoredStretch } from './repairs.js';
import { Spill } from './spill.js';
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
}

const CHANNELS = 64;
/** Audio that was sent is kept for so much longer than the room is, where nothing becomes final. */
const SENT_FACTOR = 2;
/** Below it nothing has to be counted: this is asked for every chunk. */
const NEVER_MUCH_BYTES = 256 * 1024;

/** What becomes of the audio while there is no connection: it stays, goes into the store, or is lost. */
export class Outage {
  readonly #parts: OutageParts;
  readonly #log: AudioLog;
  /**
   * Bytes that may be held: what is there at the begin of an outage stays. Connections that take audio and give nothing
   * are a part of it, and must not make it more.
   */
  #limitBytes: number | undefined;
  #newestBytes = 0;
  #isDown = false;
  /** What has left the memory in this outage. */
  #evicted: { readonly from: number; to: number } | undefined;
  #spill: Spill | undefined;
  #lostReason: GapReason | undefined;
  #gapSeconds = 0;

  constructor(parts: OutageParts) {
    this.#parts = parts;
    this.#log = parts.log;
  }

  get gapSeconds(): number {
    return this.#gapSeconds;
  }

  /** A sender that does not wait need not lose audio. */
  get hasStore(): boolean {
    return this.#parts.store !== undefined;
  }

  /** The connection is lost. */
  begin(): void {
    if (this.#isDown) return;
    this.#isDown = true;
    const { log, roomBytes } = this.#parts;
    this.#limitBytes ??= Math.max(roomBytes(), log.heldBytes);
    this.#makeRoom(this.#limitBytes);
  }

  /** Something has become final. */
  progressed(): void {
    this.#limitBytes = undefined;
  }

  /** So many bytes of audio have come, in one chunk. */
  admit(newBytes: number): void {
    const log = this.#log;
    if (!this.#isDown && log.heldBytes < NEVER_MUCH_BYTES) return;
    const { roomBytes } = this.#parts;
    this.#newestBytes = newBytes;
    if (this.#isDown) {
      this.#makeRoom(this.#limitBytes ?? roomBytes());
      return;
    }
    // Was sent, and only a drop that comes now would need it.
    while (log.sent - log.heldFrom > SENT_FACTOR * roomBytes()) log.evict();
  }

  /** All that is there leaves the memory: there will be no connection any more. */
  evictAll(): void {
    while (this.#parts.log.heldBytes > 0) this.#evict();
    this.#endEviction(undefined);
  }

  /** Where the next connection begins. */
  end(): Cut {
    this.#isDown = false;
    const { map, log, timeline } = this.#parts;
    const wanted = map.cutBefore(timeline.finalForAll());
    if (this.#evicted === undefined && wanted !== undefined) {
      if (wanted.position >= log.heldFrom) return wanted;
      // It left the memory because nothing became final for long.
      this.#evicted = { from: wanted.position, to: log.heldFrom };
      this.#lostReason = 'no-room';
    }
    const cut = map.cutAfter(log.heldFrom);
    if (cut === undefined) return this.#withoutCut();
    this.#endEviction(cut);
    return cut;
  }

  close(): void {
    this.#spill?.abort();
  }

  /** The format cannot be sent again from its middle: what was sent and is not final is lost. */
  #withoutCut(): Cut {
    const { map, log, timeline } = this.#parts;
    const position = Math.max(log.sent, log.heldFrom);
    const from = timeline.finalForAll();
    const seconds = map.seconds(position) ?? timeline.latest;
    if (position > 0 && seconds > from) this.#tellGap(from, seconds, 'format');
    this.#evicted = undefined;
    timeline.skipTo(seconds);
    return { position, seconds };
  }

  /** A sender that waits for its chunks found room for all but the newest one: that one pushes nothing out. */
  #makeRoom(limitBytes: number): void {
    while (this.#parts.log.heldBytes > limitBytes + this.#newestBytes) this.#evict();
  }

  #evict(): void {
    const { log, store } = this.#parts;
    const frame = log.evict();
    if (frame === undefined) return;
    const end = frame.start + frame.bytes.length;
    if (this.#evicted === undefined) this.#evicted = { from: frame.start, to: end };
    else this.#evicted.to = end;
    if (store === undefined) {
      this.#lostReason = 'no-room';
      return;
    }
    if (this.#lostReason !== undefined) return;
    this.#spill ??= new Spill(store);
    if (!this.#spill.write(frame.bytes)) this.#lostReason = 'store-failed';
  }

  #endEviction(cut: Cut | undefined): void {
    const evicted = this.#evicted;
    const spill = this.#spill;
    const reason = this.#lostReason;
    this.#evicted = this.#spill = this.#lostReason = undefined;
    if (evicted === undefined) return;
    const { log, map, timeline } = this.#parts;
    const finals = Array.from({ length: CHANNELS }, (_, channel) => timeline.finalUntil(channel));
    const from = timeline.finalForAll();
    const to = cut?.seconds ?? map.seconds(evicted.to) ?? timeline.latest;
    const start = map.cutAfter(evicted.from);
    if (spill === undefined || reason !== undefined || start === undefined) {
      spill?.abort();
      timeline.skipTo(to);
      if (to > from) this.#tellGap(from, to, reason ?? 'format');
      return;
    }
    timeline.skipTo(to, true);
    for (const piece of log.read(evicted.to, map.bytesIn(OVERLAP_SECONDS))) spill.write(piece);
    this.#parts.onStretch({
      stored: spill.end(),
      skippedBytes: start.position - evicted.from,
      start,
      from,
      to,
      finals,
    });
  }

  #tellGap(from: number, to: number, reason: GapReason): void {
    this.#gapSeconds += to - from;
    this.#parts.onEvent({ type: 'gap', from, to, reason });
  }

  /** The repair of a stretch has failed. */
  lost(from: number, to: number, reason: GapReason): void {
    this.#tellGap(from, to, reason);
  }
}
