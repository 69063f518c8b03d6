import type {
  LiveClose,
  LiveConnection,
  LiveEvent,
  LiveState,
  LiveStats,
  Transcript,
} from '../contracts/index.js';
import { toTranscriptionError } from '../errors/index.js';
import { abortError, onAbort } from '../internal/abort.js';
import type { AudioChunk } from './audio-bytes.js';
import { deferred, observed } from './deferred.js';
import { abortedError, endedError } from './end-errors.js';
import { FinishWait } from './finish-wait.js';
import type { Outbox } from './outbox.js';
import {
  BROKEN,
  finishTimedOut,
  incompleteSample,
  isRetryable,
  stalledError,
  UNCONFIRMED_END,
} from './session-errors.js';
import { SessionParts } from './session-parts.js';
import { configure, finalize, sendAudio } from './session-requests.js';
import type { LiveOutcome, LivePlace, SessionDependencies } from './session-types.js';

/**
 * One live transcription: connecting → open ⇄ reconnecting → finishing → ended, or from any of them → failed.
 *
 * `finishing` may begin before the connection is open. After an end nothing is left: timers are cancelled, the
 * connection is closed, the place is given back, waiting calls are settled.
 */
export class LiveSession {
  readonly #dependencies: SessionDependencies;
  readonly #parts: SessionParts;
  readonly #finishWait: FinishWait;
  readonly #opened = deferred<void>();
  /** Settles when the first connection is open. */
  readonly opened = this.#opened.promise;
  readonly #outcome = deferred<Transcript>();
  /** The transcript, or the error. */
  readonly outcome = this.#outcome.promise;
  readonly #over = new AbortController();
  /** Aborts when the session has ended. */
  readonly over = this.#over.signal;
  #state: LiveState = 'connecting';
  #place: LivePlace | undefined;
  /** Over the present connection. */
  #closeStreamSent = false;
  #metadataSeen = false;
  #isCompleting = false;
  #isRetrying = false;
  #stopListening: () => void = () => undefined;

