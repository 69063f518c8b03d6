import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { disposeScript, type ProcessRig, type RigOptions, startRig } from './processes/rig.js';

const LOCK_MS = 3000;
const DRAIN_MS = 10_000;

let rig: ProcessRig | undefined;

afterEach(async () => {
  await rig?.close();
  rig = undefined;
});
afterAll(disposeScript);

const KINDS = ['sqlite', 'bullmq'] as const;

async function start(kind: (typeof KINDS)[number], options?: RigOptions): Promise<ProcessRig> {
  rig = await startRig(kind, options);
  return rig;
}

describe.each(KINDS)('jobs of several processes on %s', (kind) => {
  it('are run elsewhere, and followed here', async () => {
    const { client, worker, audioUrl } = bound(await start(kind, { emulator: { processingMs: 300 } }));
    await worker();
    const job = await client.enqueue(audioUrl);
    const states: string[] = [];
    const events = (async () => {
      for await (const { type } of job.events()) states.push(type);
    })();
    const transcript = await job.result({ timeoutMs: 10_000 });
    expect(transcript.text).toBe('one two three');
    await events;
    expect(states.at(-1)).toBe('completed');
    expect(states.filter((state) => state !== 'progress').length).toBeGreaterThan(1);
  });

  it('tell of the progress of a long attempt', async () => {
    const { client, worker, audioUrl } = bound(await start(kind, { emulator: { processingMs: 1800 } }));
    await worker();
    const job = await client.enqueue(audioUrl);
    const phases: string[] = [];
    for await (const event of job.events()) {
      if (event.type === 'progress') phases.push(event.progress.phase);
    }
    expect(phases).toContain('processing');
  });

  it('are fenced against a worker that stood still for longer than its lock', async () => {
    const r = await start(kind, { lockMs: LOCK_MS, emulator: { processingMs: 700 } });
    const stale = await r.worker({ concurrency: 3 });
    const ids = await r.enqueue(3);
    await vi.waitFor(() => expect(r.emulator.journal.inFlight).toBe(3));
    stale.signal('SIGSTOP');
    await r.worker({ concurrency: 3 });
    await r.completed(ids);
    const before = await r.statuses(ids);
    stale.signal('SIGCONT');
    stale.tell('close');
    await stale.printed('closed');
    expect(await r.statuses(ids)).toEqual(before);
    expect(await r.transcripts()).toBe(3);
  });

  it('are cancelled across processes, down to the request', async () => {
    const r = await start(kind, { emulator: { processingMs: 30_000 } });
    await r.worker();
    const [id = ''] = await r.enqueue(1);
    await vi.waitFor(() => expect(r.emulator.journal.inFlight).toBe(1));
    const cancelledAt = performance.now();
    expect(await r.client.jobs.cancel(id)).toBe(true);
    // What Deepgram has begun it goes on with: the connection is what ends.
    const request = r.emulator.requests.find(({ method }) => method === 'POST');
    await vi.waitFor(() => expect(request?.outcome).toBe('abandoned'), {
      timeout: 5000,
      interval: 5,
    });
    expect(performance.now() - cancelledAt).toBeLessThan(500);
    expect(await r.transcripts()).toBe(0);
    const [status] = await r.statuses([id]);
    expect(status).toMatchObject({ state: 'cancelled' });
  });

  it('are given back by a worker that gets SIGTERM, in time', async () => {
    const r = await start(kind, { emulator: { processingMs: 60_000 } });
    const worker = await r.worker({ concurrency: 100, drainMs: DRAIN_MS });
    const ids = await r.enqueue(100);
    await vi.waitFor(() => expect(r.emulator.journal.inFlight).toBe(100), { timeout: 10_000 });
    const askedAt = performance.now();
    worker.signal('SIGTERM');
    expect(await worker.ended()).toBe('SIGTERM');
    expect(performance.now() - askedAt).toBeLessThan(DRAIN_MS + 500);
    const statuses = await r.statuses(ids);
    expect(statuses.filter(({ state, attempts }) => state === 'queued' && attempts === 0)).toHaveLength(100);
    const next = await r.worker({ concurrency: 100 });
    await vi.waitFor(() => expect(next.lines.filter((line) => line.startsWith('active'))).toHaveLength(100), {
      timeout: 10_000,
    });
  }, 60_000);
});

