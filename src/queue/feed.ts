import type { Clock } from '../contracts/clock.js';
import type { EventSink } from '../contracts/events.js';
import type { JobProgress, JobStatus } from '../contracts/job.js';
import type { QueueAdapter } from '../contracts/queue.js';
import type { TranscriptionError } from '../errors/index.js';
import { defined } from '../internal/defined.js';
import { ChangeChannel } from './change-channel.js';
import type { JobStore } from './job-store.js';
import { jobNotFound } from './not-found.js';
import { hasEnded, type JobRecord, toStatus } from './record.js';
import { RemoteLook } from './remote-look.js';

export interface JobChange {
  /** Of the record: a change with a smaller one is older. */
  readonly version: number;
  readonly status: JobStatus;
}

export interface Subscriber {
  changed(change: JobChange): void;
  progressed(progress: JobProgress): void;
  closed(error: TranscriptionError): void;
}

export interface JobFeedParts {
  readonly clock: Clock;
  readonly emit: EventSink;
  readonly queue: QueueAdapter;
  readonly store: JobStore;
}

/** Deepgram's own choice where no model is named. */
const DEEPGRAM_DEFAULT_MODEL = 'base-general';

/** Tells the waiting callers of all processes, and the client's event listeners of this one, how jobs go on. */
export class JobFeed {
  readonly #parts: JobFeedParts;
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  /** When jobs were queued here, on the monotonic clock. Wall clocks jump. */
  readonly #queuedAt = new Map<string, number>();
  readonly #channel: ChangeChannel | undefined;
  readonly #look: RemoteLook | undefined;
  #closedWith: TranscriptionError | undefined;

  constructor(parts: JobFeedParts) {
    this.#parts = parts;
    const { queue, clock, store } = parts;
    if (!queue.capabilities.distributed) return;
    const look = new RemoteLook({
      clock,
      store,
      hasChannel: queue.channel !== undefined,
      followed: () => [...this.#subscribers.keys()],
      found: (record) => this.#tell(record),
      gone: (jobId) => this.#close(jobId),
    });
    this.#look = look;
    if (queue.channel === undefined) return;
    this.#channel = new ChangeChannel(queue.channel, clock, {
      changed: ({ jobId, progress }) => {
        if (!this.#subscribers.has(jobId)) return;
        if (progress === undefined) look.at(jobId);
        else this.#progressed(jobId, progress);
      },
      gap: () => look.atAll(),
    });
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
    this.#queuedAt.set(jobId, this.#parts.clock.monotonicMs());
  }

  /** Changes of other processes are heard once `listening()` has resolved. */
  subscribe(jobId: string, subscriber: Subscriber): () => void {
    const subscribers = this.#subscribers.get(jobId) ?? new Set();
    this.#subscribers.set(jobId, subscribers);
    subscribers.add(subscriber);
    this.#look?.start();
    return () => {
      subscribers.delete(subscriber);
      if (subscribers.size > 0 || this.#subscribers.get(jobId) !== subscribers) return;
      this.#subscribers.delete(jobId);
      if (this.#subscribers.size === 0) this.#look?.stop();
    };
  }

  async listening(): Promise<void> {
    await this.#channel?.listen();
  }

  publish(record: JobRecord): void {
    this.#report(record);
    this.#tell(record);
    // Of a new job nobody elsewhere knows the id.
    if (record.version > 1) this.#channel?.send({ jobId: record.id, version: record.version });
  }

  /** A change that was published before the storage had it, and has it now. Others could not find it until then. */
  publishStored(record: JobRecord): void {
    this.#tell(record);
    this.#channel?.send({ jobId: record.id, version: record.version });
  }

  /** How long ago the job was queued here, in milliseconds. Undefined where another process did that. */
  ageMs(jobId: string): number | undefined {
    const queuedAt = this.#queuedAt.get(jobId);
    return queuedAt === undefined ? undefined : this.#parts.clock.monotonicMs() - queuedAt;
  }

  publishProgress({ id, version }: Pick<JobRecord, 'id' | 'version'>, progress: JobProgress): void {
    this.#progressed(id, progress);
    this.#channel?.send({ jobId: id, version, progress });
  }

  /** Its record was removed: who has not heard of its end never will. */
  removed(jobId: string): void {
    this.#close(jobId);
    this.#channel?.send({ jobId, version: 0 });
  }

  endClose(error: TranscriptionError): void {
    const all = [...this.#subscribers.values()].flatMap((subscribers) => [...subscribers]);
    this.#subscribers.clear();
    this.#queuedAt.clear();
    this.#look?.stop();
    for (const subscriber of all) subscriber.closed(error);
  }

  /** Sends what other processes have yet to hear. Before the close of the queue. */
  async flush(): Promise<void> {
    await this.#channel?.close();
  }

  #tell(record: JobRecord): void {
    const subscribers = this.#subscribers.get(record.id);
    if (subscribers === undefined) return;
    const change = { version: record.version, status: toStatus(record) };
    for (const subscriber of [...subscribers]) subscriber.changed(change);
  }

  #close(jobId: string): void {
    for (const subscriber of [...(this.#subscribers.get(jobId) ?? [])]) subscriber.closed(jobNotFound(jobId));
  }

  #progressed(jobId: string, progress: JobProgress): void {
    for (const subscriber of [...(this.#subscribers.get(jobId) ?? [])]) subscriber.progressed(progress);
  }

  #report({ id, userId, createdAt, data }: JobRecord): void {
    const error = data.error ?? data.lastError;
    const hasError = data.state === 'failed' || data.state === 'queued';
    this.#parts.emit({
      type: 'job',
      jobId: id,
      state: data.state,
      attempt: data.attempts,
      model: data.options.model ?? DEEPGRAM_DEFAULT_MODEL,
      ...defined({ userId, code: hasError ? error?.code : undefined }),
      ...(hasEnded(data.state) ? { durationMs: this.#takeDuration(id, createdAt) } : {}),
    });
  }

  #takeDuration(jobId: string, createdAt: string): number {
    const { clock } = this.#parts;
    const queuedAt = this.#queuedAt.get(jobId);
    this.#queuedAt.delete(jobId);
    if (queuedAt !== undefined) return clock.monotonicMs() - queuedAt;
    return Math.max(0, clock.wallMs() - Date.parse(createdAt));
  }
}
