import { settleStream } from './call-options.js';
import { createMembers, type Jobs, type Transcripts } from './client-members.js';
import {
  checkRequests,
  checkWorkerOptions,
  type EnqueueRequest,
  type WorkerOptions,
} from './client-requests.js';
import type {
  AudioSource,
  CallbackRequest,
  CallbackResult,
  ClientEvent,
  ClientEventMap,
  ClientOptions,
  EnqueueOptions,
  Job,
  QueueWorker,
  StreamOptions,
  SubmitOptions,
  TranscribeOptions,
  Transcript,
  Webhooks,
} from './contracts/index.js';
import type { GrantedToken, GrantTokenOptions } from './deepgram/grant-token.js';
import type { WarmUpOptions } from './endpoint-calls.js';
import type { Engine } from './engine.js';
import { GivenSource } from './given-source.js';
import type { Health } from './health.js';
import type { RoutedOutcome } from './hybrid/submit.js';
import { raceAbort } from './internal/abort.js';
import { closeTimeoutMs, copyOf, signalOf } from './internal/check-arguments.js';
import { Lifetime } from './lifetime.js';
import { resolveOptions } from './options.js';
import { type ClientParts, createParts } from './parts.js';
import type { PurgeOptions, PurgeResult } from './purge.js';
import { closeOnSigterm } from './sigterm.js';
import { openStream } from './stream-calls.js';
import type { LiveSource, LiveTranscription } from './streaming/stream.js';

/** What became of a submission. `decision` says why. */
export type SubmitOutcome = RoutedOutcome<Job, LiveTranscription>;

/**
 * Speech to text by Deepgram: synchronous, queued, live, and routed between them.
 *
 * One client serves a whole application. Everything that fails is a TranscriptionError.
 */
export class TranscriptionClient implements AsyncDisposable {
  readonly jobs: Jobs;
  readonly transcripts: Transcripts;
  /** Messages about the end of jobs, which the option `webhook` of enqueue() asks for. */
  readonly webhooks: Webhooks;
  readonly #parts: ClientParts;
  readonly #lifetime: Lifetime;
  #forgetSigterm: () => void = () => undefined;

  /** @throws BadRequestError for options that are unknown or out of range. A missing key is found at the first call. */
  constructor(options: ClientOptions = {}) {
    const resolved = resolveOptions(options);
    const lifetime = new Lifetime(resolved.clock);
    const parts = createParts(resolved, lifetime);
    this.#parts = parts;
    this.#lifetime = lifetime;
    const members = createMembers(parts, lifetime);
    this.jobs = members.jobs;
    this.transcripts = members.transcripts;
    this.webhooks = members.webhooks;
  }