  constructor(dependencies: SessionDependencies) {
    const { settings, clock } = dependencies;
    this.#dependencies = dependencies;
    this.#finishWait = new FinishWait(clock, settings.finishTimeoutMs, () => this.#finishTimedOut());
    this.#parts = new SessionParts(dependencies, this.over, {
      onEvent: (event) => this.#tell(event),
      // Before CloseStream it does not say that everything has come.
      onMetadata: () => {
        this.#metadataSeen ||= this.#closeStreamSent;
      },
      onBroken: (cause) => this.#parts.link.drop(BROKEN, this.#parts.connectionLost(BROKEN, cause)),
      onUp: (connection, index, requestId) => this.#up(connection, index, requestId),
      onAudio: () => this.#leaves(),
      onProgress: () => this.#leaves(),
      onDrain: () => {
        this.#leaves();
        this.#parts.outbox.pump();
      },
      onDown: (close, error, wasOpen) => this.#down(close, error, wasOpen),
      onRetry: (attempt, delayMs) => {
        this.#isRetrying = true;
        this.#tell({ type: 'reconnecting', attempt, delayMs });
      },
      onGivenUp: (close, error) => this.#givenUp(error ?? this.#parts.connectionLost(close)),
    });
  }

  get meter(): SessionParts['meter'] {
    return this.#parts.meter;
  }

  get outbox(): Outbox {
    return this.#parts.outbox;
  }

  get ended(): boolean {
    return this.over.aborted;
  }

  get takesAudio(): boolean {
    return this.#state === 'open' || this.#state === 'connecting' || this.#state === 'reconnecting';
  }

  start(): void {
    if (this.ended) return;
    const { signal } = this.#dependencies.settings;
    this.#dependencies.onState(this.#state);
    this.#stopListening = onAbort(signal, () => {
      if (signal !== undefined) this.fail(abortError(signal));
    });
    if (!this.ended) void this.#begin();
  }

  send(chunk: AudioChunk, isPausable = false): Promise<void> {
    return this.#ask((parts) => sendAudio(parts, chunk, isPausable));
  }

  finalize(): Promise<void> {
    return this.#ask(finalize);
  }

  configure(message: Readonly<Record<string, unknown>>): Promise<void> {
    return this.#ask((parts) => configure(parts, message));
  }

  finish(): Promise<Transcript> {
    if (!this.takesAudio) return this.outcome;
    const { outbox } = this.#parts;
    const { heldBytes } = outbox.framer;
    if (heldBytes > 0) this.warn('incomplete_sample', incompleteSample(heldBytes));
    // A listener may have ended the session, here and after every other event.
    if (this.ended) return this.outcome;
    const wasConnecting = this.#state === 'connecting';
    const silent = outbox.acceptedBytes === 0;
    if (this.#state === 'open' && silent) {
      this.#succeed();
      return this.outcome;
    }
    this.#enter('finishing');
    if (this.ended) return this.outcome;
    // Without audio only the opening is left to wait for: it tells whether the credentials are right.
    if (!wasConnecting || silent) this.#finishWait.restart();
    if (silent) return this.outcome;
    outbox.pushControl('CloseStream', () => {
      this.#finishWait.restart();
      this.#closeStreamSent = true;
      this.#parts.keepAlive.stop();
    });
    return this.outcome;
  }

  /** Ends the session with the error. What was understood so far stays in `partial()`. */
  fail(error: Error): void {
    if (this.ended) return;
    this.#cleanUp(error);
    this.#enter('failed');
    this.#dependencies.onEvent({ type: 'error', error });
    this.#dependencies.onEvent({ type: 'end' });
    this.#settle({ error }, () => this.#outcome.reject(error));
  }

  abort(reason?: unknown): void {
    this.fail(abortedError(reason));
  }

  warn(code: string, message: string): void {
    this.#tell({ type: 'warning', code, message });
  }

  partial(): Transcript {
    return this.#parts.builder.build();
  }

  stats(): LiveStats {
    return this.#parts.stats(this.#state);
  }

  #ask(request: (parts: SessionParts) => Promise<void>): Promise<void> {
    return observed(this.takesAudio ? request(this.#parts) : Promise.reject(endedError(this.over.reason)));
  }

  #tell(event: LiveEvent): void {
    if (!this.ended) this.#dependencies.onEvent(event);
  }

  async #begin(): Promise<void> {
    try {
      const place = await this.#dependencies.acquire?.(this.over);
      this.#place = place;
      if (this.ended) return place?.release();
    } catch (error) {
      this.fail(toTranscriptionError(error));
      return;
    }
    this.#parts.link.connect();
  }

  #up(connection: LiveConnection, index: number, requestId: string | undefined): void {
    if (this.ended) return;
    const { builder, outbox } = this.#parts;
    builder.addRequestId(requestId);
    if (this.#state === 'finishing') this.#finishWait.restart();
    else this.#enter('open');
    if (this.ended) return;
    this.#opened.resolve();
    this.#tell({ type: 'open', connection: index, ...(requestId !== undefined && { requestId }) });
    if (this.#isRetrying) this.#tell({ type: 'reconnected', connection: index });
    this.#isRetrying = false;
    if (this.ended) return;
    if (this.#state === 'finishing' && outbox.acceptedBytes === 0) this.#succeed();
    else this.#parts.begin(connection, index);
  }

  #leaves(): void {
    if (this.#state === 'finishing') this.#finishWait.restart();
  }

  /** True where the session has ended with it, as it should. */
  #down(close: LiveClose, error: Error | undefined, wasOpen: boolean): boolean {
    if (this.ended) return true;
    const isComplete =
      this.#closeStreamSent && (this.#metadataSeen || (error === undefined && this.#parts.acceptsEnd()));
    this.#parts.lost(wasOpen);
    if (isComplete) {
      if (!this.#metadataSeen && this.#parts.protocol === 'v1') this.warn('unconfirmed_end', UNCONFIRMED_END);
      this.#succeed();
      return true;
    }
    this.#closeStreamSent = this.#metadataSeen = false;
    // There is nothing to send: that it cannot be opened is all that is to be told.
    const isPointless = this.#state === 'finishing' && this.#parts.outbox.acceptedBytes === 0;
    if (isPointless) this.fail(error ?? this.#parts.connectionLost(close));
    if (wasOpen && this.#state === 'open') this.#enter('reconnecting');
    return this.ended;
  }

  #givenUp(error: Error): void {
    if (this.#state === 'finishing' && isRetryable(error) && this.#parts.keepRest()) this.#succeed();
    else this.fail(error);
  }

  /** Once all that the store has of outages is transcribed. */
  #succeed(): void {
    if (this.ended || this.#isCompleting) return;
    this.#isCompleting = true;
    this.#finishWait.cancel();
    this.#parts.end();
    this.#giveBack();
    if (!this.#parts.repairs?.isBusy) this.#complete();
    else void this.#parts.repaired().then(() => this.#complete());
  }

  /** Others may open a stream meanwhile. */
  #giveBack(): void {
    this.#parts.link.stop();
    this.#place?.release();
    this.#place = undefined;
  }

  #complete(): void {
    if (this.ended) return;
    this.#parts.receiver.end();
    if (this.ended) return;
    const transcript = this.#parts.builder.build();
    this.#cleanUp(endedError());
    this.#enter('ended');
    this.#dependencies.onEvent({ type: 'end', transcript });
    this.#settle({ transcript }, () => this.#outcome.resolve(transcript));
  }

  /** Whoever awaits the outcome finds the transcript stored. */
  #settle(outcome: LiveOutcome, settle: () => void): void {
    Promise.resolve(this.#dependencies.onEnd(outcome)).then(settle, settle);
  }

  /** After this the session has ended. It calls nobody back. */
  #cleanUp(reason: Error): void {
    this.#over.abort(reason);
    this.#stopListening();
    this.#finishWait.cancel();
    this.#parts.close(reason);
    this.#opened.reject(reason);
    this.#giveBack();
  }

  #finishTimedOut(): void {
    const { timeoutMs } = this.#finishWait;
    const { outbox, link } = this.#parts;
    const isSent = this.#closeStreamSent && link.connection?.bufferedAmount === 0;
    if (isSent) this.warn('finish_timeout', finishTimedOut(timeoutMs));
    const isOver = isSent || outbox.acceptedBytes === 0 || this.#parts.isAllFinal;
    if (isOver || (link.connection === undefined && this.#parts.keepRest())) this.#succeed();
    else this.fail(stalledError(timeoutMs, link.region));
  }

  #enter(state: LiveState): void {
    this.#state = state;
    if (!this.takesAudio) this.#parts.outbox.end();
    this.#dependencies.onState(state);
  }
}