describe('jobs on a Redis that fails', () => {
  it('are given to it again when it has lost everything', async () => {
    const r = await start('bullmq', { emulator: { processingMs: 200 } });
    const ids = await r.enqueue(20);
    await r.redis?.client.flushall();
    const worker = await r.worker();
    await r.completed(ids, 30_000);
    const more = await r.enqueue(5);
    await r.completed(more);
    expect(worker.lines.join('\n')).toContain('warning queue-lost-jobs');
    // Also those that are lost while a worker runs.
    const waiting = await r.client.enqueueMany(
      Array.from({ length: 20 }, () => ({ source: r.audioUrl, options: { delayMs: 2000 } })),
    );
    await r.redis?.client.flushall();
    await r.completed(
      waiting.map(({ id }) => id),
      60_000,
    );
  }, 100_000);

  it('are all there after a kill -9, and go on within two seconds', async () => {
    const r = await start('bullmq', { emulator: { processingMs: 20 }, redis: { appendfsync: 'everysec' } });
    const worker = await r.worker();
    const acknowledged: string[] = [];
    let isOver = false;
    const producing = (async () => {
      while (!isOver) {
        acknowledged.push(...(await r.enqueue(5).catch(() => [])));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(200), 20_000);
    await r.redis?.crash();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await r.redis?.start();
    const backAt = performance.now();
    const before = worker.lines.length;
    await vi.waitFor(() => expect(worker.lines.length).toBeGreaterThan(before + 5), {
      timeout: 10_000,
      interval: 10,
    });
    expect(performance.now() - backAt).toBeLessThan(2000);
    isOver = true;
    await producing;
    await r.completed(acknowledged, 40_000);
  }, 90_000);

  it('are refused in time while it is down, or kept, as the option says', async () => {
    const r = await start('bullmq', { emulator: { processingMs: 10 } });
    await r.enqueue(1);
    const keeping = r.open({ queue: { whenDown: 'keep', autoStart: false } });
    await r.redis?.crash();
    const askedAt = performance.now();
    await expect(r.client.enqueue(r.audioUrl)).rejects.toMatchObject({ name: 'QueueError' });
    expect(performance.now() - askedAt).toBeLessThan(2500);
    const before = (await r.storage.list('jobs', {})).items.length;
    expect(before).toBe(1);
    const kept = await keeping.client.enqueue(r.audioUrl);
    expect(await kept.status()).toMatchObject({ state: 'queued' });
    await expect(r.client.transcribe(r.audioUrl)).resolves.toMatchObject({ text: 'one two three' });
    await r.redis?.start();
    await r.worker();
    await r.completed([kept.id]);
  }, 60_000);

  it('are given back by a worker that gets SIGTERM while it is down', async () => {
    const r = await start('bullmq', { emulator: { processingMs: 60_000 } });
    const worker = await r.worker({ concurrency: 100, drainMs: DRAIN_MS });
    const ids = await r.enqueue(100);
    await vi.waitFor(() => expect(r.emulator.journal.inFlight).toBe(100), { timeout: 10_000 });
    await r.redis?.crash();
    const askedAt = performance.now();
    worker.signal('SIGTERM');
    await worker.ended();
    expect(performance.now() - askedAt).toBeLessThan(DRAIN_MS + 500);
    // A lease that runs out meanwhile ends the attempt, and leaves its job to the next worker as it is.
    expect(
      (await r.statuses(ids)).filter(({ state }) => state === 'queued' || state === 'active'),
    ).toHaveLength(100);
    await r.redis?.start();
    const next = await r.worker({ concurrency: 100 });
    await vi.waitFor(() => expect(next.lines.filter((line) => line.startsWith('active'))).toHaveLength(100), {
      timeout: 20_000,
    });
  }, 60_000);
});

/** The members, for those who take them apart. */
function bound(r: ProcessRig) {
  return { client: r.client, audioUrl: r.audioUrl, worker: r.worker.bind(r) };
}
