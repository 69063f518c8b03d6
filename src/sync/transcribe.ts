import type {
  CallStatus,
  ClientEvent,
  Clock,
  EventSink,
  LimitLease,
  LimitsAdapter,
  ResolvedSource,
  Transcript,
} from '../contracts/index.js';
import type { CredentialsProvider } from '../deepgram/credentials.js';
import type { Parameters } from '../deepgram/map-options.js';
import type { MappedResult } from '../deepgram/map-result.js';
import type { PrerecordedApi } from '../deepgram/prerecorded.js';
import { AbortedError, addContext, type TranscriptionError, toTranscriptionError } from '../errors/index.js';
import { claimUnlessAborted, raceAbort } from '../internal/abort.js';
import { defined } from '../internal/defined.js';
import { createId } from '../internal/ids.js';
import type { Lazy } from '../internal/lazy.js';
import { type Deadline, startDeadline } from '../resilience/deadline.js';
import { type RetryPolicy, retry } from '../resilience/retry.js';
import type { RetryBudget } from '../resilience/retry-budget.js';
import type { SpendGuard } from '../resilience/spend-guard.js';
import { buildTranscript } from '../transcript/build.js';

export interface TranscriberParts {
  /** Made at the first call, so that a client which is never used costs nothing. */
  readonly api: Lazy<PrerecordedApi>;
  readonly credentials: CredentialsProvider;
  readonly limits: LimitsAdapter;
  readonly budget: RetryBudget;
  readonly spend: SpendGuard;
  /** Rejects where a URL must not be handed to the region. */
  readonly checkSource: (source: ResolvedSource, region: CallRegion, signal: AbortSignal) => Promise<void>;
  readonly warnOfCosts: (parameters: Parameters, callId: string) => void;
  readonly project: string;
  readonly clock: Clock;
  readonly emit: EventSink;
}

/** One call, every option settled. */
export interface TranscribeCall {
  readonly source: ResolvedSource;
  readonly mode: 'sync' | 'async';
  readonly parameters: Parameters;
  readonly model: string;
  readonly language: string | undefined;
  readonly region: CallRegion;
  readonly priority: number;
  readonly retry: RetryPolicy;
  /** Undefined: the signal ends the call. */
  readonly timeoutMs: number | undefined;
  readonly attemptTimeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly userId: string | undefined;
  readonly jobId: string | undefined;
  readonly durationSeconds: number | undefined;
  /** Of the transcript. Default: a new one. */
  readonly transcriptId?: string;
  /** Stores the transcript, within the time of the call. Never rejects. */
  readonly keep: ((transcript: Transcript, signal: AbortSignal) => Promise<void>) | undefined;
}

export interface CallRegion {
  readonly name: string;
  readonly endpoint: string;
  readonly allowedSources: readonly string[];
}

/** Pattern 1: one source, one transcript. Retries, limits and deadlines are all here. */
export type Transcriber = (call: TranscribeCall) => Promise<Transcript>;

export function createTranscriber(parts: TranscriberParts): Transcriber {
  return async (call) => {
    const run = new TranscribeRun(parts, call);
    try {
      return await run.transcribe();
    } finally {
      run.dispose();
    }
  };
}

type CallEvent = Extract<ClientEvent, { callId: string }>;
type WithoutCallFields<Event> = Event extends CallEvent
  ? Omit<Event, 'callId' | 'mode' | 'model' | 'region' | 'userId' | 'jobId'>
  : never;

class TranscribeRun {
  readonly #parts: TranscriberParts;
  readonly #call: TranscribeCall;
  readonly #callId = createId('call');
  readonly #fields;
  readonly #deadline: Deadline;
  readonly #askedAt: number;
  #waitedMs = 0;
  #attempts = 0;
  /** Attempts for which Deepgram may send a bill. */
  #billed = 0;

