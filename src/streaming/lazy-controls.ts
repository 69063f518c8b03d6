import { keepErrors, releaseStream } from '../audio/streams.js';
import type { LiveStats, Transcript } from '../contracts/index.js';
import { toTranscriptionError } from '../errors/index.js';
import { abortError, onAbort } from '../internal/abort.js';
import { bytesOf } from '../internal/bytes.js';
import type { AudioChunk } from './audio-bytes.js';
import { deferred, observed } from './deferred.js';
import { emptyTranscript } from './empty-transcript.js';
import { abortedError, endedError } from './end-errors.js';
import type {
  LiveControls,
  PendingSession,
  PipeOptions,
  SessionFactory,
  StartableSession,
} from './session-types.js';

interface Call {
  run(controls: LiveControls): void;
  refuse(error: Error): void;
}

/**
 * The controls of a session that is being loaded: loading → handed over to the session, or → failed.
 *
 * Calls are kept, and made in their order when the session is there. An abort ends it at once.
 */
export class LazyControls implements LiveControls {
  /** The session, from when all the calls that were kept have been made. First, because every chunk needs it. */
  #controls: LiveControls | undefined;
  readonly #pending: PendingSession;
  readonly #region: string;
  readonly #opened = deferred<void>();
  readonly opened = this.#opened.promise;
  readonly #outcome = deferred<Transcript>();
  readonly outcome = this.#outcome.promise;
  /** Set when the session is there. */
  #session: LiveControls | undefined;
  #calls: Call[] = [];
  #keptBytes = 0;
  #failure: Error | undefined;
  #stopListening: () => void = () => undefined;

  constructor(pending: PendingSession, region: string, load: () => Promise<SessionFactory>) {
    this.#pending = pending;
    this.#region = region;
    // Later, so that the caller can listen first.
    queueMicrotask(() => this.#listen());
    void this.#load(load);
  }

  send(chunk: AudioChunk): Promise<void> {
    if (this.#controls !== undefined) return this.#controls.send(chunk);
    const bytes = this.#failure === undefined ? bytesOf(chunk) : undefined;
    if (bytes === undefined) return this.#later((controls) => controls.send(chunk));
    const copy = new Uint8Array(bytes);
    this.#keptBytes += copy.length;
    return this.#later((controls) => controls.send(copy));
  }

  finalize(): Promise<void> {
    return this.#later((controls) => controls.finalize());
  }

  configure(message: Readonly<Record<string, unknown>>): Promise<void> {
    return this.#later((controls) => controls.configure(message));
  }

  pipeFrom(source: unknown, options: PipeOptions): Promise<void> {
    if (this.#controls !== undefined) return this.#controls.pipeFrom(source, options);
    // It may break before anyone reads it.
    if (typeof source === 'object' && source !== null) keepErrors(source);
    const piped = this.#later((controls) => controls.pipeFrom(source, options));
    piped.catch(() => {
      if (this.#failure !== undefined) void releaseStream(source);
    });
    return piped;
  }

  finish(): Promise<Transcript> {
    void this.#later((controls) => controls.finish());
    return this.outcome;
  }

  stop(): Promise<Transcript> {
    void this.#later((controls) => controls.stop());
    return this.outcome;
  }

  abort(reason?: unknown): void {
    if (this.#session === undefined) this.#fail(abortedError(reason));
    else this.#session.abort(reason);
  }

  partial(): Transcript {
    if (this.#session !== undefined) return this.#session.partial();
    const { transcriptId: id, settings, clock } = this.#pending;
    const { model, language } = settings;
    return emptyTranscript({ id, model, language, region: this.#region }, clock.wallMs());
  }

  stats(): LiveStats {
    if (this.#session !== undefined) return this.#session.stats();
    return {
      state: this.#failure === undefined ? 'connecting' : 'failed',
      bytesSent: 0,
      bytesBuffered: this.#keptBytes,
      finals: 0,
      interims: 0,
      connections: 0,
      bytesHeld: this.#keptBytes,
      gapSeconds: 0,
    };
  }

  #listen(): void {
    const { signal } = this.#pending.settings;
    if (this.#session !== undefined || this.#failure !== undefined) return;
    this.#stopListening = onAbort(signal, () => {
      if (signal !== undefined) this.#fail(abortError(signal));
    });
  }

  async #load(load: () => Promise<SessionFactory>): Promise<void> {
    try {
      const create = await load();
      if (this.#failure === undefined) this.#handOver(create(this.#pending));
    } catch (error) {
      this.#fail(toTranscriptionError(error));
    }
  }

  #handOver({ start, controls }: StartableSession): void {
    this.#stopListening();
    this.#session = controls;
    controls.opened.then(this.#opened.resolve, this.#opened.reject);
    controls.outcome.then(this.#outcome.resolve, this.#outcome.reject);
    start();
    // A listener may call meanwhile: that is made last, and so the audio stays in order.
    for (const call of this.#calls) call.run(controls);
    this.#calls = [];
    this.#controls = controls;
  }

  #later<Value>(run: (controls: LiveControls) => Promise<Value>): Promise<Value> {
    if (this.#controls !== undefined) return run(this.#controls);
    if (this.#failure !== undefined) return observed(Promise.reject(endedError(this.#failure)));
    const result = deferred<Value>();
    this.#calls.push({
      run: (controls) => run(controls).then(result.resolve, result.reject),
      refuse: result.reject,
    });
    return result.promise;
  }

  /** An end before there was a session: what the caller sees is the same. */
  #fail(error: Error): void {
    if (this.#session !== undefined || this.#failure !== undefined) return;
    const { onState, onEvent, onEnd } = this.#pending;
    this.#failure = error;
    this.#stopListening();
    for (const { refuse } of this.#calls.splice(0)) refuse(error);
    this.#keptBytes = 0;
    this.#opened.reject(error);
    onState('failed');
    onEvent({ type: 'error', error });
    onEvent({ type: 'end' });
    const settle = (): void => this.#outcome.reject(error);
    Promise.resolve(onEnd({ error })).then(settle, settle);
  }
}
