import type { LiveConnection, LiveControl } from '../contracts/index.js';

type Item = { readonly audio: Uint8Array } | { readonly control: LiveControl; readonly onSent: () => void };

interface Waiter {
  /** Position in the audio, in bytes, after the chunk that is waited for. */
  readonly end: number;
  resolve(): void;
  reject(error: Error): void;
}

export interface OutboxHooks {
  /** Bytes that may wait here while there is no connection before senders have to wait. */
  roomBytes(): number;
  onAudio(bytes: number): void;
  /** The connection took no more although it had not closed. */
  onBroken(cause: unknown): void;
}

/** Bytes in the connection's own buffer from which on nothing more is written to it. */
const HIGH_WATER_BYTES = 256 * 1024;

/**
 * What is to be sent, in order: audio and control messages.
 *
 * Nothing is dropped. A sender whose chunk finds no room waits; one that does not wait makes the queue grow.
 */
export class Outbox {
  readonly #hooks: OutboxHooks;
  readonly #items: Item[] = [];
  #waiters: Waiter[] = [];
  #connection: LiveConnection | undefined;
  #accepted = 0;
  #left = 0;
  #pumping = false;

  constructor(hooks: OutboxHooks) {
    this.#hooks = hooks;
  }

  /** Bytes of audio taken in since the beginning. */
  get acceptedBytes(): number {
    return this.#accepted;
  }

  /** Bytes of audio handed to connections since the beginning. */
  get sentBytes(): number {
    return this.#left;
  }

  get queuedBytes(): number {
    return this.#accepted - this.#left;
  }

  attach(connection: LiveConnection): void {
    this.#connection = connection;
    this.pump();
  }

  detach(): void {
    this.#connection = undefined;
  }

  /** Settles when the frames have left or, without a connection, when there is room for them. */
  pushAudio(frames: readonly Uint8Array[]): Promise<void> {
    for (const audio of frames) {
      this.#items.push({ audio });
      this.#accepted += audio.length;
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ end: this.#accepted, resolve, reject });
      this.pump();
    });
  }

  pushControl(control: LiveControl, onSent: () => void): void {
    this.#items.push({ control, onSent });
    this.pump();
  }

  /** Only where nothing else waits: it says no more than the next audio would, and must not pile up. */
  pushKeepAlive(): void {
    if (this.#items.length === 0 && this.#hasRoom()) this.pushControl('KeepAlive', () => undefined);
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
    this.#settle();
  }

  /** Gives up what has not left. */
  fail(error: Error): void {
    this.detach();
    this.#items.length = 0;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }

  #hasRoom(): boolean {
    return this.#connection !== undefined && this.#connection.bufferedAmount < HIGH_WATER_BYTES;
  }

  #sendNext(): boolean {
    const item = this.#items[0];
    const connection = this.#connection;
    if (item === undefined || connection === undefined) return false;
    try {
      if ('audio' in item) connection.sendAudio(item.audio);
      else connection.sendControl(item.control);
    } catch (cause) {
      this.detach();
      this.#hooks.onBroken(cause);
      return false;
    }
    this.#items.shift();
    if ('audio' in item) {
      this.#left += item.audio.length;
      this.#hooks.onAudio(item.audio.length);
    } else item.onSent();
    return true;
  }

  #settle(): void {
    if (this.#connection !== undefined && !this.#hasRoom()) return;
    const room = this.#connection === undefined ? this.#hooks.roomBytes() : 0;
    while (this.#waiters[0] !== undefined && this.#waiters[0].end - this.#left <= room) {
      this.#waiters.shift()?.resolve();
    }
  }
}
