import type { Clock } from '../contracts/clock.js';
import type { EventSink } from '../contracts/events.js';
import type { JobStatus } from '../contracts/job.js';
import type { TranscriptionError } from '../errors/index.js';
import { defined } from '../internal/defined.js';
import { hasEnded, type JobRecord, toStatus } from './record.js';

export interface JobChange {
  /** Of the record: a change with a smaller one is older. */
  readonly version: number;
  readonly status: JobStatus;
}

export interface Subscriber {
  changed(change: JobChange): void;
  closed(error: TranscriptionError): void;
}

/** Deepgram's own choice where no model is named. */
const DEEPGRAM_DEFAULT_MODEL = 'base-general';

/** Tells the waiting callers of this process, and the client's event listeners, how jobs go on. */
export class JobFeed {
  readonly #clock: Clock;
  readonly #emit: EventSink;
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  /** When jobs were queued here, on the monotonic clock. Wall clocks jump. */
  readonly #queuedAt = new Map<string, number>();
  #closedWith: TranscriptionError | undefined;

  constructor(clock: Clock, emit: EventSink) {
    this.#clock = clock;
    this.#emit = emit;
  }

  /** The error of calls that come once the service is being closed. */
  get closedWith(): TranscriptionError | undefined {
    return this.#closedWith;
  }

  /** Takes no new callers. Those that wait still hear of changes, until the end of the close. */
  beginClose(error: TranscriptionError): void {
    this.#closedWith = error;
  }

  /** Call it for jobs whose end this process will see. */
  startTimer(jobId: string): void {
    this.#queuedAt.set(jobId, this.#clock.monotonicMs());
  }

  subscribe(jobId: string, subscriber: Subscriber): () => void {
    const subscribers = this.#subscribers.get(jobId) ?? new Set();
    this.#subscribers.set(jobId, subscribers);
    subscribers.add(subscriber);
    return () => {
      subscribers.delete(subscriber);
      if (subscribers.size === 0 && this.#subscribers.get(jobId) === subscribers) {
        this.#subscribers.delete(jobId);
      }
    };
  }

  publish(record: JobRecord): void {
    const status = toStatus(record);
    this.#report(record, status);
    for (const subscriber of [...(this.#subscribers.get(record.id) ?? [])]) {
      subscriber.changed({ version: record.version, status });
    }
  }

  endClose(error: TranscriptionError): void {
    const all = [...this.#subscribers.values()].flatMap((subscribers) => [...subscribers]);
    this.#subscribers.clear();
    this.#queuedAt.clear();
    for (const subscriber of all) subscriber.closed(error);
  }

  #report({ id, userId, createdAt, data }: JobRecord, status: JobStatus): void {
    const error = data.error ?? data.lastError;
    const hasError = status.state === 'failed' || status.state === 'queued';
    this.#emit({
      type: 'job',
      jobId: id,
      state: status.state,
      attempt: data.attempts,
      model: data.options.model ?? DEEPGRAM_DEFAULT_MODEL,
      ...defined({ userId, code: hasError ? error?.code : undefined }),
      ...(hasEnded(status.state) ? { durationMs: this.#takeDuration(id, createdAt) } : {}),
    });
  }

  #takeDuration(jobId: string, createdAt: string): number {
    const queuedAt = this.#queuedAt.get(jobId);
    this.#queuedAt.delete(jobId);
    if (queuedAt !== undefined) return this.#clock.monotonicMs() - queuedAt;
    return Math.max(0, this.#clock.wallMs() - Date.parse(createdAt));
  }
}
