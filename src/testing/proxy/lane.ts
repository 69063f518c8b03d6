import type { Socket } from 'node:net';
import type { TimerHandle } from '../../contracts/index.js';
import { systemClock } from '../../internal/system-clock.js';
import { type DirectionFaults, type LaneFaults, mergeFaults } from './faults.js';

/** Bytes of one direction, over all connections. */
export interface Traffic {
  received: number;
  sent: number;
}

export interface LaneOptions {
  readonly source: Socket;
  readonly destination: Socket;
  readonly faults: LaneFaults;
  readonly random: () => number;
  readonly traffic: Traffic;
  /** Whether bytes that arrived go on. */
  readonly passes: () => boolean;
  readonly onSent: () => void;
  /** Resets the connection at both ends. */
  readonly reset: () => void;
}

interface Held {
  bytes: Buffer;
  dueMs: number;
}

/** The source is not read while so much is held, so that memory stays bounded. */
const MAX_HELD_BYTES = 262_144;
const MAX_HELD_CHUNKS = 4096;
/** Limited bandwidth is sent in steps of this length, and may catch up by as much after a late timer. */
const STEP_MS = 20;
const DEFAULT_SLICE_GAP_MS = 2;
/** A reader that finds the last bytes and the reset together may take the reset for an end. */
const RESET_AFTER_MS = 50;

