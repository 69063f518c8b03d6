import type { CallStatus, ClientEvent, LimitLease } from '../contracts/index.js';
import type { PrerecordedRequest } from '../deepgram/prerecorded.js';
import { AbortedError, addContext, type TranscriptionError, toTranscriptionError } from '../errors/index.js';
import { claimUnlessAborted, raceAbort } from '../internal/abort.js';
import { defined } from '../internal/defined.js';
import { createId } from '../internal/ids.js';
import { type Deadline, startCallDeadline, startDeadline } from '../resilience/deadline.js';
import { retry } from '../resilience/retry.js';
import type { TranscribeCall, TranscriberParts } from './call.js';

/** What a call asks for. */
export interface CallGoal<Result, Api> {
  send(api: Api, request: PrerecordedRequest): Promise<Result>;
  requestIdOf(result: Result): string;
  /** Undefined where nobody knows them yet. */
  secondsOf(result: Result): { readonly audio: number; readonly billed: number } | undefined;
}

type CallEvent = Extract<ClientEvent, { callId: string }>;
type WithoutCallFields<Event> = Event extends CallEvent
  ? Omit<Event, 'callId' | 'mode' | 'model' | 'region' | 'userId' | 'jobId'>
  : never;

/** One call from its start to its end: events, deadline, limits and retries. */
export class CallRun<Result, Api> {
  readonly #parts: TranscriberParts<Api>;
  readonly #call: TranscribeCall;
  readonly #goal: CallGoal<Result, Api>;
  readonly #callId = createId('call');
  readonly #fields;
  readonly #deadline: Deadline;
  readonly #askedAt: number;
  #waitedMs = 0;
  #attempts = 0;
  /** Attempts for which Deepgram may send a bill. */
  #billed = 0;

  constructor(parts: TranscriberParts<Api>, call: TranscribeCall, goal: CallGoal<Result, Api>) {
    this.#parts = parts;
    this.#call = call;
    this.#goal = goal;
    const { mode, model, region, userId, jobId } = call;
    this.#fields = { callId: this.#callId, mode, model, region: region.name, ...defined({ userId, jobId }) };
    this.#askedAt = parts.clock.monotonicMs();
    this.#deadline = startCallDeadline({
      clock: parts.clock,
      timeoutMs: call.timeoutMs,
      signal: call.signal,
    });
  }

  /** `keep` gets what came of it, within the time of the call. */
  async complete(keep?: (result: Result, signal: AbortSignal) => Promise<void>): Promise<Result> {
    const { source, parameters, region } = this.#call;
    const { signal } = this.#deadline;
    this.#emit({ type: 'request-start', source: source.kind });
    try {
      this.#parts.warnOfCosts(parameters, this.#callId);
      await this.#parts.checkSource(source, region, signal);
      const result = await this.#withinSpend(() => this.#retry());
      const requestId = this.#goal.requestIdOf(result);
      this.#emitEnd('success', { requestId, audioSeconds: this.#goal.secondsOf(result)?.audio });
      await keep?.(result, signal);
      return result;
    } catch (thrown) {
      const error = addContext(toTranscriptionError(thrown), this.#context());
      this.#emitEnd(statusOf(error), { code: error.code, requestId: error.requestId });
      throw error;
    }
  }

  async #withinSpend(run: () => Promise<Result>): Promise<Result> {
    if (!this.#parts.spend.isOn) return run();
    const { source, mode, model, userId, durationSeconds } = this.#call;
    const sizeBytes = source.kind === 'url' ? undefined : source.sizeBytes;
    const facts = { mode, model, source: source.kind, ...defined({ userId, durationSeconds, sizeBytes }) };
    const entering = this.#parts.spend.enter(facts);
    const ticket = await claimUnlessAborted(entering, this.#deadline.signal, (late) => late.settle(0));
    let seconds = durationSeconds ?? 0;
    try {
      const result = await run();
      seconds = this.#goal.secondsOf(result)?.billed ?? seconds;
      return result;
    } finally {
      ticket.settle(seconds * this.#billed);
    }
  }

  #retry(): Promise<Result> {
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

  async #attempt(attempt: number): Promise<Result> {
    const { clock } = this.#parts;
    const lease = await this.#place();
    this.#attempts = attempt;
    const startedAt = clock.monotonicMs();
    this.#emit({ type: 'attempt-start', attempt });
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
      const result = await this.#request();
      this.#billed += 1;
      report('success', { httpStatus: 200, requestId: this.#goal.requestIdOf(result) });
      return result;
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

  async #request(): Promise<Result> {
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
      return await this.#goal.send(api, request);
    } finally {
      deadline?.dispose();
    }
  }

  #emitEnd(
    status: CallStatus,
    details: { code?: string; requestId?: string | undefined; audioSeconds?: number | undefined },
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
