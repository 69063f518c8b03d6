import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryStorage, type StorageAdapter } from 'transcription-client';
import { createSqliteStorage } from 'transcription-client/sqlite';
import { synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/queue.js';
import { failureOf } from '../support/client.js';
import { send, startHttpServer } from '../support/fault-server.js';
import {
  eventually,
  PROCESSING_MS,
  REDELIVERY_MS,
  type RigOptions,
  resultOf,
  secretIn,
  sentSecret,
  startCallbackRig,
} from './callback-rig.js';

const { audio } = synthesizeSpeech('hello from the other side');
const delivery = 'callback';

/** Lets single operations of a storage wait or fail. */
function tampered(tamper: (operation: 'get' | 'put' | 'transact', data: unknown) => Promise<void>) {
  const storage = createMemoryStorage();
  return {
    ...storage,
    capabilities: storage.capabilities,
    list: (collection, query) => storage.list(collection, query),
    delete: (collection, id, condition) => storage.delete(collection, id, condition),
    async get(collection, id) {
      await tamper('get', undefined);
      return storage.get(collection, id);
    },
    async put(record, condition) {
      await tamper('put', record.data);
      return storage.put(record, condition);
    },
    async transact(changes) {
      await tamper('transact', undefined);
      return (await storage.transact?.(changes)) ?? false;
    },
  } satisfies StorageAdapter;
}

describe('a job with a callback', () => {
  it('completes with what Deepgram brings, and holds no place of the worker meanwhile', async () => {
    await using rig = await startCallbackRig({
      client: { queue: { concurrency: 1 }, limits: { maxConcurrent: 1 } },
    });
    const options = { delivery, extra: ['a:1', 'b:2:3'], userId: 'u1', metadata: { order: 7 } } as const;
    const first = await rig.client.enqueue(audio, options);
    const second = await rig.client.enqueue(rig.emulator.serveAudio(audio), { delivery });
    await rig.waits(first);
    await rig.waits(second);
    expect(await rig.client.jobs.list({ state: 'active' })).toMatchObject({ items: [{}, {}] });
    const [request] = rig.submissions;
    expect(request?.query.get('callback')).toBe(rig.callbackUrl);
    expect(request?.query.getAll('extra')).toEqual([
      'a:1',
      'b:2:3',
      expect.stringMatching(/^callback_secret:job_/),
    ]);
    const [submitted] = rig.eventsOf('request-end');
    const requestId = request?.requestId;
    const { id: jobId } = first;
    expect(rig.eventsOf('request-start')[0]).toMatchObject({ mode: 'async', jobId, userId: 'u1' });
    expect(rig.eventsOf('attempt')[0]).toMatchObject({
      jobId,
      status: 'success',
      httpStatus: 200,
      requestId,
    });
    expect(submitted).toMatchObject({ jobId, status: 'success', requestId, attempts: 1 });
    expect(submitted).not.toHaveProperty('audioSeconds');

    await rig.clock.advance(5000);
    await rig.deepgramClock.advance(PROCESSING_MS);
    const transcript = await first.result();
    expect(transcript).toMatchObject({
      mode: 'async',
      text: 'hello from the other side',
      model: 'nova-3',
      region: 'here',
      requestId,
      requestIds: [requestId],
      createdAt: new Date(rig.clock.wallMs()).toISOString(),
    });
    expect(transcript.response.metadata).toMatchObject({ extra: { a: '1', b: '2:3' } });
    expect(transcript.response.metadata).not.toHaveProperty('extra.callback_secret');
    expect((await second.result()).response.metadata).not.toHaveProperty('extra');
    expect(await rig.client.transcripts.get(transcript.id)).toMatchObject({
      jobId,
      userId: 'u1',
      metadata: { order: 7 },
    });
    const ofFirst = rig.eventsOf('job').filter((event) => event.jobId === jobId);
    expect(ofFirst.map(({ state }) => state)).toEqual(['queued', 'active', 'completed']);
    expect(ofFirst.at(-1)).toMatchObject({ durationMs: 5000, attempt: 1, userId: 'u1' });
    expect(rig.arrivals.map(({ result }) => result)).toEqual([
      { httpStatus: 200, outcome: 'completed', jobId: expect.any(String) },
      { httpStatus: 200, outcome: 'completed', jobId: expect.any(String) },
    ]);
    expect(rig.eventsOf('warning')).toEqual([]);
    // The entries are out of the queue, and nothing of them is left on the clock.
    await eventually(() => expect(rig.clock.pendingTimers).toBe(0));
  });

  it('is completed by another client, from another storage connection, after a restart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'callback-'));
    const open = () => createSqliteStorage({ path: join(folder, 'jobs.db') });
    try {
      const before = open();
      await using rig = await startCallbackRig({ storage: before });
      const job = await rig.client.enqueue(audio, { delivery });
      await rig.waits(job);
      await rig.client.close();
      await before.close?.();
      const after = open();
      const next = rig.connect({ storage: after });
      rig.routeTo(next);
      await rig.deepgramClock.advance(PROCESSING_MS);
      expect((await rig.arrival(1)).result).toMatchObject({ outcome: 'completed', jobId: job.id });
      const found = await next.jobs.get(job.id);
      expect((await found?.result())?.text).toBe('hello from the other side');
      await next.close();
      await after.close?.();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('is completed where the callback is faster than the worker, which then has lost', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reached: unknown[] = [];
    const storage = tampered(async (_operation, data) => {
      if ((data as { submittedAt?: string } | undefined)?.submittedAt === undefined) return;
      reached.push(data);
      await gate;
    });
    await using rig = await startCallbackRig({ storage, processingMs: 0 });
    const job = await rig.client.enqueue(audio, { delivery });
    expect((await rig.arrival(1)).result).toMatchObject({ httpStatus: 200, outcome: 'completed' });
    const { id } = await job.result();
    await eventually(() => expect(reached).toHaveLength(1));
    release();
    await eventually(() => expect(rig.clock.pendingTimers).toBe(0));
    expect(await rig.data(job.id)).toMatchObject({ state: 'completed', transcriptId: id });
    expect(await rig.data(job.id)).not.toHaveProperty('submittedAt');
    expect(rig.eventsOf('request-end')).toMatchObject([{ status: 'success' }]);
    expect(rig.eventsOf('job').map(({ state }) => state)).toEqual(['queued', 'active', 'completed']);
    // A replay is known, although the worker never wrote which request it was.
    const secret = sentSecret(rig);
    const requestId = rig.submissions[0]?.requestId ?? '';
    const replay = (request: string) => rig.client.handleCallback({ body: resultOf(secret, request) });
    expect(await replay(requestId)).toMatchObject({ outcome: 'duplicate' });
    expect(await replay('another')).toMatchObject({ outcome: 'swapped' });
  });

  it('is completed while Deepgram still answers the request, which then is none that was cancelled', async () => {
    let early: unknown;
    const answer = async (secret: string, response: ServerResponse): Promise<void> => {
      early = await rig.client.handleCallback({ body: resultOf(secret, 'r-1') });
      // By now a cancelled request would show.
      await eventually(async () => expect(await job.status()).toMatchObject({ state: 'completed' }));
      send(response, { status: 200, body: { request_id: 'r-1' } });
    };
    await using server = await startHttpServer((request, response) => {
      request.resume().on('end', () => void answer(secretIn(request.url), response));
    });
    await using rig = await startCallbackRig({ endpoint: server.url });
    const job = await rig.client.enqueue(audio, { delivery });
    await eventually(() => expect(rig.eventsOf('request-end')).toHaveLength(1));
    expect(early).toMatchObject({ outcome: 'completed' });
    expect(rig.eventsOf('request-end')).toMatchObject([{ status: 'success', requestId: 'r-1' }]);
    await eventually(() => expect(rig.clock.pendingTimers).toBe(0));
    expect(await job.status()).toMatchObject({ state: 'completed', attempts: 1 });
  });

  it('ends the attempt that runs when the result of the one before comes late', async () => {
    await using server = await startHttpServer((request, response, count) => {
      const answer = () => send(response, { status: 200, body: { request_id: `r-${count}` } });
      request.resume().on('end', () => {
        // Nobody answers the second one.
        if (count === 1) answer();
      });
    });
    await using rig = await startCallbackRig({ endpoint: server.url });
    const job = await rig.client.enqueue(audio, { delivery });
    await rig.waits(job);
    await rig.clock.advance(60_000);
    await eventually(() => expect(server.requests).toHaveLength(2));
    const body = resultOf(secretIn(server.requests[0]?.url), 'r-1');
    expect(await rig.client.handleCallback({ body })).toMatchObject({ outcome: 'completed' });
    await eventually(() => expect(rig.eventsOf('request-end')).toHaveLength(2));
    expect(rig.eventsOf('request-end')).toMatchObject([{ status: 'success' }, { status: 'cancelled' }]);
    expect((await job.result()).requestId).toBe('r-1');
    await eventually(() => expect(rig.clock.pendingTimers).toBe(0));
  });

  it('leaves no result where it is cancelled while a storage without transactions takes it', async () => {
    let cancelling: Promise<boolean> | undefined;
    const { transact: _, ...storage } = tampered(async (_operation, data) => {
      if (data === undefined || !('requestIds' in (data as object))) return;
      cancelling ??= job.cancel();
      await cancelling;
    });
    await using rig = await startCallbackRig({ storage });
    const job = await rig.client.enqueue(audio, { delivery });
    await rig.waits(job);
    const body = resultOf(sentSecret(rig), rig.submissions[0]?.requestId ?? '');
    expect(await rig.client.handleCallback({ body })).toMatchObject({ outcome: 'stale' });
    expect(await cancelling).toBe(true);
    expect(await job.status()).toMatchObject({ state: 'cancelled' });
    expect((await rig.client.transcripts.list()).items).toEqual([]);
  });

  it('is handed in again where the callback does not come, and fails after the last attempt', async () => {
    await using rig = await startCallbackRig({ processingMs: 10_000_000 });
    const job = await rig.client.enqueue(audio, { delivery, attempts: 2 });
    await rig.waits(job);
    await rig.clock.advance(59_999);
    expect(rig.submissions).toHaveLength(1);
    await rig.clock.advance(1);
    await rig.waits(job, 2);
    expect(rig.submissions).toHaveLength(2);
    expect(sentSecret(rig, 1)).not.toBe(sentSecret(rig, 0));
    expect(rig.eventsOf('warning')).toMatchObject([
      { code: 'possible-double-billing', jobId: job.id, message: expect.stringContaining('callback') },
    ]);
    await rig.clock.advance(60_000);
    expect(await failureOf(job.result())).toMatchObject({ code: 'timeout', ambiguous: true, attempt: 2 });
    expect(rig.submissions).toHaveLength(2);
    expect(rig.clock.pendingTimers).toBe(0);
    // What comes now changes nothing.
    const late = resultOf(sentSecret(rig), rig.submissions[0]?.requestId ?? '');
    expect(await rig.client.handleCallback({ body: late })).toMatchObject({
      httpStatus: 200,
      outcome: 'stale',
    });
    expect(await job.status()).toMatchObject({ state: 'failed' });
    expect((await rig.client.transcripts.list()).items).toEqual([]);
  });

  it('takes the late callback of an attempt that another one has followed', async () => {
    await using rig = await startCallbackRig({ processingMs: 90_000 });
    const job = await rig.client.enqueue(audio, { delivery });
    await rig.waits(job);
    await rig.clock.advance(60_000);
    await rig.waits(job, 2);
    const [early, late] = rig.submissions.map(({ requestId }) => requestId);
    // A failure of the first attempt is none of the second.
    const broken = { metadata: { request_id: early, extra: { callback_secret: sentSecret(rig) } } };
    expect(await rig.client.handleCallback({ body: broken })).toMatchObject({ outcome: 'stale' });
    await rig.deepgramClock.advance(90_000);
    await rig.arrival(2);
    expect(rig.arrivals.map(({ result }) => result)).toMatchObject([
      { outcome: 'completed' },
      { outcome: 'duplicate' },
    ]);
    expect([early, late]).toContain((await job.result()).requestId);
    expect((await rig.client.transcripts.list()).items).toHaveLength(1);
    await eventually(() => expect(rig.clock.pendingTimers).toBe(0));
  });

  it('ends at its total time while it waits', async () => {
    await using rig = await startCallbackRig({ processingMs: 10_000_000 });
    const job = await rig.client.enqueue(audio, { delivery, totalTimeoutMs: 20_000 });
    await rig.waits(job);
    await rig.clock.advance(19_999);
    expect(await job.status()).toMatchObject({ state: 'active' });
    await rig.clock.advance(1);
    expect(await failureOf(job.result())).toMatchObject({ code: 'timeout', attempt: 1 });
    expect(rig.submissions).toHaveLength(1);
  });

  it('is left alone where its entry comes up before the time of the callback is over', async () => {
    await using rig = await startCallbackRig();
    const job = await rig.client.enqueue(audio, { delivery });
    await rig.waits(job);
    await rig.client.close();
    // A new worker with a queue that got the job again, as a reconciler gives it.
    const queue = createMemoryQueue({ clock: rig.clock });
    await queue.add([{ id: job.id, priority: 0, delayMs: 0 }]);
    const next = rig.connect({ queue });
    next.startWorker();
    rig.routeTo(next);
    await eventually(async () => expect(await queue.depth()).toMatchObject({ delayed: 1 }));
    expect(rig.submissions).toHaveLength(1);
    await rig.deepgramClock.advance(PROCESSING_MS);
    await rig.arrival(1);
    expect(await (await next.jobs.get(job.id))?.status()).toMatchObject({ state: 'completed', attempts: 1 });
    await eventually(async () => expect(await queue.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 }));
  });

  it('fails on a worker that has no route for callbacks', async () => {
    await using rig = await startCallbackRig({ client: { queue: { autoStart: false } } });
    const job = await rig.client.enqueue(rig.emulator.serveAudio(audio), { delivery });
    const queue = createMemoryQueue({ clock: rig.clock });
    await queue.add([{ id: job.id, priority: 0, delayMs: 0 }]);
    const other = rig.connect({ queue, callback: undefined as never });
    other.startWorker();
    await eventually(async () => expect(await job.status()).toMatchObject({ state: 'failed' }));
    expect(await failureOf(job.result())).toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining('callback: { url, secret }'),
    });
    expect(rig.submissions).toEqual([]);
  });

  it('is ended by cancel() at once, and what comes afterwards leaves no result', async () => {
    await using rig = await startCallbackRig();
    const job = await rig.client.enqueue(audio, { delivery });
    await rig.waits(job);
    expect(await job.cancel()).toBe(true);
    expect(await job.status()).toMatchObject({ state: 'cancelled' });
    await eventually(() => expect(rig.clock.pendingTimers).toBe(0));
    await rig.deepgramClock.advance(PROCESSING_MS);
    expect((await rig.arrival(1)).result).toEqual({ httpStatus: 200, outcome: 'stale', jobId: job.id });
    expect(await job.status()).toMatchObject({ state: 'cancelled' });
    expect((await rig.client.transcripts.list()).items).toEqual([]);
  });

  it('is completed once where Deepgram brings the result twice', async () => {
    const answer: RigOptions['answer'] = (_arrival, count) => (count === 1 ? 500 : undefined);
    await using rig = await startCallbackRig({ answer });
    const job = await rig.client.enqueue(audio, { delivery });
    await rig.waits(job);
    await rig.deepgramClock.advance(PROCESSING_MS);
    await rig.arrival(1);
    const record = await rig.storage.get('jobs', job.id);
    await eventually(() => expect(rig.emulator.journal.callbacks).toHaveLength(1));
    await rig.deepgramClock.advance(REDELIVERY_MS);
    await rig.arrival(2);
    expect(rig.arrivals.map(({ result }) => result)).toMatchObject([
      { outcome: 'completed' },
      { outcome: 'duplicate', httpStatus: 200 },
    ]);
    expect(await rig.storage.get('jobs', job.id)).toEqual(record);
    expect((await rig.client.transcripts.list()).items).toHaveLength(1);
    expect(rig.eventsOf('job').filter(({ state }) => state === 'completed')).toHaveLength(1);
  });

  it.each(['get', 'transact'] as const)('waits for a storage that is down (%s)', async (down) => {
    let isDown = false;
    const storage = tampered(async (operation) => {
      if (isDown && operation === down) throw new Error('disk on fire');
    });
    await using rig = await startCallbackRig({ storage });
    const job = await rig.client.enqueue(audio, { delivery });
    await rig.waits(job);
    isDown = true;
    await rig.deepgramClock.advance(PROCESSING_MS);
    // The pauses between the tries of a write.
    await eventually(async () => {
      await rig.clock.advance(100);
      expect(rig.arrivals).toHaveLength(1);
    });
    expect(rig.arrivals[0]?.result).toMatchObject({ name: 'StorageError', code: 'storage_failed' });
    isDown = false;
    expect(await job.status()).toMatchObject({ state: 'active' });
    await eventually(() => expect(rig.emulator.journal.callbacks).toHaveLength(1));
    await rig.deepgramClock.advance(REDELIVERY_MS);
    expect((await rig.arrival(2)).result).toMatchObject({ outcome: 'completed' });
    expect((await job.result()).text).toBe('hello from the other side');
  });

  it('fails where the callback holds no transcript', async () => {
    await using rig = await startCallbackRig();
    const job = await rig.client.enqueue(audio, { delivery });
    await rig.waits(job);
    const requestId = rig.submissions[0]?.requestId ?? '';
    const body = { ...resultOf(sentSecret(rig), requestId), results: { channels: [] } };
    expect(await rig.client.handleCallback({ body })).toEqual({
      httpStatus: 200,
      outcome: 'failed',
      jobId: job.id,
    });
    expect(await failureOf(job.result())).toMatchObject({ code: 'invalid_response', requestId, attempt: 1 });
    await rig.deepgramClock.advance(PROCESSING_MS);
    expect((await rig.arrival(1)).result).toMatchObject({ outcome: 'stale' });
    await eventually(() => expect(rig.clock.pendingTimers).toBe(0));
  });

  it('starts a second round by retry(), which the callback of the first may still end', async () => {
    await using rig = await startCallbackRig({
      processingMs: 10_000_000,
      client: { queue: { attempts: 1 } },
    });
    const job = await rig.client.enqueue(rig.emulator.serveAudio(audio), { delivery });
    await rig.waits(job);
    await rig.clock.advance(60_000);
    await failureOf(job.result());
    await rig.client.jobs.retry(job.id);
    await eventually(() => expect(rig.submissions).toHaveLength(2));
    await rig.waits(job);
    const body = resultOf(sentSecret(rig), rig.submissions[0]?.requestId ?? '');
    expect(await rig.client.handleCallback({ body })).toMatchObject({ outcome: 'completed' });
    expect((await job.result()).text).toBe('taken from the callback');
  });
});

