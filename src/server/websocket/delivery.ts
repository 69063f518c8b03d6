import type { Connection } from './connection.js';
import type { EventLog } from './event-log.js';

/** More than this is not handed to the socket: what waits in the log can still be dropped where it is an interim. */
const LOW_WATER_BYTES = 65_536;

/** Brings the events of a session to one connection, as fast as it reads. */
export class Delivery {
  readonly #log: EventLog;
  readonly #connection: Connection;
  readonly #maxBufferedBytes: number;
  /** What was there when the browser came back is no fault of its own. */
  readonly #firstSeq: number;
  #seq: number;

  constructor(log: EventLog, connection: Connection, received: number, maxBufferedBytes: number) {
    this.#log = log;
    this.#connection = connection;
    this.#maxBufferedBytes = maxBufferedBytes;
    this.#firstSeq = log.lastSeq;
    this.#seq = received;
  }

  /** All is handed to the socket, and nothing more comes. */
  get isComplete(): boolean {
    return this.#log.isClosed && this.#seq >= this.#log.lastSeq;
  }

  get isTooSlow(): boolean {
    const since = Math.max(this.#seq, this.#firstSeq);
    return since < this.#log.lastSeq && this.#log.bytesAfter(since) > this.#maxBufferedBytes;
  }

  flush(): void {
    if (this.#log.lostSeq > this.#seq) this.#tellOfLoss();
    const room = Math.min(LOW_WATER_BYTES, this.#maxBufferedBytes);
    while (this.#connection.isOpen && this.#connection.bufferedAmount < room) {
      const next = this.#log.next(this.#seq);
      if (next === undefined) return;
      this.#seq = next.seq;
      this.#connection.sendText(next.text);
    }
  }

  /** It stands in the place of the last one that is gone, so that numbers still only rise. */
  #tellOfLoss(): void {
    this.#seq = this.#log.lostSeq;
    this.#connection.send({
      type: 'event',
      seq: this.#seq,
      event: {
        type: 'warning',
        code: 'events_lost',
        message: 'Events were dropped while this browser was away. The transcript still has all of it.',
      },
    });
  }
}
