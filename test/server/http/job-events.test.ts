import { createMemoryStorage, type JobEvent, type TranscriptionClient } from 'transcription-client';
import { synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../support/manual-clock.js';
import { EventReader } from './event-reader.js';
import { handRig } from './hand-job.js';
import { bearer, type HttpRigOptions, problemOf, startHttpRig } from './rig.js';

const { audio } = synthesizeSpeech('one two three');
const PROCESSING_MS = 1000;

/** A rig with a job of ada's whose request Deepgram works on until its clock is moved. */
async function activeJob(options: HttpRigOptions = {}) {
  const deepgramClock = new ManualClock();
  const clock = new ManualClock();
  const rig = await startHttpRig({
    ...options,
    emulator: { clock: deepgramClock, processingMs: PROCESSING_MS },
    http: { clock, heartbeatMs: 15_000, ...options.http },
  });
  const job = await rig.client.enqueue(audio, { userId: 'ada' });
  await vi.waitFor(() => expect(rig.emulator.requests).toHaveLength(1), { timeout: 10_000 });
  const follow = (headers: Record<string, string> = {}, init: RequestInit = {}) =>
    rig.fetch(`/jobs/${job.id}/events`, { ...init, headers });
  const finish = async () => {
    await deepgramClock.advance(PROCESSING_MS);
    await job.result();
  };
  return { rig, job, clock, follow, finish };
}

describe('GET /jobs/:id/events', () => {
  it('tells the present state and each step, and ends after the last one', async () => {
    const { rig, job, clock, follow, finish } = await activeJob({ http: { basePath: '/api' } });
    await using _ = rig;
    const response = await follow();
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    const reader = new EventReader(response);
    expect(await reader.next()).toEqual({ retry: expect.stringMatching(/^\d+$/) });
    const active = await reader.next();
    expect(active).toMatchObject({ event: 'active', data: { type: 'active', status: await job.status() } });
    await finish();
    const rest = await reader.rest();
    const status = await job.status();
    expect(rest.filter(({ event }) => event !== 'progress')).toEqual([
      {
        event: 'completed',
        id: expect.stringMatching(/^completed-1-\d+$/),
        data: {
          type: 'completed',
          status: { ...status, transcriptUrl: `/api/transcripts/${(await job.result()).id}` },
        },
      },
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('leaves out what the reader has seen, also in another process', async () => {
    const storage = createMemoryStorage();
    const { rig, job, follow, finish } = await activeJob({ client: { storage } });
    await using _ = rig;
    const first = new EventReader(await follow());
    const seen = (await first.nextEvent())?.id ?? '';
    expect(seen).toMatch(/^active-1-\d+$/);
    await first.cancel();
    const again = new EventReader(await follow({ 'last-event-id': seen }));
    const other = new EventReader(await follow({ 'last-event-id': 'active-1-5' }));
    expect(await other.nextEvent()).toMatchObject({ event: 'active', id: seen });
    await finish();
    const [completed] = (await again.rest()).filter(({ event }) => event !== 'progress');
    expect(completed).toMatchObject({ event: 'completed' });
    await other.rest();
    // A process that has never seen the job.
    await using elsewhere = await startHttpRig({ client: { storage } });
    const there = (id: string) =>
      elsewhere.fetch(`/jobs/${job.id}/events`, { headers: { 'last-event-id': id } });
    expect(await new EventReader(await there(seen)).rest()).toEqual([completed]);
    // There is nothing more to come: a browser that is told so does not come again.
    const over = await there(completed?.id ?? '');
    expect(over.status).toBe(204);
    expect(await over.text()).toBe('');
  });

  it('tells a job that has ended already in one event', async () => {
    const { rig, job, follow } = await activeJob();
    await using _ = rig;
    await job.cancel();
    const events = await new EventReader(await follow()).rest();
    expect(events).toMatchObject([
      { event: 'cancelled', data: { type: 'cancelled', status: await job.status() } },
    ]);
  });

  it('tells of a job that fails no more than a request would', async () => {
    await using rig = await startHttpRig({ emulator: { apiKeys: ['another-key-of-deepgram'] } });
    const job = await rig.client.enqueue(audio, { userId: 'ada' });
    const events = await new EventReader(await rig.fetch(`/jobs/${job.id}/events`)).rest();
    expect(events.at(-1)).toMatchObject({
      event: 'failed',
      data: {
        status: {
          error: { code: 'invalid_credentials', message: expect.stringContaining('log of the server') },
        },
      },
    });
  });

  it('gives progress without an id, so that a browser comes back to the last state', async () => {
    const { job, follow } = handRig();
    const reader = new EventReader(await follow());
    job.say({ type: 'active', status: job.active() });
    expect(await reader.nextEvent()).toMatchObject({ event: 'active', id: expect.any(String) });
    job.progress(5);
    const progress = await reader.nextEvent();
    expect(progress).toMatchObject({ event: 'progress', data: { progress: { sentBytes: 5 } } });
    expect(progress).not.toHaveProperty('id');
    await reader.cancel();
  });

  it('says a state once, although its record was written again, and each attempt anew', async () => {
    const { job, follow } = handRig();
    const reader = new EventReader(await follow());
    const [first, second] = [job.active(1), { ...job.active(1), startedAt: '2026-01-01T00:00:09.000Z' }];
    for (const status of [first, first, second, job.active(2)]) job.say({ type: 'active', status });
    const ids = [await reader.nextEvent(), await reader.nextEvent(), await reader.nextEvent()].map(
      (block) => block?.id,
    );
    expect(new Set(ids).size).toBe(3);
    await reader.cancel();
  });

  it('ends where the job is removed, or the client is closed', async () => {
    const { rig, clock, follow } = await activeJob();
    await using _ = rig;
    const reader = new EventReader(await follow());
    expect(await reader.nextEvent()).toMatchObject({ event: 'active' });
    await rig.client.close({ timeoutMs: 0 });
    await reader.rest();
    expect(clock.pendingTimers).toBe(0);
    expect((await follow()).status).toBe(503);
  });

  it('ends where its job cannot be followed any more, and the log hears why', async () => {
    const reported: [string, string][] = [];
    const { job, clock, follow } = handRig({
      onError: (error: Error, { route }: { route: string }) => reported.push([error.message, route]),
    });
    const reader = new EventReader(await follow());
    expect(await reader.next()).toHaveProperty('retry');
    job.fail(new Error('the disk is on fire'));
    expect(await reader.next()).toBeUndefined();
    expect(reported).toEqual([[expect.any(String), '/jobs/:id/events']]);
    expect(job.followers).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the limits', () => {
  it('are 429 for one user, 503 for all, each with Retry-After, and a stream that ends makes room', async () => {
    const { rig, job, follow } = await activeJob({
      http: { limits: { maxEventStreams: 3, maxEventStreamsPerPrincipal: 2 } },
    });
    await using _ = rig;
    const bens = await rig.client.enqueue(audio, { userId: 'ben' });
    const followAsBen = () => rig.fetch(`/jobs/${bens.id}/events`, { headers: bearer('ben') });
    const [first, second] = [new EventReader(await follow()), new EventReader(await follow())];
    const third = await follow();
    expect(third.status).toBe(429);
    expect(third.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(await problemOf(third)).toMatchObject({ code: 'too_many_streams' });
    const ofBen = new EventReader(await followAsBen());
    const fourth = await followAsBen();
    expect(fourth.status).toBe(503);
    expect(fourth.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(await problemOf(fourth)).toMatchObject({ code: 'too_many_streams' });
    await first.cancel();
    const next = new EventReader(await follow());
    expect((await followAsBen()).status).toBe(503);
    await job.cancel();
    expect((await second.rest()).at(-1)).toMatchObject({ event: 'cancelled' });
    expect((await next.rest()).at(-1)).toMatchObject({ event: 'cancelled' });
    const last = new EventReader(await followAsBen());
    await Promise.all([ofBen.cancel(), last.cancel()]);
  });
});

/** The iterators of the real queue are let go of as well. */
it('a job of a real client is followed by nobody once its readers have gone', async () => {
  const { rig, job, follow } = await activeJob();
  await using _ = rig;
  const returned = vi.fn();
  watchIterators(rig.client, returned);
  const readers: EventReader[] = [];
  for (let count = 0; count < 10; count += 1) readers.push(new EventReader(await follow()));
  for (const reader of readers) expect(await reader.nextEvent()).toMatchObject({ event: 'active' });
  expect(returned).not.toHaveBeenCalled();
  await Promise.all(readers.map((reader) => reader.cancel()));
  expect(returned).toHaveBeenCalledTimes(10);
  await job.cancel();
});

function watchIterators(client: TranscriptionClient, returned: () => void): void {
  const { get } = client.jobs;
  vi.spyOn(client.jobs, 'get').mockImplementation(async (id) => {
    const job = await get(id);
    if (job === undefined) return undefined;
    const events = () => {
      const iterator = job.events()[Symbol.asyncIterator]();
      const end = () => {
        returned();
        return iterator.return?.() as Promise<IteratorResult<JobEvent>>;
      };
      return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next(), return: end }) };
    };
    return { ...job, events };
  });
}
