import type { FluxChanges, LiveEvent, LiveEventMap, LiveStats, Transcript } from '../contracts/index.js';
import type { AudioChunk } from './audio-bytes.js';
import type { LiveSource } from './byte-source.js';
import type { LiveEvents } from './live-events.js';
import type { LiveControls, PipeOptions } from './session-types.js';
import { toReadable, toWritable } from './web-streams.js';

interface Parts {
  readonly id: string;
  readonly controls: LiveControls;
  readonly events: LiveEvents;
}

/**
 * A live transcription.
 *
 * Iterate over it to read its events, once; they are kept from the first one on. Leaving the loop does not
 * end the transcription. Where it fails, the loop sees `error` and `end` and ends normally, and `finish()`
 * rejects. None of its promises has to be awaited: a failure also comes as an event.
 */
export class LiveTranscription implements AsyncIterable<LiveEvent>, AsyncDisposable {
  /** The library's own id, `live_…`. */
  readonly id: string;
  readonly #controls: LiveControls;
  readonly #events: LiveEvents;
  #writable: WritableStream<AudioChunk> | undefined;
  #readable: ReadableStream<LiveEvent> | undefined;

  /** @internal Use `client.stream()`. */
  constructor(parts: Parts) {
    this.id = parts.id;
    this.#controls = parts.controls;
    this.#events = parts.events;
  }

  /** Settles when the connection is open; rejects where it cannot be opened. */
  get opened(): Promise<void> {
    return this.#controls.opened;
  }

  /** Closing it is `finish()`, aborting it is `abort()`. */
  get writable(): WritableStream<AudioChunk> {
    this.#writable ??= toWritable(this.#controls);
    return this.#writable;
  }

  /** The events as a Web stream. It takes the place of the one loop over them. */
  get readable(): ReadableStream<LiveEvent> {
    this.#readable ??= toReadable(this.#events.feed);
    return this.#readable;
  }

  /** Throws a TranscriptionError with code `live_consumed` the second time. */
  [Symbol.asyncIterator](): AsyncIterator<LiveEvent> {
    return this.#events.feed[Symbol.asyncIterator]();
  }

  on<Type extends LiveEvent['type']>(type: Type, listener: LiveEventMap[Type]): this {
    this.#events.emitter.on(type, listener);
    return this;
  }

  once<Type extends LiveEvent['type']>(type: Type, listener: LiveEventMap[Type]): this {
    this.#events.emitter.once(type, listener);
    return this;
  }

  off<Type extends LiveEvent['type']>(type: Type, listener: LiveEventMap[Type]): this {
    this.#events.emitter.off(type, listener);
    return this;
  }

  /**
   * Sends audio, also before the connection is open. Await it: it settles when there is room for more.
   *
   * The bytes may be used again at once. Rejects with code `live_ended` after `finish()`, with
   * `unsupported_source` where it is handed something else than bytes, and with the session's error.
   */
  send(chunk: AudioChunk): Promise<void> {
    return this.#controls.send(chunk);
  }

  /**
   * Sends a source to its end and then finishes, never more than 1.25 times as fast as it is spoken where the
   * format tells (raw PCM, mu-law, A-law, WAV). Settles when all that is done.
   *
   * One source at a time: a second one is refused with code `live_consumed`. A source that fails ends the
   * session with code `stream_failed`, one without a single byte with `empty_source`, one that was read already
   * with `stream_consumed`, and wrong options with a BadRequestError.
   */
  pipeFrom(source: LiveSource, options: PipeOptions = {}): Promise<void> {
    return this.#controls.pipeFrom(source, options);
  }

  /** Asks for the final results of what was sent so far. Settles when they have come, after 5 s at the latest. */
  finalize(): Promise<void> {
    return this.#controls.finalize();
  }

  /**
   * Flux alone: changes thresholds, terms or language hints while the stream runs, as Deepgram's Configure has them:
   * `{ thresholds: { eot_threshold: 0.8 }, keyterms: ['…'] }`. Settles when Flux has taken them, which hold across
   * reconnects. Rejects where it refuses them, or does not answer within 5 s.
   */
  configure(changes: FluxChanges): Promise<void> {
    return this.#controls.configure({ ...changes });
  }

  /**
   * Sends what is left, waits for the last results and returns the transcript. A source that is being piped is
   * sent to its end first; `stop()` does not wait for it. Every call returns the same promise. Rejects with the
   * session's error, or an AbortedError.
   */
  finish(): Promise<Transcript> {
    return this.#controls.finish();
  }

  /**
   * Stops reading what `pipeFrom()` was given, and then finishes: what was read so far is in the transcript. The
   * way to end a microphone.
   */
  stop(): Promise<Transcript> {
    return this.#controls.stop();
  }

  /** Ends it at once. `finish()` then rejects with an AbortedError that has the reason as its cause. */
  abort(reason?: unknown): void {
    this.#controls.abort(reason);
  }

  /** The transcript of the finals so far. It stays there when the session has failed. */
  partial(): Transcript {
    return this.#controls.partial();
  }

  stats(): LiveStats {
    return this.#controls.stats();
  }

  /** Aborts what has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
  }
}
