import type { LiveClose, LiveConnection, LiveState, LiveStats, Transcript } from '../contracts/index.js';
import { connectionClosed } from '../deepgram/live-errors.js';
import { toTranscriptionError } from '../errors/index.js';
import { abortError, onAbort } from '../internal/abort.js';
import { type AudioChunk, toBytes } from './audio-bytes.js';
import { AudioMeter } from './audio-meter.js';
import { deferred, observed } from './deferred.js';
import { abortedError, endedError } from './end-errors.js';
import { Finalizations } from './finalizations.js';
import { FinishWait } from './finish-wait.js';
import { Framer } from './framer.js';
import { Inbox } from './inbox.js';
import { KeepAlive } from './keep-alive.js';
import { Outbox } from './outbox.js';
import { stalledError, UNCONFIRMED_END } from './session-errors.js';
import type { LiveOutcome, LivePlace, SessionDependencies } from './session-types.js';
import { TranscriptBuilder } from './transcript-builder.js';

/** Audio that is kept while there is no connection before `send()` waits. */
const ROOM_SECONDS = 30;
const ROOM_BYTES_WHERE_UNKNOWN = 4 * 1024 * 1024;

/**
 * One live transcription: connecting → open → finishing → ended, or from any of them → failed.
 *
 * `finishing` may begin before the connection is open. After an end nothing is left: timers are cancelled, the
 * connection is closed, the place is given back, waiting calls are settled.
 */
export class LiveSession {
  readonly meter: AudioMeter;
  readonly #dependencies: SessionDependencies;
  readonly #framer: Framer;
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;
  readonly #builder: TranscriptBuilder;
  readonly #keepAlive: KeepAlive;
  readonly #finalizations: Finalizations;
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
  #connection: LiveConnection | undefined;
  #connections = 0;
  #place: LivePlace | undefined;
  #closeStreamSent = false;
  #metadataSeen = false;
  #stopListening: () => void = () => undefined;

