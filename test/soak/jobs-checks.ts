import type { StorageCollection, StoredRecord } from 'transcription-client';
import { expect } from 'vitest';
import type { JobData } from '../../src/queue/record.js';
import type { WebhookData } from '../../src/queue/webhook-record.js';
import type { JobsLine } from './jobs-lines.js';
import type { JobsRig } from './jobs-rig.js';
import type { Tally } from './tally.js';

const ENDED = ['completed', 'failed', 'cancelled'];

type LineOf<Type extends JobsLine['type']> = Extract<JobsLine, { type: Type }>;

async function recordsOf(rig: JobsRig, collection: StorageCollection): Promise<readonly StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await rig.backend.storage.list(collection, { limit: 1000, ...(cursor && { cursor }) });
    records.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) return records;
  }
}

/** What has yet to end, for people. Empty: nothing. */
export async function unfinished(rig: JobsRig): Promise<readonly string[]> {
  const jobs = await recordsOf(rig, 'jobs');
  const messages = await recordsOf(rig, 'webhooks');
  return [
    ...jobs.filter(({ status }) => !ENDED.includes(status)).map(show),
    ...messages.filter((message) => message.status === 'pending' && !waitsLong(rig, message)).map(show),
  ];
}

/** A message that the receiver let fail after its sender had been killed in another attempt: the next is in minutes. */
function waitsLong(rig: JobsRig, { id, data }: StoredRecord): boolean {
  const { attempts, attemptsMade } = data as WebhookData;
  const hasFailed = attempts.some(({ outcome }) => outcome === 'failed');
  return attemptsMade > 1 && hasFailed && rig.receiver.failed.has(id);
}

function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

function show({ collection, id, status, version, data }: StoredRecord): string {
  const { attempts, round, runAt, nextAttemptAt } = data as JobData & WebhookData;
  return `${collection} ${id}: ${status}, version ${version}, ${JSON.stringify({ attempts, round, runAt, nextAttemptAt })}`;
}

/** What must hold when everything has come to its end. All that does not is told: one fault has many traces. */
export async function checkJournal(rig: JobsRig, tally: Tally): Promise<void> {
  const journal = new Journal(rig);
  const jobs = await recordsOf(rig, 'jobs');
  for (const { status } of jobs) tally.count(`jobs: ${status}`);
  journal.checkAcknowledged(jobs);
  journal.checkKeys(jobs);
  journal.checkCancelled(jobs);
  checkTranscripts(jobs, await recordsOf(rig, 'transcripts'));
  journal.checkMessages(jobs, await recordsOf(rig, 'webhooks'), tally);
  journal.checkBilled(jobs, tally);
}

function checkTranscripts(jobs: readonly StoredRecord[], transcripts: readonly StoredRecord[]): void {
  const byJob = groupBy(transcripts, ({ data }) => (data as { jobId?: string }).jobId);
  for (const job of jobs) {
    const own = (byJob.get(job.id) ?? []).map(({ id }) => id);
    const expected = job.status === 'completed' ? [(job.data as JobData).transcriptId] : [];
    expect.soft(own, `transcripts of ${show(job)}`).toEqual(expected);
    byJob.delete(job.id);
  }
  expect.soft([...byJob.keys()], 'transcripts of no job').toEqual([]);
}

/** What the processes have told, the receiver got and Deepgram was asked. */
class Journal {
  readonly #rig: JobsRig;
  readonly #lines: readonly JobsLine[];

  constructor(rig: JobsRig) {
    this.#rig = rig;
    this.#lines = rig.lines;
  }

  checkAcknowledged(jobs: readonly StoredRecord[]): void {
    const known = new Set(jobs.map(({ id }) => id));
    const lost = this.#of('acknowledged').filter(({ id }) => !known.has(id));
    expect.soft(lost, 'acknowledged jobs that the storage does not know').toEqual([]);
    expect
      .soft(jobs.filter(({ status }) => !ENDED.includes(status)).map(show), 'jobs without an end')
      .toEqual([]);
  }

  /** One job for each key, whoever was told of it. */
  checkKeys(jobs: readonly StoredRecord[]): void {
    const told = this.#of('acknowledged').map(({ id, tag }) => ({ id, tag }));
    const stored = jobs.map(({ id, data }) => ({ id, tag: String((data as JobData).options.tag) }));
    for (const [tag, same] of groupBy([...told, ...stored], (each) => each.tag)) {
      expect.soft(new Set(same.map(({ id }) => id)).size, `jobs of ${tag}`).toBe(1);
    }
  }

