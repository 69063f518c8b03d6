import type { LiveConnection, LiveControl } from '../contracts/index.js';
import { AudioLog } from './audio-log.js';
import type { AudioMap, Cut } from './audio-map.js';
import type { AudioMeter } from './audio-meter.js';
import { observed } from './deferred.js';
import { Framer } from './framer.js';
import { NEVER_MUCH_BYTES } from './outage.js';
import type { ReplayPacer } from './replay-pacer.js';

/** A message that is sent after the audio before it, and again on the next connection until it is answered. */
interface Control {
  readonly control: LiveControl;
  /** All audio before it leaves first. */
  readonly position: number;
  readonly onSent: () => void;
  readonly isAnswered: () => boolean;
  wasSent: boolean;
}

interface Waiter {
  /** Position in the audio, in bytes, after the chunk that is waited for. */
  readonly end: number;
  /** Its source can wait: it need not go into the store. */
  readonly isPausable: boolean;
  resolve(): void;
  reject(error: Error): void;
}

export interface OutboxHooks {
  /** Bytes that may wait here while there is no connection before a sender has to wait. */
  roomBytes(isPausable: boolean): number;
  /** Audio has left that had to wait. */
  onAudio(): void;
  /** The connection took no more although it had not closed. */
  onBroken(cause: unknown): void;
}

/** Bytes in the connection's own buffer from which on nothing more is written to it. */
const HIGH_WATER_BYTES = 256 * 1024;
/** Of audio that has left. One for all: there is one for every chunk of a microphone. */
const SENT: Promise<void> = Promise.resolve();

/**
 * What is to be sent, in order: audio and control messages. Audio that was sent stays in the log until it is final.
 *
 * A sender whose chunk finds no room waits; one that does not wait makes the log grow.
 */
export class Outbox {
  // The first ones are those that every chunk needs: with hundreds of sessions none of them is in the processor's cache.
  readonly log: AudioLog;
  #connection: LiveConnection | undefined;
  #pacer: ReplayPacer | undefined;
  /** How many control messages were not sent yet. */
  #unsentControls = 0;
  #pumping = false;
  #hasEnded = false;
  #isWhole = true;
  /** Of raw audio. Otherwise 0: each chunk has to be looked at. */
  readonly #blockBytes: number;
  readonly #frameBytes: number;
  #bytesSent = 0;
  readonly framer: Framer;
  readonly #hooks: OutboxHooks;
  readonly #map: AudioMap;
  readonly #isRaw: boolean;
  #controls: Control[] = [];
  #waiters: Waiter[] = [];
  #failure: Error | undefined;

  constructor(meter: AudioMeter, map: AudioMap, hooks: OutboxHooks) {
    this.log = new AudioLog(meter);
    this.framer = new Framer(meter);
    this.#isRaw = meter.isRaw;
    this.#blockBytes = meter.isRaw ? meter.blockBytes : 0;
    this.#frameBytes = meter.frameBytes;
    this.#map = map;
    this.#hooks = hooks;
  }

  get acceptedBytes(): number {
    return this.log.accepted;
  }

  /** Bytes of audio handed to connections, replays included. */
  get sentBytes(): number {
    return this.#bytesSent;
  }

  get queuedBytes(): number {
    return this.log.accepted - this.log.sent;
  }

