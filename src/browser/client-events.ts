import type { LiveEvent } from '../contracts/index.js';
import { EventFeed } from '../streaming/event-feed.js';
import { Emitter } from './emitter.js';

/** Of the page's own connection. That of the bridge to Deepgram has events of its own. */
export type LiveClientState = 'connecting' | 'open' | 'reconnecting' | 'closed';

export type LiveClientEvent =
  | LiveEvent
  | { readonly type: 'state'; readonly state: LiveClientState }
  /** The way to the bridge and back. Deepgram itself cannot be asked from a page. */
  | { readonly type: 'latency'; readonly milliseconds: number };

export type LiveClientEventOf<Type extends LiveClientEvent['type']> = Extract<
  LiveClientEvent,
  { type: Type }
>;

/**
 * What both clients tell.
 *
 * Iterate over a client to read the session's events, once; they are kept from the first one on. `state` and `latency`
 * come to listeners alone.
 */
export class ClientEvents implements AsyncIterable<LiveEvent> {
  readonly #emitter = new Emitter<LiveClientEvent>();
  readonly #feed = new EventFeed();
  #state: LiveClientState = 'connecting';

  get state(): LiveClientState {
    return this.#state;
  }

  on<Type extends LiveClientEvent['type']>(
    type: Type,
    listener: (event: LiveClientEventOf<Type>) => void,
  ): this {
    this.#emitter.on(type, listener);
    return this;
  }

  off<Type extends LiveClientEvent['type']>(
    type: Type,
    listener: (event: LiveClientEventOf<Type>) => void,
  ): this {
    this.#emitter.off(type, listener);
    return this;
  }

  /** Throws a TranscriptionError with code `live_consumed` the second time. */
  [Symbol.asyncIterator](): AsyncIterator<LiveEvent> {
    return this.#feed[Symbol.asyncIterator]();
  }

  /** @internal */
  protected emit(event: LiveClientEvent): void {
    this.#emitter.emit(event);
  }

  /** @internal */
  protected tell(event: LiveEvent): void {
    this.#feed.push(event);
    this.#emitter.emit(event);
  }

  /** @internal */
  protected enter(state: LiveClientState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#emitter.emit({ type: 'state', state });
  }
}
