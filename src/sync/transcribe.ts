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
import type { HttpTransport } from '../deepgram/http-transport.js';
import type { Parameters } from '../deepgram/map-options.js';
import { AbortedError, addContext, type TranscriptionError, toTranscriptionError } from '../errors/index.js';
import { raceAbort } from '../internal/abort.js';
import { defined } from '../internal/defined.js';
import { createId } from '../internal/ids.js';
import { type Deadline, startDeadline } from '../resilience/deadline.js';
import { type RetryPolicy, retry } from '../resilience/retry.js';
import { buildTranscript } from '../transcript/build.js';

export interface TranscriberParts {
  /** Made at the first call, so that a client which is never used costs nothing. */
  readonly transport: () => Promise<HttpTransport>;
  readonly credentials: CredentialsProvider;
  readonly limits: LimitsAdapter;
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
  readonly region: { readonly name: string; readonly endpoint: string };
  readonly priority: number;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly userId: string | undefined;
  readonly jobId: string | undefined;
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
  readonly #deadline: Deadline;
  readonly #askedAt: number;
  #waitedMs = 0;
  #attempts = 0;

  constructor(parts: TranscriberParts, call: TranscribeCall) {
    this.#parts = parts;
    this.#call = call;
    this.#askedAt = parts.clock.monotonicMs();
    this.#deadline = startDeadline({
      clock: parts.clock,
      timeoutMs: call.timeoutMs,
      signal: call.signal,
      what: 'The call',
      option: 'timeoutMs',
    });
  }

  async transcribe(): Promise<Transcript> {
    const { source, retry: policy } = this.#call;
    const { clock } = this.#parts;
    this.#emit({ type: 'request-start', source: source.kind });
    try {
      const transcript = await retry(
        {
          policy,
          clock,
          signal: this.#deadline.signal,
          repeatable: source.kind === 'url' || source.reopenable,
          onRetry: ({ attempt, delayMs, error }) =>
            this.#emit({ type: 'retry', attempt, delayMs, code: error.code }),
        },
        (attempt) => this.#attempt(attempt),
      );
      this.#emitEnd('success', { requestId: transcript.requestId, audioSeconds: transcript.durationSeconds });
      return transcript;
    } catch (thrown) {
      const error = addContext(toTranscriptionError(thrown), this.#context());
      this.#emitEnd(statusOf(error), { code: error.code, requestId: error.requestId });
      throw error;
    }
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
      report('success', { httpStatus: 200, requestId: transcript.requestId });
      return transcript;
    } catch (thrown) {
      const error = addContext(toTranscriptionError(thrown), this.#context());
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
      const lease = await limits.acquire(key, { priority, signal: this.#deadline.signal });
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
    const deadline = startDeadline({
      clock,
      timeoutMs: attemptTimeoutMs,
      signal: this.#deadline.signal,
      what: 'The attempt',
      option: 'attemptTimeoutMs',
    });
    try {
      const { signal } = deadline;
      // Loaded at the first call, so that importing the library stays cheap.
      const { requestTranscript } = await import('../deepgram/request-transcript.js');
      const transport = await this.#parts.transport();
      const credentials = await raceAbort(this.#parts.credentials(), signal);
      const request = { source, parameters, endpoint: region.endpoint, credentials, signal };
      return this.#toTranscript(await requestTranscript(transport, request));
    } finally {
      deadline.dispose();
    }
  }

  #toTranscript({ requestId, ...result }: import('../deepgram/map-result.js').MappedResult): Transcript {
    const { mode, model, region, language } = this.#call;
    return buildTranscript({
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
    const { mode, model, region, userId, jobId } = this.#call;
    const fields = { callId: this.#callId, mode, model, region: region.name, ...defined({ userId, jobId }) };
    this.#parts.emit({ ...fields, ...event } as ClientEvent);
  }

  #context(): { region: string; attempt: number } {
    return { region: this.#call.region.name, attempt: Math.max(1, this.#attempts) };
  }
}

function statusOf(error: TranscriptionError): CallStatus {
  return error instanceof AbortedError ? 'cancelled' : 'error';
}