describe('the submission', () => {
  it('is refused by the limits of spend, and what the callback tells of the length counts', async () => {
    await using rig = await startCallbackRig({ client: { spend: { maxAudioSecondsPerHour: 60 } } });
    const tooLong = await rig.client.enqueue(audio, { delivery, durationSeconds: 61 });
    expect(await failureOf(tooLong.result())).toMatchObject({ code: 'spend_limit' });
    expect(rig.submissions).toHaveLength(0);
    const job = await rig.client.enqueue(audio, { delivery, durationSeconds: 10 });
    await rig.waits(job);
    const body = resultOf(sentSecret(rig), rig.submissions[0]?.requestId ?? '') as { metadata: object };
    const long = { ...body, metadata: { ...body.metadata, duration: 60 } };
    expect(await rig.client.handleCallback({ body: long })).toMatchObject({ outcome: 'completed' });
    expect(await failureOf(rig.client.transcribe(audio))).toMatchObject({ code: 'spend_limit' });
  });

  it('is made again after a 429 without using up an attempt, under another secret', async () => {
    await using rig = await startCallbackRig();
    rig.emulator.faults.next({ kind: 'status', status: 429 } as never);
    const job = await rig.client.enqueue(audio, { delivery, attempts: 1 });
    await eventually(() => expect(rig.submissions).toHaveLength(1));
    await eventually(async () => {
      await rig.clock.advance(1000);
      expect(rig.submissions).toHaveLength(2);
    });
    await rig.waits(job);
    expect(sentSecret(rig, 1)).not.toBe(sentSecret(rig, 0));
    await rig.deepgramClock.advance(PROCESSING_MS);
    expect((await job.result()).text).toBe('hello from the other side');
  });
});
