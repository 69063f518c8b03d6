import { createMemoryStorage, type Job, type JobStatus } from 'transcription-client';
import { synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../support/manual-clock.js';
import { bearer, type HttpRigOptions, problemOf, startHttpRig } from './rig.js';

const { audio } = synthesizeSpeech('one two three');

async function settled(job: Job): Promise<void> {
  await job.result().catch(() => undefined);
}

/** A rig whose emulator answers when its clock is moved, and a job of ada's that waits for it. */
async function activeJob(options: HttpRigOptions = {}) {
  const deepgramClock = new ManualClock();
  const rig = await startHttpRig({ ...options, emulator: { clock: deepgramClock, processingMs: 1000 } });
  const job = await rig.client.enqueue(audio, { userId: 'ada', metadata: { meeting: 'größe' } });
  await vi.waitFor(() => expect(rig.emulator.requests).toHaveLength(1), { timeout: 10_000 });
  return { rig, job, deepgramClock };
}

describe('GET /jobs/:id', () => {
  it('shows a job on its way, and the path of its transcript in the end', async () => {
    const { rig, job, deepgramClock } = await activeJob({ http: { basePath: '/api/speech' } });
    await using _ = rig;
    const active = await rig.fetch(`/jobs/${job.id}`);
    expect(active.status).toBe(200);
    expect(active.headers.get('content-type')).toBe('application/json');
    expect(active.headers.get('cache-control')).toBe('no-store');
    expect(await active.json()).toEqual(await job.status());
    await deepgramClock.advance(1000);
    const { id } = await job.result();
    const completed = (await (await rig.fetch(`/jobs/${job.id}`)).json()) as Record<string, unknown>;
    expect(completed).toEqual({ ...(await job.status()), transcriptUrl: `/api/speech/transcripts/${id}` });
    expect(completed).toMatchObject({ state: 'completed', metadata: { meeting: 'größe' }, userId: 'ada' });
    const transcript = await rig.handlers.fetch(
      new Request(`http://api.test${completed.transcriptUrl}`, { headers: bearer('ada') }),
    );
    expect(await transcript.json()).toMatchObject({ text: 'one two three' });
  });

  it('answers HEAD like GET, without the body', async () => {
    await using rig = await startHttpRig();
    const job = await rig.client.enqueue(audio, { userId: 'ada' });
    await settled(job);
    const head = await rig.fetch(`/jobs/${job.id}`, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.headers.get('content-type')).toBe('application/json');
    expect(await head.text()).toBe('');
  });

  it('says why a job failed where its audio is to blame', async () => {
    await using rig = await startHttpRig();
    const job = await rig.client.enqueue(new Uint8Array(Buffer.from('this is no audio at all')), {
      userId: 'ada',
    });
    await settled(job);
    const { state, error } = (await (await rig.fetch(`/jobs/${job.id}`)).json()) as JobStatus & {
      state: 'failed';
    };
    expect(state).toBe('failed');
    expect(error).toEqual(((await job.status()) as JobStatus & { state: 'failed' }).error);
    expect(error.message).not.toBe('');
  });

  it('keeps to itself what is a matter of the server, as the answer to a request would', async () => {
    await using rig = await startHttpRig({ emulator: { apiKeys: ['another-key-of-deepgram'] } });
    const job = await rig.client.enqueue(audio, { userId: 'ada' });
    await settled(job);
    const known = (await job.status()) as JobStatus & { state: 'failed' };
    expect(known.error.code).toBe('invalid_credentials');
    const answer = await rig.fetch(`/jobs/${job.id}`);
    const shown = (await answer.json()) as typeof known;
    expect(shown.error).toMatchObject({
      code: 'invalid_credentials',
      message: expect.stringContaining('log of the server'),
    });
    expect(shown.error.message).not.toBe(known.error.message);
  });

  it.each([
    'job_none',
    'a%00b',
    '%F0%9F%8E%A4',
    `job_${'0'.repeat(400)}`,
    'a%2F..%2Fb',
    '__proto__',
    'job_1.json',
  ])(
    'answers %s, which is no job, with 404 and without asking the storage for what it cannot hold',
    async (id) => {
      const asked: string[] = [];
      const memory = createMemoryStorage();
      const storage = {
        ...memory,
        get: async (...given: Parameters<typeof memory.get>) => {
          asked.push(given[1]);
          return memory.get(...given);
        },
      };
      await using rig = await startHttpRig({ client: { storage } });
      for (const method of ['GET', 'DELETE']) {
        const response = await rig.fetch(`/jobs/${id}`, { method });
        expect(response.status).toBe(404);
        expect(await problemOf(response)).toMatchObject({ code: 'job_not_found' });
      }
      expect(asked.filter((each) => !/^[\w-]{1,128}$/.test(each))).toEqual([]);
    },
  );
});

describe('DELETE /jobs/:id', () => {
  it('ends an active job down to its request', async () => {
    const { rig, job } = await activeJob();
    await using _ = rig;
    const response = await rig.fetch(`/jobs/${job.id}`, { method: 'DELETE' });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(await job.status());
    expect(await job.status()).toMatchObject({ state: 'cancelled' });
    await vi.waitFor(
      () => expect(rig.emulator.journal.requests.at(-1)).toMatchObject({ outcome: 'abandoned' }),
      {
        timeout: 10_000,
      },
    );
  });

  it('answers 409 where the job has ended, however it did', async () => {
    const { rig, job, deepgramClock } = await activeJob();
    await using _ = rig;
    await job.cancel();
    const next = await rig.client.enqueue(audio, { userId: 'ada' });
    await vi.waitFor(() => expect(rig.emulator.requests).toHaveLength(2), { timeout: 10_000 });
    await deepgramClock.advance(1000);
    await settled(next);
    for (const [ended, state] of [
      [job, 'cancelled'],
      [next, 'completed'],
    ] as const) {
      const response = await rig.fetch(`/jobs/${ended.id}`, { method: 'DELETE' });
      expect(response.status).toBe(409);
      expect(await problemOf(response)).toMatchObject({
        code: 'job_state',
        detail: expect.stringContaining(state),
      });
      expect(await ended.status()).toMatchObject({ state });
    }
  });

  it('answers 404 for a job that is removed while it is looked at', async () => {
    await using rig = await startHttpRig();
    const job = await rig.client.enqueue(audio, { userId: 'ada' });
    await settled(job);
    const { get } = rig.client.jobs;
    const vanishing = vi.spyOn(rig.client.jobs, 'get').mockImplementation(async (id) => {
      const found = await get(id);
      await rig.client.jobs.remove(id);
      return found;
    });
    const response = await rig.fetch(`/jobs/${job.id}`, { method: 'DELETE' });
    vanishing.mockRestore();
    expect(response.status).toBe(404);
    const { requestId: _first, ...vanished } = await problemOf(response);
    const { requestId: _second, ...unknown } = await problemOf(
      await rig.fetch(`/jobs/${job.id}`, { method: 'DELETE' }),
    );
    expect(vanished).toEqual(unknown);
  });

  it('needs a scope of its own', async () => {
    const { rig, job } = await activeJob();
    await using _ = rig;
    const response = await rig.fetch(`/jobs/${job.id}`, { method: 'DELETE', headers: bearer('ada:read') });
    expect(response.status).toBe(403);
    expect(await job.status()).toMatchObject({ state: 'active' });
    expect((await rig.fetch(`/jobs/${job.id}`, { headers: bearer('ada:transcribe') })).status).toBe(403);
  });
});
