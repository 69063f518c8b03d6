import { setTimeout as wait } from 'node:timers/promises';
import {
  type ClientEventOf,
  createMemoryStorage,
  type Job,
  type JobState,
  TranscriptionError,
} from 'transcription-client';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { expect, it } from 'vitest';
import { clientOf } from '../support/client.js';
import type { Dice } from './dice.js';
import { drawHttpFaults } from './fault-plan.js';
import { Leftovers } from './leftovers.js';
import { scaled } from './settings.js';
import { soak } from './soak.js';

const COUNT = 2000;
const LEAST_COUNT = 40;
const PARALLEL = 20;
/** Longer than all attempts of a job and their back-offs. */
const END_WITHIN_MS = 20_000;
const ENDS: readonly JobState[] = ['completed', 'failed', 'cancelled'];

/** Everything about a job that its dice decide. */
function draw(dice: Dice, index: number) {
  const cancels = Array.from({ length: dice.oneOf([0, 0, 1, 2]) }, () => dice.whole(0, 500));
  const isUrl = dice.chance(0.7);
  return {
    text: `job-${index}`,
    options: {
      tag: `soak-${index}`,
      priority: dice.whole(0, 2),
      delayMs: dice.oneOf([0, 0, dice.whole(1, 200)]),
      attempts: dice.whole(1, 4),
      timeoutMs: dice.whole(150, 400),
    },
    cancelAfterMs: cancels,
    /** How often a job that has not been completed is begun anew. Audio in memory is gone with the first end. */
    retries: isUrl ? dice.whole(0, 2) : 0,
    isUrl,
    faults: { rate: dice.oneOf([0, 0.3, 0.7, 1]), seed: dice.seed(), kinds: drawHttpFaults(dice, 0.3) },
  };
}

/** The last state that the job's own events tell; they must agree with its record. */
async function endOf(job: Job): Promise<JobState> {
  const states: JobState[] = [];
  for await (const { type, status } of job.events()) if (type !== 'progress') states.push(status.state);
  expect(states.filter((state) => ENDS.includes(state))).toEqual([states.at(-1)]);
  const { state } = await job.status();
  expect(state).toBe(states.at(-1));
  return state;
}

it('every acknowledged job ends once, and a completed one has one transcript', async () => {
  using leftovers = new Leftovers();
  await using emulator = await startDeepgramEmulator();
  const storage = createMemoryStorage({ maxRecords: 10 * scaled(COUNT, LEAST_COUNT) });
  const client = clientOf(emulator.url, {
    storage,
    queue: { concurrency: PARALLEL, backoffMs: 5, maxBackoffMs: 50 },
  });
  /** The ends that the client told, by job. */
  const ends = new Map<string, JobState[]>();
  client.on('job', ({ jobId, state, durationMs }: ClientEventOf<'job'>) => {
    if (durationMs !== undefined) ends.set(jobId, [...(ends.get(jobId) ?? []), state]);
  });

  await soak({
    name: 'queue',
    count: COUNT,
    leastCount: LEAST_COUNT,
    parallel: 2 * PARALLEL,
    async run({ index, dice, tally, note }) {
      const plan = draw(dice, index);
      note(plan);
      const { audio } = synthesizeSpeech(plan.text, { sampleRate: 8000 });
      const tag = plan.options.tag;
      const set = emulator.faults.random({ ...plan.faults, when: ({ query }) => query.get('tag') === tag });
      const source = plan.isUrl ? emulator.serveAudio(audio) : audio;
      const job = await client.enqueue(source, plan.options);
      const cancelling = plan.cancelAfterMs.map((afterMs) => wait(afterMs).then(() => job.cancel()));
      const told: JobState[] = [await within(endOf(job))];
      for (let round = 0; round < plan.retries && told.at(-1) !== 'completed'; round += 1) {
        await client.jobs.retry(job.id);
        told.push(await within(endOf(job)));
      }
      const cancelled = (await Promise.all(cancelling)).filter(Boolean);
      set.remove();

      for (const state of told) tally.count(`round ended ${state}`);
      expect(ends.get(job.id)).toEqual(told);
      expect(cancelled).toHaveLength(told.filter((state) => state === 'cancelled').length);
      const result = await job.result().catch((error: unknown) => error);
      if (told.at(-1) === 'completed') expect(result).toMatchObject({ text: plan.text });
      else expect(TranscriptionError.isInstance(result), String(result)).toBe(true);
      expect((await storage.get('jobs', job.id))?.data).toMatchObject({ state: told.at(-1) });
      await expectTranscripts(job);
    },
  });

  /** A transcript knows its job. */
  async function expectTranscripts(job: Job): Promise<void> {
    const status = await job.status();
    if (status.state !== 'completed') return;
    expect(await client.transcripts.get(status.transcriptId)).toMatchObject({ jobId: job.id });
  }

  const transcripts = await transcriptsByJob();
  for (const [jobId, states] of ends) {
    const count = transcripts.get(jobId) ?? 0;
    expect(count, `transcripts of ${jobId}, which ended ${states}`).toBe(
      states.at(-1) === 'completed' ? 1 : 0,
    );
  }
  await client.close();
  // The emulator, too, has fetched audio, and keeps that connection until it is closed.
  await emulator.close();
  await leftovers.expectNoClientSockets();
  await leftovers.expectNothing();

  async function transcriptsByJob(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    let cursor: string | undefined;
    do {
      const page = await client.transcripts.list({ limit: 1000, ...(cursor !== undefined && { cursor }) });
      for (const { jobId = 'none' } of page.items) counts.set(jobId, (counts.get(jobId) ?? 0) + 1);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return counts;
  }
}, 900_000);

async function within<Value>(promise: Promise<Value>): Promise<Value> {
  const controller = new AbortController();
  const late = wait(END_WITHIN_MS, undefined, { signal: controller.signal }).then(() => {
    throw new Error(`The job has not ended within ${END_WITHIN_MS} ms.`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    controller.abort();
  }
}