  /** Who was told that a job is cancelled finds it so, unless it was begun again. */
  checkCancelled(jobs: readonly StoredRecord[]): void {
    const stored = new Map(jobs.map((job) => [job.id, job]));
    for (const { id, wasDone } of this.#of('cancelled')) {
      const job = stored.get(id);
      if (!wasDone || job === undefined || (job.data as JobData).round > 0) continue;
      expect.soft(job.status, show(job)).toBe('cancelled');
    }
  }

  /** Each end of a job that asked for it is told, at least once, always with the same id and the same words. */
  checkMessages(jobs: readonly StoredRecord[], messages: readonly StoredRecord[], tally: Tally): void {
    const { receiver } = this.#rig;
    expect.soft(receiver.problems, 'what was no webhook of ours').toEqual([]);
    const byJob = groupBy(messages, ({ data }) => (data as WebhookData).jobId);
    const received = new Set(receiver.events.keys());
    for (const message of messages) {
      const { jobId, type, body } = message.data as WebhookData;
      const events = receiver.events.get(message.id) ?? [];
      tally.count(`messages: ${message.status}`);
      if (events.length > 1) tally.count('messages: received more than once');
      if (message.status !== 'pending') expect.soft(events.length, show(message)).toBeGreaterThan(0);
      for (const { type: told, data } of events) {
        expect.soft({ told, jobId: data.jobId, body: JSON.parse(body).data }).toEqual({
          told: type,
          jobId,
          body: data,
        });
      }
      received.delete(message.id);
    }
    expect.soft([...received], 'messages that the storage does not know').toEqual([]);
    const retries = groupBy(this.#of('retried'), ({ id }) => id);
    for (const job of jobs) {
      const { webhook, round } = job.data as JobData;
      const own = byJob.get(job.id) ?? [];
      // An answer to a retry may be lost, and a job that was taken over has a new round as well.
      const begunAgain = Math.min(round, retries.get(job.id)?.length ?? 0);
      const ends = webhook === undefined ? 0 : 1 + begunAgain;
      expect.soft(own.length, `messages of ${show(job)}`).toBeGreaterThanOrEqual(ends);
      expect
        .soft(own.length, `messages of ${show(job)}`)
        .toBeLessThanOrEqual(webhook === undefined ? 0 : round + 1);
      const last = own.sort((one, other) => (one.createdAt < other.createdAt ? -1 : 1)).at(-1);
      if (last !== undefined) {
        expect.soft((last.data as WebhookData).type, show(job)).toBe(`transcription.${job.status}`);
      }
    }
  }

  /** Each time that a job was paid for more than once follows from something that was told. */
  checkBilled(jobs: readonly StoredRecord[], tally: Tally): void {
    const billed = groupBy(
      this.#rig.emulator.requests.filter(({ method, words }) => method === 'POST' && words > 0),
      ({ query }) => query.get('tag'),
    );
    const warnings = groupBy(this.#of('warning'), ({ id }) => id);
    const changes = groupBy(this.#of('job'), ({ id }) => id);
    for (const job of jobs) {
      const { options, round, lastError } = job.data as JobData;
      const count = billed.get(String(options.tag))?.length ?? 0;
      if (count <= 1) continue;
      tally.count(`billed ${count} times`);
      const takeovers = (warnings.get(job.id) ?? []).filter(
        ({ code, message }) => code === 'possible-double-billing' && message.startsWith('The worker'),
      );
      const own = changes.get(job.id) ?? [];
      const failures = own.filter(({ state, code }) => state === 'queued' && code !== undefined);
      // A process may be killed between its record and what it tells of it.
      const isUntold = lastError !== undefined && !failures.some(({ code }) => code === lastError.code);
      const explained = takeovers.length + failures.length + round + (isUntold ? 1 : 0);
      const told = own.map(({ state, attempt, code = '' }) => `${state} ${attempt} ${code}`).join(', ');
      expect
        .soft(count - 1, `${show(job)} was billed ${count} times. ${told}`)
        .toBeLessThanOrEqual(explained);
    }
  }

  #of<Type extends JobsLine['type']>(type: Type): readonly LineOf<Type>[] {
    return this.#lines.filter((line): line is LineOf<Type> => line.type === type);
  }
}