  constructor(parts: TranscriberParts, call: TranscribeCall) {
    this.#parts = parts;
    this.#call = call;
    const { mode, model, region, userId, jobId } = call;
    this.#fields = { callId: this.#callId, mode, model, region: region.name, ...defined({ userId, jobId }) };
    this.#askedAt = parts.clock.monotonicMs();
    this.#deadline = startDeadline({
      clock: parts.clock,
      timeoutMs: call.timeoutMs,
      signal: call.signal,
      what: 'The call',
      advice: 'Raise timeoutMs, or split the audio.',
    });
  }

  async transcribe(): Promise<Transcript> {
    const { source, keep, parameters, region } = this.#call;
    const { signal } = this.#deadline;
    this.#emit({ type: 'request-start', source: source.kind });
    try {
      this.#parts.warnOfCosts(parameters, this.#callId);
      await this.#parts.checkSource(source, region, signal);
      const transcript = await this.#withinSpend(() => this.#retry());
      this.#emitEnd('success', { requestId: transcript.requestId, audioSeconds: transcript.durationSeconds });
      await keep?.(transcript, signal);
      return transcript;
    } catch (thrown) {
      const error = addContext(toTranscriptionError(thrown), this.#context());
      this.#emitEnd(statusOf(error), { code: error.code, requestId: error.requestId });
      throw error;
    }
  }

  async #withinSpend(run: () => Promise<Transcript>): Promise<Transcript> {
    if (!this.#parts.spend.isOn) return run();
    const { source, mode, model, userId, durationSeconds, parameters } = this.#call;
    const sizeBytes = source.kind === 'url' ? undefined : source.sizeBytes;
    const facts = { mode, model, source: source.kind, ...defined({ userId, durationSeconds, sizeBytes }) };
    const entering = this.#parts.spend.enter(facts);
    const ticket = await claimUnlessAborted(entering, this.#deadline.signal, (late) => late.settle(0));
    let seconds = durationSeconds ?? 0;
    try {
      const transcript = await run();
      const billedChannels = parameters.multichannel === true ? transcript.channels.length : 1;
      seconds = transcript.durationSeconds * billedChannels;
      return transcript;
    } finally {
      ticket.settle(seconds * this.#billed);
    }
  }

  #retry(): Promise<Transcript> {
    const { source, retry: policy } = this.#call;
    const { clock, budget } = this.#parts;
    return retry(
      {
        policy,
        clock,
        budget,
        signal: this.#deadline.signal,
        repeatable: source.kind === 'url' || source.reopenable,
        onRetry: ({ attempt, delayMs, error }) =>
          this.#emit({ type: 'retry', attempt, delayMs, code: error.code }),
      },
      (attempt) => this.#attempt(attempt),
    );
  }

  dispose(): void {
    this.#deadline.dispose();
    if (this.#call.source.kind !== 'url') this.#call.source.discard?.();
  }

  async #attempt(attempt: number): Promise<Transcript> {
    const { clock } = this.#parts;
    const lease = await this.#place();
    this.#attempts = attempt;
    const startedAt = clock.monotonicMs();
    const report = (
      status: CallStatus,
      details: { code?: string; httpStatus?: number | undefined; requestId?: string | undefined },
    ) =>
      this.#emit({
        type: 'attempt',
        attempt,
        status,
        durationMs: clock.monotonicMs() - startedAt,
        ...defined(details),
      });
    try {
      const transcript = await this.#request();
      this.#billed += 1;
      report('success', { httpStatus: 200, requestId: transcript.requestId });
      return transcript;
    } catch (thrown) {
      const error = addContext(toTranscriptionError(thrown), this.#context());
      if (mayBeBilled(error)) this.#billed += 1;
      report(statusOf(error), { code: error.code, httpStatus: error.status, requestId: error.requestId });
      throw error;
    } finally {
      lease.release();
    }
  }

  async #place(): Promise<LimitLease> {
    const { clock, limits, project } = this.#parts;
    const { mode, priority, region } = this.#call;
    const key = { project, endpoint: region.endpoint, mode };
    const askedAt = clock.monotonicMs();
    try {
      const { signal } = this.#deadline;
      const acquiring = limits.acquire(key, { priority, signal });
      const lease = await claimUnlessAborted(acquiring, signal, (late) => late.release());
      this.#waitedMs += lease.waitedMs;
      if (lease.waitedMs >= 1) this.#emit({ type: 'limit-wait', waitedMs: lease.waitedMs });
      return lease;
    } catch (error) {
      this.#waitedMs += clock.monotonicMs() - askedAt;
      throw error;
    }
  }

  async #request(): Promise<Transcript> {
    const { clock } = this.#parts;
    const { source, parameters, region, attemptTimeoutMs } = this.#call;
    // Loading happens once and is no part of any attempt: a short attemptTimeoutMs must not end all of them.
    const api = this.#parts.api.value ?? (await raceAbort(this.#parts.api.get(), this.#deadline.signal));
    const deadline =
      attemptTimeoutMs === undefined
        ? undefined
        : startDeadline({
            clock,
            timeoutMs: attemptTimeoutMs,
            signal: this.#deadline.signal,
            what: 'The attempt',
            advice: 'Raise attemptTimeoutMs, or split the audio.',
          });
    try {
      const { signal } = deadline ?? this.#deadline;
      const credentials = await raceAbort(this.#parts.credentials(), signal);
      const request = { source, parameters, endpoint: region.endpoint, credentials, signal };
      return this.#toTranscript(await api.request(request));
    } finally {
      deadline?.dispose();
    }
  }

  #toTranscript({ requestId, ...result }: MappedResult): Transcript {
    const { mode, model, region, language, transcriptId } = this.#call;
    return buildTranscript({
      ...defined({ id: transcriptId }),
      ...result,
      mode,
      model,
      requestIds: [requestId],
      language: result.language ?? language,
      region: region.name,
      createdAtMs: this.#parts.clock.wallMs(),
    });
  }

  #emitEnd(
    status: CallStatus,
    details: { code?: string; requestId?: string | undefined; audioSeconds?: number },
  ): void {
    this.#emit({
      type: 'request-end',
      status,
      durationMs: this.#parts.clock.monotonicMs() - this.#askedAt - this.#waitedMs,
      waitedMs: this.#waitedMs,
      attempts: this.#attempts,
      ...defined(details),
    });
  }

  #emit(event: WithoutCallFields<ClientEvent>): void {
    this.#parts.emit({ ...this.#fields, ...event } as ClientEvent);
  }

  #context(): { region: string; attempt: number } {
    return { region: this.#call.region.name, attempt: Math.max(1, this.#attempts) };
  }
}

/** An answer that is no transcript was made, and billed, like any other. */
function mayBeBilled({ ambiguous, code }: TranscriptionError): boolean {
  return ambiguous || code === 'invalid_response';
}

function statusOf(error: TranscriptionError): CallStatus {
  return error instanceof AbortedError ? 'cancelled' : 'error';
}
