import type { BridgeEvent } from '../../contracts/index.js';

const MAX_EVENTS = 5000;
export const MAX_LOG_BYTES = 4_194_304;

export interface LoggedEvent {
  readonly seq: number;
  /** The whole message. */
  readonly text: string;
  readonly bytes: number;
}

/**
 * The events of one session, for browsers that read slowly or come back.
 *
 * An interim goes when its channel has something newer, so at most one of each channel is there. What is left is
 * bounded: the oldest go first, and the last one, which may be a whole transcript, never does.
 */
export class EventLog {
  /** In the order of `seq`. */
  readonly #events: LoggedEvent[] = [];
  readonly #interims = new Map<number, LoggedEvent>();
  #bytes = 0;
  #lastSeq = 0;
  #lostSeq = 0;
  #isClosed = false;

  /** 0: there was none. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** The last event that is gone although it was no interim. */
  get lostSeq(): number {
    return this.#lostSeq;
  }

  /** No more events come. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
  }

  append(event: BridgeEvent): void {
    this.#lastSeq += 1;
    const seq = this.#lastSeq;
    if (event.type === 'interim' || event.type === 'final') this.#supersede(event.channel);
    const text = JSON.stringify({ type: 'event', seq, event });
    const logged = { seq, text, bytes: Buffer.byteLength(text) };
    if (event.type === 'interim') this.#interims.set(event.channel, logged);
    this.#events.push(logged);
    this.#bytes += logged.bytes;
    this.#makeRoom();
  }

  /** The first event after `seq`. */
  next(seq: number): LoggedEvent | undefined {
    return this.#events[this.#indexAfter(seq)];
  }

  bytesAfter(seq: number): number {
    let bytes = 0;
    for (let index = this.#indexAfter(seq); index < this.#events.length; index++) {
      bytes += this.#events[index]?.bytes ?? 0;
    }
    return bytes;
  }

  /** Looks from the end, where readers are. */
  #indexAfter(seq: number): number {
    let index = this.#events.length;
    while (index > 0 && (this.#events[index - 1]?.seq ?? 0) > seq) index -= 1;
    return index;
  }

  #supersede(channel: number): void {
    const interim = this.#interims.get(channel);
    if (interim === undefined) return;
    this.#interims.delete(channel);
    this.#remove(this.#events.lastIndexOf(interim));
  }

  #makeRoom(): void {
    if (!this.#isFull) return;
    for (const channel of [...this.#interims.keys()]) {
      if (this.#interims.get(channel) !== this.#events.at(-1)) this.#supersede(channel);
    }
    while (this.#isFull) this.#lostSeq = this.#remove(0).seq;
  }

  get #isFull(): boolean {
    return this.#events.length > 1 && (this.#events.length > MAX_EVENTS || this.#bytes > MAX_LOG_BYTES);
  }

  #remove(index: number): LoggedEvent {
    const [removed] = this.#events.splice(index, 1) as [LoggedEvent];
    this.#bytes -= removed.bytes;
    return removed;
  }
}