  constructor(dependencies: SessionDependencies) {
    const { settings, clock, transport, transcriptId: id } = dependencies;
    const { model, language } = settings;
    this.#dependencies = dependencies;
    this.meter = new AudioMeter(settings);
    this.#framer = new Framer(this.meter);
    this.#builder = new TranscriptBuilder({ id, model, language, region: transport.region }, clock);
    this.#inbox = new Inbox(this.#builder, {
      onEvent: dependencies.onEvent,
      onFinalized: (channel, channels) => this.#finalizations.answered(channel, channels),
      onMetadata: () => {
        // Before CloseStream it does not say that everything has come.
        this.#metadataSeen ||= this.#closeStreamSent;
      },
    });
    this.#keepAlive = new KeepAlive(clock, () => this.#outbox.pushKeepAlive());
    this.#finalizations = new Finalizations(clock);
    this.#finishWait = new FinishWait(clock, settings.finishTimeoutMs, () => this.#finishTimedOut());
    this.#outbox = new Outbox({
      roomBytes: () => (this.meter.bytesPerSecond ?? 0) * ROOM_SECONDS || ROOM_BYTES_WHERE_UNKNOWN,
      onAudio: () => this.#keepAlive.sent(),
      onBroken: (cause) => this.fail(this.#connectionLost({ code: 1006, reason: '' }, cause)),
    });
  }

  get ended(): boolean {
    return this.over.aborted;
  }

  get takesAudio(): boolean {
    return this.#state === 'connecting' || this.#state === 'open';
  }

  start(): void {
    if (this.ended) return;
    const { signal } = this.#dependencies.settings;
    this.#dependencies.onState(this.#state);
    this.#stopListening = onAbort(signal, () => {
      if (signal !== undefined) this.fail(abortError(signal));
    });
    if (!this.ended) void this.#connect();
  }

  send(chunk: AudioChunk): Promise<void> {
    if (!this.takesAudio) return observed(Promise.reject(endedError(this.over.reason)));
    try {
      const frames = this.#framer.split(toBytes(chunk));
      return frames.length === 0 ? Promise.resolve() : observed(this.#outbox.pushAudio(frames));
    } catch (error) {
      return observed(Promise.reject(error));
    }
  }

  finalize(): Promise<void> {
    if (!this.takesAudio) return observed(Promise.reject(endedError(this.over.reason)));
    if (this.#outbox.acceptedBytes === 0) return Promise.resolve();
    return observed(this.#finalizations.add((onSent) => this.#outbox.pushControl('Finalize', onSent)));
  }

  finish(): Promise<Transcript> {
    if (!this.takesAudio) return this.outcome;
    this.#warnOfHeldBytes();
    // A listener may have ended the session, here and after every other event.
    if (this.ended) return this.outcome;
    const open = this.#state === 'open';
    const silent = this.#outbox.acceptedBytes === 0;
    if (open && silent) {
      this.#succeed();
      return this.outcome;
    }
    this.#enter('finishing');
    if (this.ended) return this.outcome;
    // Without audio only the opening is left to wait for: it tells whether the credentials are right.
    if (open || silent) this.#finishWait.restart();
    if (silent) return this.outcome;
    this.#outbox.pushControl('CloseStream', () => {
      this.#finishWait.restart();
      this.#closeStreamSent = true;
      this.#keepAlive.stop();
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
    if (!this.ended) this.#dependencies.onEvent({ type: 'warning', code, message });
  }

  partial(): Transcript {
    return this.#builder.build();
  }

  stats(): LiveStats {
    const { sentBytes, queuedBytes } = this.#outbox;
    const sentSeconds = this.meter.seconds(sentBytes);
    return {
      state: this.#state,
      bytesSent: sentBytes,
      bytesBuffered: queuedBytes + this.#framer.heldBytes + (this.#connection?.bufferedAmount ?? 0),
      ...(sentSeconds !== undefined && { sentSeconds }),
      finals: this.#inbox.finals,
      interims: this.#inbox.interims,
      connections: this.#connections,
    };
  }

  async #connect(): Promise<void> {
    const { acquire, transport } = this.#dependencies;
    try {
      const place = await acquire?.(this.over);
      if (this.ended) {
        place?.release();
        return;
      }
      this.#place = place;
    } catch (error) {
      this.fail(toTranscriptionError(error));
      return;
    }
    const index = this.#connections;
    const connection = transport.connect({
      onOpen: ({ requestId }) => this.#open(connection, index, requestId),
      onMessage: (message) => {
        if (!this.ended) this.#inbox.receive(message, index);
      },
      onWarning: ({ code, message }) => this.warn(code, message),
      onDrain: () => this.#drained(),
      onClose: (close, error) => this.#closed(close, error),
    });
    this.#connection = connection;
  }

  #open(connection: LiveConnection, index: number, requestId: string | undefined): void {
    if (this.ended) return;
    this.#connections += 1;
    this.#builder.addRequestId(requestId);
    if (this.#state === 'finishing') this.#finishWait.restart();
    else this.#enter('open');
    if (this.ended) return;
    this.#opened.resolve();
    this.#dependencies.onEvent({
      type: 'open',
      connection: index,
      ...(requestId !== undefined && { requestId }),
    });
    if (this.ended) return;
    if (this.#state === 'finishing' && this.#outbox.acceptedBytes === 0) {
      this.#succeed();
      return;
    }
    this.#keepAlive.start();
    this.#outbox.attach(connection);
  }

  #drained(): void {
    if (this.ended) return;
    if (this.#state === 'finishing') this.#finishWait.restart();
    this.#outbox.pump();
  }

  #closed(close: LiveClose, error: Error | undefined): void {
    if (this.ended) return;
    const complete = this.#closeStreamSent && (this.#metadataSeen || error === undefined);
    if (complete && !this.#metadataSeen) this.warn('unconfirmed_end', UNCONFIRMED_END);
    if (complete) this.#succeed();
    else this.fail(error ?? this.#connectionLost(close));
  }

  #succeed(): void {
    if (this.ended) return;
    const transcript = this.#builder.build();
    this.#cleanUp(endedError());
    this.#enter('ended');
    this.#dependencies.onEvent({ type: 'end', transcript });
    this.#settle({ transcript }, () => this.#outcome.resolve(transcript));
  }

  /** Whoever awaits the outcome finds the transcript stored. */
  #settle(outcome: LiveOutcome, settle: () => void): void {
    Promise.resolve(this.#dependencies.onEnd(outcome)).then(settle, settle);
  }

  /** After this the session has ended. Nothing here calls back into the user's code. */
  #cleanUp(reason: Error): void {
    this.#over.abort(reason);
    this.#stopListening();
    this.#keepAlive.stop();
    this.#finishWait.cancel();
    this.#outbox.fail(reason);
    this.#finalizations.end(reason);
    this.#opened.reject(reason);
    this.#connection?.close();
    this.#connection = undefined;
    this.#place?.release();
  }

  #finishTimedOut(): void {
    const { timeoutMs } = this.#finishWait;
    if (this.#outbox.acceptedBytes === 0) {
      this.#succeed();
      return;
    }
    if (this.#closeStreamSent && this.#connection?.bufferedAmount === 0) {
      this.warn(
        'finish_timeout',
        `Deepgram did not end the stream within ${timeoutMs} ms. The transcript has what came until then.`,
      );
      this.#succeed();
      return;
    }
    this.fail(stalledError(timeoutMs, this.#dependencies.transport.region));
  }

  #warnOfHeldBytes(): void {
    const { heldBytes } = this.#framer;
    if (heldBytes === 0) return;
    this.warn(
      'incomplete_sample',
      `The audio ended within a sample: its last ${heldBytes} byte(s) were not sent. Check the encoding.`,
    );
  }

  #enter(state: LiveState): void {
    this.#state = state;
    this.#dependencies.onState(state);
  }

  #connectionLost(close: LiveClose, cause?: unknown): Error {
    return connectionClosed(close, { region: this.#dependencies.transport.region }, cause);
  }
}
