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
  #parts;
  /** Seconds of audio so far. */
  #seconds = 0;
  /** Seconds of it that the captions cover. */
  #covered = 0;

  /**
   * @param {{ source: Source, url: string, WebSocket: WebSocketConstructor, onEvent: (event: SessionEvent) => void }} parts
   */
  constructor(parts) {
    this.#parts = parts;
  }

  /** Settles when all is said and written down. Rejects where the source or the session fails. */
  async run() {
    const { source, url, WebSocket, onEvent } = this.#parts;
    // Where the microphone is refused, no session is opened.
    await source.start();
    const live = createLiveClient({ url, options: source.format, WebSocket });
    for (const type of /** @type {const} */ (['state', 'latency'])) live.on(type, onEvent);
    const events = this.#readEvents(live);
    try {
      await this.#sendAudio(live);
      await live.finish();
    } catch (error) {
      live.abort(error);
      throw error;
    } finally {
      await source.stop();
      await events;
    }
  }

  /** What was said so far is still written down: `run()` tells when. */
  async stop() {
    await this.#parts.source.stop();
  }

  /**
   * @param {LiveClient} live
   */
  async #sendAudio(live) {
    const { source, onEvent } = this.#parts;
    const { sample_rate = 1, channels = 1 } = source.format;
    for await (const chunk of source) {
      this.#seconds += chunk.length / (2 * sample_rate * channels);
      const behind = this.#seconds - this.#covered;
      onEvent({ type: 'heard', seconds: this.#seconds, behind, level: loudness(chunk) });
      await live.send(chunk);
    }
  }

  /**
   * @param {LiveClient} live
   */
  async #readEvents(live) {
    for await (const event of live) {
      this.#parts.onEvent(event);
      if (event.type !== 'interim' && event.type !== 'final') continue;
      this.#covered = Math.max(this.#covered, event.end);
      // A final waits for a pause, so it comes late by design.
      if (event.type === 'interim')
        this.#parts.onEvent({ type: 'behind', seconds: this.#seconds - event.end });
    }
  }
}