  /** Sends from the cut on; with a pacer, no faster than that allows. */
  attach(connection: LiveConnection, cut: Cut, pacer: ReplayPacer | undefined): void {
    this.#connection = connection;
    this.#pacer = pacer;
    this.log.rewind(cut.position);
    this.#controls = this.#controls.filter((control) => !control.isAnswered());
    for (const control of this.#controls) control.wasSent = false;
    this.#unsentControls = this.#controls.length;
    if (cut.preamble !== undefined && this.log.accepted > this.log.sent) this.#write(cut.preamble);
    this.pump();
  }

  detach(): void {
    this.#letGo();
    this.#settle();
  }

  /**
   * Sends the chunk at once: what `send()` does, in fewer steps, for nearly every chunk of a microphone. Undefined where
   * something stands in the way; the chunk was not taken then.
   */
  pass(chunk: unknown): Promise<void> | undefined {
    if (!(chunk instanceof Uint8Array) || !this.#isFreeFor(chunk.length)) return undefined;
    this.log.push(chunk);
    if (!this.#writeNow(chunk)) return observed(this.#sent(false));
    this.log.advance(chunk.length);
    return this.log.sent === this.log.accepted ? SENT : observed(this.#sent(false));
  }

  /** Copies whole samples. Settles when they have left or, without a connection, when there is room for them. */
  send(chunk: Uint8Array, isPausable: boolean): Promise<void> {
    const bytes = this.framer.wholeSamples(chunk);
    this.#isWhole = this.framer.heldBytes === 0;
    if (bytes.length === 0) return SENT;
    // The map keeps what it has not understood yet, and the caller may use the chunk again.
    if (!this.#isRaw) this.#map.look(new Uint8Array(bytes));
    this.log.push(bytes);
    return this.#sent(isPausable);
  }

  /** No audio comes any more. */
  end(): void {
    this.#hasEnded = true;
  }

  /** It is sent again on the next connection while `isAnswered()` is false. */
  pushControl(control: LiveControl, onSent: () => void, isAnswered: () => boolean = () => false): void {
    this.#controls.push({ control, position: this.log.accepted, onSent, isAnswered, wasSent: false });
    this.#unsentControls += 1;
    this.pump();
  }

  /** Only where nothing else waits: it says no more than the next audio would, and must not pile up. */
  sendKeepAlive(): void {
    if (this.queuedBytes > 0 || !this.#hasRoom()) return;
    this.#control('KeepAlive');
  }

  /** Writes as much as the connection takes. Called whenever there may be more room. */
  pump(): void {
    // A callback of a message that is being sent may push the next one.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#hasRoom() && this.#sendNext());
    } finally {
      this.#pumping = false;
    }
    if (this.#pacer !== undefined && this.log.sent === this.log.accepted) this.#endReplay();
    if (this.#waiters.length > 0) this.#settle();
  }

  /** Lets go of audio that is final. */
  release(position: number): void {
    this.log.release(position);
    if (this.#waiters.length > 0) this.#settle();
  }

  /** Gives up what has not left. */
  fail(error: Error): void {
    this.#failure = error;
    this.#letGo();
    this.log.clear();
    this.#controls = [];
    this.#unsentControls = 0;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }

  #letGo(): void {
    this.#connection = undefined;
    this.#pacer?.stop();
    this.#pacer = undefined;
  }

  #hasRoom(): boolean {
    return this.#connection !== undefined && this.#connection.bufferedAmount < HIGH_WATER_BYTES;
  }

  #isFreeFor(bytes: number): boolean {
    if (this.#pacer !== undefined || this.#unsentControls > 0 || this.#pumping) return false;
    if (this.#hasEnded || !this.#isWhole || this.#blockBytes === 0) return false;
    if (bytes === 0 || bytes > this.#frameBytes || bytes % this.#blockBytes > 0) return false;
    const { log } = this;
    return log.sent === log.accepted && log.heldBytes < NEVER_MUCH_BYTES && this.#hasRoom();
  }

  /** A callback of the message may push the next one. */
  #writeNow(chunk: Uint8Array): boolean {
    this.#pumping = true;
    try {
      return this.#write(chunk);
    } finally {
      this.#pumping = false;
    }
  }

  #sent(isPausable: boolean): Promise<void> {
    this.pump();
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.queuedBytes === 0 && this.#waiters.length === 0) return SENT;
    return new Promise((resolve, reject) => {
      this.#waiters.push({ end: this.log.accepted, isPausable, resolve, reject });
      this.#settle();
    });
  }

  /** False where there is nothing that may be sent now. */
  #sendNext(): boolean {
    const control = this.#unsentControls > 0 ? this.#controls.find(({ wasSent }) => !wasSent) : undefined;
    if (control !== undefined && control.position <= this.log.sent) return this.#sendControl(control);
    const frame = this.log.peek(control?.position);
    if (frame === undefined || !this.#isInTime(this.log.sent + frame.length)) return false;
    if (!this.#write(frame)) return false;
    this.log.advance(frame.length);
    this.#hooks.onAudio();
    return true;
  }

  #isInTime(end: number): boolean {
    if (this.#pacer === undefined) return true;
    const seconds = this.#map.seconds(end);
    return seconds === undefined || this.#pacer.allows(seconds, () => this.pump());
  }

  #sendControl(control: Control): boolean {
    if (!this.#control(control.control)) return false;
    control.wasSent = true;
    this.#unsentControls -= 1;
    control.onSent();
    return true;
  }

  #write(bytes: Uint8Array): boolean {
    if (this.#connection === undefined) return false;
    // No closure: this runs for every frame.
    try {
      this.#connection.sendAudio(bytes);
    } catch (cause) {
      return this.#broken(cause);
    }
    this.#bytesSent += bytes.length;
    return true;
  }

  #control(control: LiveControl): boolean {
    if (this.#connection === undefined) return false;
    try {
      this.#connection.sendControl(control);
      return true;
    } catch (cause) {
      return this.#broken(cause);
    }
  }

  #broken(cause: unknown): false {
    this.#connection = undefined;
    this.#hooks.onBroken(cause);
    return false;
  }

  #endReplay(): void {
    this.#pacer?.stop();
    this.#pacer = undefined;
  }

  /** While there is a connection a chunk waits until it has left, otherwise until there is room for it. */
  #settle(): void {
    const isLeaving = this.#connection !== undefined && this.#pacer === undefined;
    if (isLeaving && !this.#hasRoom()) return;
    const held = isLeaving ? this.log.sent : this.log.heldFrom;
    for (let waiter = this.#waiters[0]; waiter !== undefined; waiter = this.#waiters[0]) {
      const room = isLeaving ? 0 : this.#hooks.roomBytes(waiter.isPausable);
      if (waiter.end - held > room) return;
      this.#waiters.shift();
      waiter.resolve();
    }
  }
}