  /** Pattern 1: waits for the transcript. For short audio and low latency. */
  async transcribe(source: AudioSource, options: TranscribeOptions = {}): Promise<Transcript> {
    const given = new GivenSource(source);
    return given.unlessRefused(() => this.#transcribe(given, options));
  }

  /**
   * Opens the connection that the first call will use, so that it waits for no name look-up, no TLS handshake
   * and no loading. A connection that nobody uses for 55 seconds, or for less where the server wants it so, is
   * closed again.
   *
   * Rejects with a TranscriptionError where the region cannot be reached within `timeoutMs` (default 10000).
   */
  async warmUp(options: WarmUpOptions = {}): Promise<void> {
    const given = copyOf(options);
    return this.#ask((engine, signal) => engine.warmUp(given, signal), given);
  }

  /**
   * One of Deepgram's short-lived tokens: a browser that has it can stream, and never sees the API key. Rejects with
   * an AuthError `forbidden` where the key may make none, for which it needs the role Member or a higher one.
   */
  async grantToken(options: GrantTokenOptions = {}): Promise<GrantedToken> {
    const given = copyOf(options);
    return this.#ask((engine, signal) => engine.grantToken(given, signal), given);
  }

  /** Pattern 2: resolves when the job is acknowledged, that is, when the storage has it. For long audio and batches. */
  async enqueue(source: AudioSource, options: EnqueueOptions = {}): Promise<Job> {
    const given = new GivenSource(source);
    return given.unlessRefused(() => this.#enqueue(given, options));
  }

  /** Takes all of the items or none. */
  async enqueueMany(items: readonly EnqueueRequest[]): Promise<readonly Job[]> {
    // from() fills holes, which map() would pass over.
    const sources = Array.from(Array.isArray(items) ? items : [], (item) => new GivenSource(item?.source));
    try {
      this.#lifetime.assertOpen();
      const requests = checkRequests(items).map(({ options = {} }, index) => ({
        source: sources[index] as GivenSource,
        options,
      }));
      return await this.#lifetime.trackToEnd(() => this.#parts.jobs.enqueueMany(requests));
    } catch (error) {
      await Promise.allSettled(sources.map((source) => source.unlessRefused(() => Promise.reject(error))));
      throw error;
    }
  }

  /**
   * Pattern 3: a live session, returned at once. Audio may be sent before the connection is open.
   *
   * @throws BadRequestError for options that are unknown or out of range. Everything later is told by the session.
   */
  stream(options: StreamOptions = {}): LiveTranscription {
    this.#lifetime.assertOpen();
    const settled = settleStream(options, this.#parts.options);
    const { live, closed } = openStream(this.#parts, settled, options);
    this.#lifetime.add({ done: closed, finish: () => live.stop(), abort: (reason) => live.abort(reason) });
    return live;
  }

  /** Pattern 4: the router picks the mode. `decision` in the outcome says why. */
  async submit(source: AudioSource, givenOptions: SubmitOptions = {}): Promise<SubmitOutcome> {
    const given = new GivenSource(source);
    const options = copyOf(givenOptions);
    return given.unlessRefused(async () => {
      this.#lifetime.assertOpen();
      const { submit } = await this.#engine(options);
      return submit(given, source, options, {
        sync: (call) => this.#transcribe(given, call),
        async: (call) => this.#enqueue(given, call),
        stream: (call) => this.#streamFrom(source, call),
      });
    });
  }

  /**
   * Takes the result that Deepgram brings to `callback.url`, for jobs with `delivery: 'callback'`. For the route there,
   * in any process that has the storage of the jobs and the same `callback.secret`.
   *
   * ```ts
   * const { httpStatus } = await client.handleCallback(request);
   * return new Response(null, { status: httpStatus });
   * ```
   *
   * Rejects where the body cannot be read now (`too_many_waiting`, `timeout`), or the storage cannot take the result: let
   * the route answer 503, and Deepgram comes again. Rejects with a BadRequestError `invalid_option` where the client has
   * no option `callback`.
   */
  async handleCallback(request: CallbackRequest): Promise<CallbackResult> {
    return this.#lifetime.trackToEnd(() =>
      this.#parts.jobs.use((service) => service.handleCallback(request)),
    );
  }

  /**
   * Takes old records away: transcripts, and jobs that have ended, with the audio that was kept for them; and the
   * records of idempotency keys whose time is over. Jobs that wait or run stay.
   *
   * Rejects with a BadRequestError for options that are none, before anything is deleted.
   */
  async purge(options: PurgeOptions): Promise<PurgeResult> {
    const given = copyOf(options);
    if (given !== options && given.before instanceof Date) given.before = new Date(given.before);
    return this.#ask((engine, signal) => engine.purge(given, signal));
  }

  /**
   * Whether Deepgram, the storage, the queue and the audio store can be used now, and what is wrong with them: Redis
   * without persistence, or one that drops keys when it is full. Takes at most 2 seconds, and never rejects but for a
   * client that is closed. Each region is asked without credentials, at most every 10 seconds: one that cannot be
   * reached, or fails, makes the client `degraded`; where none can be reached it is `down`.
   */
  async health(): Promise<Health> {
    return this.#ask((engine) => engine.health());
  }

  /**
   * For the start of a process: as health(), but rejects with the TranscriptionError of what keeps the client from
   * working.
   */
  async ready(): Promise<Health> {
    return this.#ask((engine) => engine.ready());
  }

  /**
   * Starts working on jobs in this process. Only needed with `queue.autoStart: false`, or in a process that
   * does not enqueue.
   */
  startWorker(options: WorkerOptions = {}): QueueWorker {
    this.#lifetime.assertOpen();
    checkWorkerOptions(options);
    const { closeOnSigterm: drain, ...others } = options;
    const worker = this.#parts.jobs.startWorker(others);
    if (drain === undefined || drain === false) return worker;
    this.#forgetSigterm();
    const forget = closeOnSigterm(() => this.close(drain === true ? {} : drain));
    this.#forgetSigterm = forget;
    return { close: (closeOptions) => worker.close(closeOptions).finally(forget) };
  }

  on<Type extends ClientEvent['type']>(type: Type, listener: ClientEventMap[Type]): this {
    this.#parts.events.on(type, listener);
    return this;
  }

  once<Type extends ClientEvent['type']>(type: Type, listener: ClientEventMap[Type]): this {
    this.#parts.events.once(type, listener);
    return this;
  }

  off<Type extends ClientEvent['type']>(type: Type, listener: ClientEventMap[Type]): this {
    this.#parts.events.off(type, listener);
    return this;
  }

  /**
   * Takes nothing new, gives what is running `timeoutMs` (default 10000) to end, then aborts it. Jobs that
   * wait stay in the storage. Idempotent.
   */
  async close(options: { timeoutMs?: number } = {}): Promise<void> {
    const timeoutMs = closeTimeoutMs(options);
    return this.#lifetime.close(
      timeoutMs,
      () => this.#parts.jobs.close({ timeoutMs }),
      () => this.#parts.close().finally(this.#forgetSigterm),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What the engine does and checks. It ends at once by the signal of its options, and with the client. */
  #ask<Value>(
    run: (engine: Engine, signal: AbortSignal) => Promise<Value>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Value> {
    const call = async (signal: AbortSignal): Promise<Value> => run(await this.#parts.engine.get(), signal);
    return this.#lifetime.track((signal) => raceAbort(call(signal), signal), signalOf(options));
  }

  /** Loads it, unless the call is aborted first. Its options are not checked yet. */
  #engine(options: SubmitOptions): Promise<Engine> {
    return raceAbort(this.#parts.engine.get(), signalOf(options));
  }

  async #transcribe(source: GivenSource, options: TranscribeOptions): Promise<Transcript> {
    return this.#lifetime.track(
      (signal) => this.#parts.transcribe(source, options, signal),
      signalOf(options),
    );
  }

  #enqueue(source: GivenSource, options: EnqueueOptions): Promise<Job> {
    return this.#lifetime.trackToEnd(async () => {
      const [job] = await this.#parts.jobs.enqueueMany([{ source, options }]);
      return job as Job;
    });
  }

  #streamFrom(source: AudioSource, options: StreamOptions): LiveTranscription {
    const live = this.stream(options);
    // What fails is told by the session.
    live.pipeFrom(source as LiveSource).catch(() => undefined);
    return live;
  }
}
