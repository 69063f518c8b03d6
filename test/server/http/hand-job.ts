import type { Job, JobEvent } from 'transcription-client';
import { createHandlers, type HttpClient, type HttpOptions } from '../../../src/server/http/index.js';
import { ManualClock } from '../../support/manual-clock.js';
import { authorizeByBearer, bearer, ORIGIN } from './rig.js';

/** A job whose events are made by hand, and that counts who follows it. */
class HandJob {
  readonly id = 'job_hand';
  followers = 0;
  events_: JobEvent[] = [];
  status_ = this.active();
  #wake: () => void = () => undefined;
  #failure: unknown;

  active(attempts = 1) {
    const startedAt = '2026-01-01T00:00:01.000Z';
    return { ...this.#base(attempts), state: 'active' as const, startedAt };
  }

  progress(sentBytes: number): void {
    this.say({ type: 'progress', status: this.active(), progress: { phase: 'uploading', sentBytes } });
  }

  say(...events: JobEvent[]): void {
    this.events_.push(...events);
    this.#wake();
  }

  fail(error: unknown): void {
    this.#failure = error;
    this.#wake();
  }

  status = async () => this.status_;

  events(): AsyncIterable<JobEvent> {
    return { [Symbol.asyncIterator]: () => this.#follow() };
  }

  /** All that the route uses of a client. */
  client(): HttpClient {
    const job = this as unknown as Job;
    const none = () => Promise.reject(new Error('not here'));
    return {
      submit: none,
      handleCallback: none,
      health: none,
      grantToken: none,
      jobs: { get: async () => job, cancel: none },
      transcripts: { get: none },
    };
  }

  #follow(): AsyncIterator<JobEvent> {
    this.followers += 1;
    let isOver = false;
    const next = async (): Promise<IteratorResult<JobEvent>> => {
      while (!isOver && this.events_.length === 0 && this.#failure === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (isOver) return { done: true, value: undefined };
      const value = this.events_.shift();
      if (value === undefined) throw this.#failure;
      return { done: false, value };
    };
    const end = async (): Promise<IteratorResult<JobEvent>> => {
      if (!isOver) this.followers -= 1;
      isOver = true;
      this.#wake();
      return { done: true, value: undefined };
    };
    return { next, return: end };
  }

  #base(attempts: number) {
    return {
      id: this.id,
      userId: 'ada',
      priority: 0,
      attempts,
      maxAttempts: 3,
      createdAt: '2026-01-01T00:00:00.000Z',
    };
  }
}

/** The route on such a job, which is ada's. */
export function handRig(options: Partial<HttpOptions> = {}) {
  const clock = new ManualClock();
  const job = new HandJob();
  const handlers = createHandlers(job.client(), { authorize: authorizeByBearer, clock, ...options });
  const follow = (init: RequestInit = {}) =>
    handlers.fetch(new Request(`${ORIGIN}/jobs/job_hand/events`, { headers: bearer('ada'), ...init }));
  return { clock, job, handlers, follow };
}

/** Lets everything that waits on promises go on. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
