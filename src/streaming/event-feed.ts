import type { LiveEvent } from '../contracts/index.js';
import { TranscriptionError } from '../errors/index.js';

/** Events kept for a consumer that is slow or has not come; beyond it those go that may be missed. */
const MAX_EVENTS = 1000;

/**
 * The events of a session for one consumer, from the first one on.
 *
 * Only interims that a newer one has replaced, and older ones of the events that a consumer can do without, are ever
 * dropped. All others are kept, whatever their number.
 */
export class EventFeed implements AsyncIterable<LiveEvent> {
  #events: LiveEvent[] = [];
  #waiting: ((result: IteratorResult<LiveEvent>) => void)[] = [];
  #consumed = false;
  #closed = false;

  /** Takes the `end` event as the last one. */
  push(event: LiveEvent): void {
    if (this.#closed) return;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#keep(event);
    else waiting({ done: false, value: event });
    if (event.type === 'end') this.#close();
  }

  [Symbol.asyncIterator](): AsyncIterator<LiveEvent> {
    if (this.#consumed) {
      throw new TranscriptionError(
        'The events of a live transcription can be read once. Use on() elsewhere.',
        { code: 'live_consumed' },
      );
    }
    this.#consumed = true;
    return { next: () => this.#next(), return: () => this.#stop() };
  }

  #next(): Promise<IteratorResult<LiveEvent>> {
    const event = this.#events.shift();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The consumer has gone: nothing is kept for it any more. */
  #stop(): Promise<IteratorResult<LiveEvent>> {
    this.#events = [];
    this.#close();
    return Promise.resolve({ done: true, value: undefined });
  }

  #close(): void {
    this.#closed = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve({ done: true, value: undefined });
  }

  #keep(event: Passing | LiveEvent): void {
    if (this.#events.length >= MAX_EVENTS && PASSING.includes(event.type)) {
      const { type, channel } = event as Passing;
      this.#events = (this.#events as Passing[]).filter(
        (kept) => kept.type !== type || kept.channel !== channel,
      ) as LiveEvent[];
    }
    this.#events.push(event as LiveEvent);
  }
}

/** Beyond the bound a new one takes the place of the older ones of its kind. */
const PASSING = ['interim', 'warning', 'speech-start', 'utterance-end'];

interface Passing {
  readonly type: string;
  readonly channel?: number;
}
