import type { SettledStream } from './call-options.js';
import type { CallStatus, Clock, EventSink, StreamOptions, Transcript } from './contracts/index.js';
import type { Engine } from './engine.js';
import { AbortedError, toTranscriptionError } from './errors/index.js';
import { defined } from './internal/defined.js';
import { createId } from './internal/ids.js';
import type { Lazy } from './internal/lazy.js';
import type { StreamFields, StreamRequest } from './stream-request.js';
import { deferred } from './streaming/deferred.js';
import { openLiveLazily } from './streaming/lazy-stream.js';
import type { LiveOutcome, LiveSettings, LiveTranscription } from './streaming/stream.js';

export interface StreamParts {
  readonly engine: Lazy<Engine>;
  readonly clock: Clock;
  readonly emit: EventSink;
}

/** A live session that the client knows of. */
export interface OpenStream {
  readonly live: LiveTranscription;
  /** Settles when the session is over and its transcript is stored. Never rejects. */
  readonly closed: Promise<void>;
}

/** Opens a live session, reports what happens to it, and stores its transcript. */
export function openStream(parts: StreamParts, settled: SettledStream, options: StreamOptions): OpenStream {
  return new StreamCall(parts, settled, options).open();
}

class StreamCall {
  readonly #parts: StreamParts;
  readonly #settled: SettledStream;
  readonly #options: StreamOptions;
  readonly #id = createId('live');
  readonly #closed = deferred<void>();
  readonly #fields: StreamFields;
  #startedAt: number;
  #waitedMs = 0;
  #attempts = 0;
  #settle: (transcript: Transcript | undefined) => void = () => undefined;

  constructor(parts: StreamParts, settled: SettledStream, options: StreamOptions) {
    this.#parts = parts;
    this.#settled = settled;
    this.#options = options;
    this.#startedAt = parts.clock.monotonicMs();
    this.#fields = {
      callId: this.#id,
      mode: 'stream',
      model: settled.model,
      region: settled.region.name,
      ...defined({ userId: options.userId }),
    };
  }

  open(): OpenStream {
    const { clock, emit, engine } = this.#parts;
    emit({ type: 'request-start', source: 'live', ...this.#fields });
    const live = openLiveLazily({
      id: this.#id,
      clock,
      region: this.#settled.region.name,
      options: this.#liveSettings(),
      load: async () => (await engine.get()).prepareStream(this.#request()),
      onState: (state) => emit({ type: 'live', state, ...this.#fields }),
      onWarning: ({ code, message }) => emit({ type: 'warning', code, message, callId: this.#id }),
      onEnd: (outcome) => this.#end(outcome),
    });
    return { live, closed: this.#closed.promise };
  }

  #request(): StreamRequest {
    return {
      settled: this.#settled,
      options: this.#options,
      fields: this.#fields,
      onPassed: (settle) => {
        this.#settle = settle;
      },
      onPlace: (waitedMs) => {
        this.#waitedMs = waitedMs;
        this.#attempts = 1;
        this.#startedAt = this.#parts.clock.monotonicMs();
      },
    };
  }

  /** What has to be known before the session is there. */
  #liveSettings(): LiveSettings {
    const { model, language } = this.#settled;
    return { model, ...defined({ language, signal: this.#options.signal }) };
  }

  async #end({ transcript, error }: LiveOutcome): Promise<void> {
    const { clock, emit, engine } = this.#parts;
    const failure = error === undefined ? undefined : toTranscriptionError(error);
    const requestId = transcript?.requestId ?? failure?.requestId;
    emit({
      type: 'request-end',
      status: statusOf(failure),
      durationMs: clock.monotonicMs() - this.#startedAt,
      waitedMs: this.#waitedMs,
      attempts: this.#attempts,
      ...defined({ audioSeconds: transcript?.durationSeconds, requestId, code: failure?.code }),
      ...this.#fields,
    });
    this.#settle(transcript);
    const { userId, metadata, store = true } = this.#options;
    if (transcript !== undefined && store) {
      const { keep } = await engine.get();
      await keep(transcript, { source: 'live', ...defined({ userId, metadata }) }, undefined);
    }
    this.#closed.resolve();
  }
}

function statusOf(error: Error | undefined): CallStatus {
  if (error === undefined) return 'success';
  return error instanceof AbortedError ? 'cancelled' : 'error';
}