/** One direction of one connection. */
export class Lane {
  readonly #options: LaneOptions;
  #faults: LaneFaults;
  #held: Held[] = [];
  #heldBytes = 0;
  #lastDueMs = 0;
  /** When the next piece may go, by bandwidth and slicing. */
  #freeAtMs = 0;
  #resetIn = Number.POSITIVE_INFINITY;
  #ending: { kind: 'end' | 'reset'; dueMs: number } | undefined;
  #finished = false;
  #timer: TimerHandle | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#faults = options.faults;
    if (this.#faults.resetAfterBytes > 0) this.#resetIn = this.#faults.resetAfterBytes;
    const { source, destination } = options;
    source.on('data', (bytes: Buffer) => this.#receive(bytes));
    source.on('end', () => this.#end('end'));
    destination.on('drain', () => this.#pump());
    destination.on('close', () => this.#finish());
  }

  apply(change: DirectionFaults): void {
    this.#faults = mergeFaults(this.#faults, change);
    const { resetAfterBytes } = change;
    if (resetAfterBytes !== undefined) this.#resetIn = resetAfterBytes || Number.POSITIVE_INFINITY;
    if (this.#faults.blackhole) this.#discard();
    const latestDueMs = systemClock.monotonicMs() + this.#faults.latencyMs + this.#faults.jitterMs;
    for (const held of this.#held) held.dueMs = Math.min(held.dueMs, latestDueMs);
    if (this.#ending) this.#ending.dueMs = Math.min(this.#ending.dueMs, latestDueMs);
    this.#lastDueMs = Math.min(this.#lastDueMs, latestDueMs);
    this.#freeAtMs = 0;
    this.#pump();
  }

  /** The source was reset, and so will be the destination. */
  abort(): void {
    // The end of this direction may have been passed on long before.
    if (this.#finished && !this.#faults.blackhole) resetSocket(this.#options.destination);
    else this.#end('reset');
  }

  /** Ends the stream to the destination now. What is held or comes later is swallowed. */
  halfClose(): void {
    // A reset may be under way, and still has to happen.
    if (this.#finished) return;
    this.#options.destination.end();
    this.#finish();
  }

  /** Nothing goes to the destination from now on; what still arrives is swallowed. */
  #finish(): void {
    this.#finished = true;
    this.#timer?.cancel();
    this.#discard();
  }

  #discard(): void {
    this.#held = [];
    this.#heldBytes = 0;
    this.#options.source.resume();
  }

  #receive(bytes: Buffer): void {
    const { traffic, passes, source } = this.#options;
    traffic.received += bytes.length;
    if (this.#finished || this.#faults.blackhole || !passes()) return;
    this.#held.push({ bytes, dueMs: this.#nextDueMs() });
    this.#heldBytes += bytes.length;
    if (this.#isFull()) source.pause();
    this.#pump();
  }

  #isFull(): boolean {
    return this.#heldBytes >= MAX_HELD_BYTES || this.#held.length >= MAX_HELD_CHUNKS;
  }

  #end(kind: 'end' | 'reset'): void {
    this.#ending = { kind, dueMs: this.#nextDueMs() };
    this.#pump();
  }

  #nextDueMs(): number {
    const { latencyMs, jitterMs } = this.#faults;
    const delayMs = latencyMs + (jitterMs > 0 ? jitterMs * this.#options.random() : 0);
    this.#lastDueMs = Math.max(this.#lastDueMs, systemClock.monotonicMs() + delayMs);
    return this.#lastDueMs;
  }

  #pump(): void {
    if (this.#finished) return;
    this.#timer?.cancel();
    let waitMs = 0;
    while (waitMs <= 0 && !this.#finished) waitMs = this.#step(systemClock.monotonicMs());
    if (this.#finished || waitMs === Number.POSITIVE_INFINITY) return;
    // A timer may fire a part of a millisecond early; the next step then waits for the rest.
    this.#timer = systemClock.setTimer(() => this.#pump(), Math.ceil(waitMs));
  }

  /** Sends at most one piece. Returns the milliseconds until the next one; Infinity: an event wakes the lane. */
  #step(now: number): number {
    const { source, destination } = this.#options;
    const ending = this.#faults.blackhole ? undefined : this.#ending;
    // A reset overtakes what waits for bandwidth or for a slow reader.
    const resetInMs = ending?.kind === 'reset' ? ending.dueMs - now : Number.POSITIVE_INFINITY;
    if (resetInMs <= 0) return this.#closeWith(() => resetSocket(destination));
    const first = this.#held[0];
    if (first === undefined) {
      if (ending === undefined) return Number.POSITIVE_INFINITY;
      if (ending.dueMs > now) return ending.dueMs - now;
      return this.#closeWith(() => destination.end());
    }
    if (destination.writableNeedDrain) return resetInMs;
    const waitMs = Math.max(first.dueMs, this.#freeAtMs) - now;
    if (waitMs > 0) return Math.min(waitMs, resetInMs);
    this.#send(first, now);
    if (source.isPaused() && !this.#isFull()) source.resume();
    return 0;
  }

  #closeWith(close: () => void): number {
    close();
    this.#finish();
    return Number.POSITIVE_INFINITY;
  }

  #send(first: Held, now: number): void {
    const { destination, traffic, onSent, reset } = this.#options;
    const piece = first.bytes.subarray(0, this.#pieceBytes());
    if (piece.length === first.bytes.length) this.#held.shift();
    else first.bytes = first.bytes.subarray(piece.length);
    this.#heldBytes -= piece.length;
    this.#freeAtMs = this.#freeAfter(piece.length, now);
    traffic.sent += piece.length;
    this.#resetIn -= piece.length;
    onSent();
    if (this.#resetIn > 0) {
      destination.write(piece);
      return;
    }
    this.#finish();
    destination.write(piece, (error) => {
      if (!error) this.#timer = systemClock.setTimer(reset, RESET_AFTER_MS);
    });
  }

  #pieceBytes(): number {
    const { bytesPerSecond, sliceBytes } = this.#faults;
    const stepBytes = Math.max(1, Math.floor((bytesPerSecond * STEP_MS) / 1000));
    return Math.min(sliceBytes || Infinity, bytesPerSecond ? stepBytes : Infinity, this.#resetIn);
  }

  #freeAfter(bytes: number, now: number): number {
    const { bytesPerSecond, sliceBytes, sliceGapMs } = this.#faults;
    const costMs = bytesPerSecond ? (bytes / bytesPerSecond) * 1000 : 0;
    const byBandwidth = bytesPerSecond ? Math.max(this.#freeAtMs, now - STEP_MS) + costMs : 0;
    const bySlices = sliceBytes ? now + (sliceGapMs || DEFAULT_SLICE_GAP_MS) : 0;
    return Math.max(byBandwidth, bySlices);
  }
}

/** Ends a socket with RST. */
export function resetSocket(socket: Socket): void {
  // The system refuses to reset a socket whose end is on its way out, and Node then never closes it.
  const isEnding = socket.writableEnded && !socket.writableFinished;
  if (socket.connecting || isEnding) socket.destroy();
  else if (!socket.destroyed) socket.resetAndDestroy();
}
