import { createLiveClient } from 'transcription-client/browser';
import { loudness } from './sources.js';

/** @import { LiveClient, LiveClientEvent, WebSocketConstructor } from 'transcription-client/browser' */
/** @import { Source } from './sources.js' */

/**
 * @typedef {LiveClientEvent
 *   | { readonly type: 'heard', readonly seconds: number, readonly behind: number, readonly level: number }
 *   | { readonly type: 'behind', readonly seconds: number }} SessionEvent
 */

/** A source and the live session that it is sent to, from the start to the last word. */
export class Session {
  #source;
  #live;
  #onEvent;
  /** Seconds of audio so far. */
  #seconds = 0;
  /** Seconds of it that the captions cover. */
  #covered = 0;

  /**
   * @param {{ source: Source, url: string, WebSocket: WebSocketConstructor, onEvent: (event: SessionEvent) => void }} parts
   */
  constructor({ source, url, WebSocket, onEvent }) {
    this.#source = source;
    this.#onEvent = onEvent;
    this.#live = createLiveClient({ url, options: source.format, WebSocket });
    for (const type of /** @type {const} */ (['state', 'latency'])) this.#live.on(type, onEvent);
  }

  /** Settles when all is said and written down. Rejects where the source or the session fails. */
  async run() {
    const events = this.#readEvents();
    try {
      await this.#source.start();
      await this.#sendAudio();
      await this.#live.finish();
    } catch (error) {
      this.#live.abort(error);
      throw error;
    } finally {
      await this.#source.stop();
      await events;
    }
  }

  /** What was said so far is still written down: `run()` tells when. */
  async stop() {
    await this.#source.stop();
  }

  async #sendAudio() {
    const { sample_rate = 1, channels = 1 } = this.#source.format;
    for await (const chunk of this.#source) {
      this.#seconds += chunk.length / (2 * sample_rate * channels);
      this.#onEvent({
        type: 'heard',
        seconds: this.#seconds,
        behind: this.#seconds - this.#covered,
        level: loudness(chunk),
      });
      await this.#live.send(chunk);
    }
  }

  async #readEvents() {
    for await (const event of this.#live) {
      this.#onEvent(event);
      if (event.type !== 'interim' && event.type !== 'final') continue;
      this.#covered = Math.max(this.#covered, event.end);
      // A final waits for a pause, so it comes late by design.
      if (event.type === 'interim') this.#onEvent({ type: 'behind', seconds: this.#seconds - event.end });
    }
  }
}
