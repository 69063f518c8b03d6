import type { Job, JobEvent, JobStatus, ResultOptions } from '../contracts/job.js';
import type { Transcript } from '../contracts/transcript.js';
import { errorFromData } from '../errors/from-data.js';
import { AbortedError, StorageError, TimeoutError } from '../errors/index.js';
import { abortError, onAbort } from '../internal/abort.js';
import { AsyncQueue } from '../internal/async-queue.js';
import type { JobContext } from './context.js';
import type { JobChange } from './feed.js';
import { jobNotFound } from './not-found.js';
import { checkResultOptions } from './options.js';
import { hasEnded, toStatus } from './record.js';

/** A handle: it holds the id only, the truth stays in the storage. */
export function createJob(id: string, context: JobContext, cancel: () => Promise<boolean>): Job {
  return {
    id,
    async status() {
      assertOpen(context);
      return (await presentState(id, context)).status;
    },
    async result(options = {}) {
      checkResultOptions(options);
      assertOpen(context);
      return waitForResult(id, context, options);
    },
    events: () => ({ [Symbol.asyncIterator]: () => followEvents(id, context) }),
    cancel,
  };
}

function assertOpen({ feed }: JobContext): void {
  if (feed.closedWith !== undefined) throw feed.closedWith;
}

async function presentState(id: string, { store, held }: JobContext): Promise<JobChange> {
  const record = held.get(id)?.record ?? (await store.get(id));
  if (record !== undefined) return { version: record.version, status: toStatus(record) };
  throw jobNotFound(id);
}

async function waitForResult(id: string, context: JobContext, options: ResultOptions): Promise<Transcript> {
  const end = await waitForEnd(id, context, options);
  switch (end.state) {
    case 'completed':
      return loadTranscript(id, end.transcriptId, context);
    case 'failed':
      throw errorFromData(end.error);
    default:
      throw new AbortedError('The job was cancelled before it had a result.', { code: 'job_cancelled' });
  }
}

/** Follows the changes first and asks for the present state then, so that no end falls in between. */
function waitForEnd(
  id: string,
  context: JobContext,
  { signal, timeoutMs }: ResultOptions,
): Promise<JobStatus> {
  const { feed, clock } = context;
  if (signal?.aborted) return Promise.reject(abortError(signal));
  return new Promise((resolve, reject) => {
    const cleanUps: (() => void)[] = [];
    const settle = (finish: () => void): void => {
      for (const cleanUp of cleanUps) cleanUp();
      finish();
    };
    const look = ({ status }: JobChange): void => {
      if (hasEnded(status.state)) settle(() => resolve(status));
    };
    const fail = (error: unknown): void => settle(() => reject(error));
    cleanUps.push(feed.subscribe(id, { changed: look, progressed: () => undefined, closed: fail }));
    if (signal !== undefined) cleanUps.push(onAbort(signal, () => fail(abortError(signal))));
    if (timeoutMs !== undefined) {
      const timer = clock.setTimer(() => fail(waitTimeout(timeoutMs)), timeoutMs);
      cleanUps.push(() => timer.cancel());
    }
    feed
      .listening()
      .then(() => presentState(id, context))
      .then(look, fail);
  });
}

function waitTimeout(timeoutMs: number): TimeoutError {
  return new TimeoutError(
    `The job has no result after ${timeoutMs} ms. It goes on: call result() again, or cancel() it.`,
    { code: 'timeout', retryable: true },
  );
}

async function loadTranscript(
  id: string,
  transcriptId: string,
  { store, held }: JobContext,
): Promise<Transcript> {
  const transcript = held.get(id)?.transcript ?? (await store.transcript(transcriptId));
  if (transcript !== undefined) return transcript;
  throw new StorageError(
    `The job completed, but its transcript ${transcriptId} is no longer in the storage. Enqueue the audio again.`,
    { code: 'not_found' },
  );
}

function followEvents(id: string, context: JobContext): AsyncIterator<JobEvent> {
  const queue = new AsyncQueue<JobEvent>();
  const missed: JobChange[] = [];
  let last: JobChange | undefined;
  let unsubscribe: () => void = () => undefined;
  const push = (change: JobChange): void => {
    const { version, status } = change;
    if (last !== undefined && version <= last.version) return;
    last = change;
    queue.push({ type: status.state, status });
    if (!hasEnded(status.state)) return;
    unsubscribe();
    queue.end();
  };
  const fail = (error: unknown): void => {
    unsubscribe();
    queue.fail(error);
  };
  if (context.feed.closedWith !== undefined) {
    fail(context.feed.closedWith);
  } else {
    // Changes that come before the present state is known wait for it.
    unsubscribe = context.feed.subscribe(id, {
      changed: (change) => (last === undefined ? missed.push(change) : push(change)),
      progressed: (progress) => {
        if (last !== undefined) queue.push({ type: 'progress', status: last.status, progress });
      },
      closed: fail,
    });
    context.feed
      .listening()
      .then(() => presentState(id, context))
      .then((present) => {
        push(present);
        missed.forEach(push);
      }, fail);
  }
  return {
    next: () => queue.next(),
    return: () => {
      unsubscribe();
      queue.end();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}
