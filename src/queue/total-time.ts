import type { TimerHandle } from '../contracts/clock.js';
import { timeIsUp } from './begin.js';
import { announce, isoTime, type JobContext, type TotalTimeWatch } from './context.js';
import { toEntryId } from './entry.js';
import { writeEnd } from './finish.js';
import { hasEnded, type JobRecord } from './record.js';
import { toFailed } from './transitions.js';

/** After its time a job may be active, in an attempt that is about to end. */
const AGAIN_MS = 1000;

/**
 * Ends jobs that still wait when their whole time is up, also while every worker is busy. Each process does that for
 * the jobs that it enqueued; a worker does it for those that it comes to.
 */
export class TotalTimes implements TotalTimeWatch {
  readonly #timers = new Map<string, TimerHandle>();
  #isClosed = false;

  watch(records: readonly JobRecord[], context: JobContext): void {
    for (const { id, data } of records) {
      if (data.totalTimeoutMs !== undefined) this.#arm(id, data.totalTimeoutMs, context);
    }
  }

  forget(jobId: string): void {
    this.#timers.get(jobId)?.cancel();
    this.#timers.delete(jobId);
  }

  close(): void {
    this.#isClosed = true;
    for (const jobId of [...this.#timers.keys()]) this.forget(jobId);
  }

  #arm(jobId: string, delayMs: number, context: JobContext): void {
    if (this.#isClosed) return;
    const timer = context.clock.setTimer(() => {
      this.#timers.delete(jobId);
      context.background(this.#end(jobId, context));
    }, delayMs);
    timer.unref?.();
    this.#timers.set(jobId, timer);
  }

  async #end(jobId: string, context: JobContext): Promise<void> {
    try {
      if (await isOver(jobId, context)) return;
    } catch {
      // The storage reports its own failures.
    }
    this.#arm(jobId, AGAIN_MS, context);
  }
}

/** True where nothing is left to end. */
async function isOver(jobId: string, context: JobContext): Promise<boolean> {
  const { store, clock, queue } = context;
  const record = await store.get(jobId);
  if (record === undefined || record.data.endsBy === undefined || hasEnded(record.data.state)) return true;
  if (record.data.state !== 'queued') return false;
  const error = { ...timeIsUp(), attempt: record.data.attempts };
  const failed = await writeEnd(record, toFailed(record.data, error, isoTime(clock)), context);
  if (failed === undefined) return false;
  announce(context, failed);
  // Whoever gets the entry finds that there is nothing to do.
  await queue.cancel(toEntryId(failed)).catch(() => false);
  return true;
}
