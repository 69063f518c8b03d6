import type { LiveEvent } from '../contracts/index.js';
import { SafeEmitter } from '../internal/safe-emitter.js';
import { EventFeed } from './event-feed.js';

export interface LiveWarning {
  readonly code: string;
  readonly message: string;
  readonly cause?: unknown;
}

/** The events of one session, on their way to the caller. */
export class LiveEvents {
  readonly feed = new EventFeed();
  readonly emitter: SafeEmitter<LiveEvent>;
  readonly #onWarning: ((warning: LiveWarning) => void) | undefined;

  constructor(onWarning: ((warning: LiveWarning) => void) | undefined) {
    this.#onWarning = onWarning;
    this.emitter = new SafeEmitter<LiveEvent>((cause, type) =>
      onWarning?.({
        code: 'listener_failed',
        message: `A listener of the live event ${type} failed.`,
        cause,
      }),
    );
  }

  /** The caller of `openLive()` first: what a listener causes must not reach it before its cause. */
  publish(event: LiveEvent): void {
    if (event.type === 'warning') this.#onWarning?.({ code: event.code, message: event.message });
    this.feed.push(event);
    this.emitter.emit(event);
  }
}
