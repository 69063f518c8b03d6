import { AbortedError } from 'transcription-client';
import { describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.mjs';
import { DONE, entries, entry, recorder, redisRig, succeeds, until } from './bullmq-rig.js';

const rig = redisRig();
const ENTRIES = 100;
const DEADLINE_MS = 1000;
const GRACE_MS = 500;

/** A worker with all its places taken, and handlers that put their entries back when they are told to. */
async function busyWorker(connection: string, name: string) {
  const queue = rig.queue({
    connection,
    name,
    lockDurationMs: 3000,
    stalledIntervalMs: 300,
    commandTimeoutMs: 1000,
  });
  const { handler, options, run, runs } = recorder();
  const worker = queue.startWorker(handler, options(ENTRIES));
  await queue.add(entries(ENTRIES));
  await run(ENTRIES - 1);
  for (const { signal, end } of runs) {
    signal.addEventListener('abort', () => end({ type: 'again', delayMs: 0 }), { once: true });
  }
  return { queue, worker, runs };
}

async function timed(call: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await call;
  return performance.now() - startedAt;
}

async function expectAllToRun(name: string): Promise<void> {
  const ran = new Set<string>();
  const next = rig.queue({ name, lockDurationMs: 3000, stalledIntervalMs: 300 });
  next.startWorker(
    async ({ id }) => {
      ran.add(id);
      return DONE;
    },
    { concurrency: 20, onError: (error) => expect.fail(String(error)) },
  );
  await until(() => ran.size === ENTRIES);
}

describe('the close of a worker with 100 entries', () => {
  it('puts them back at its deadline', async () => {
    const name = rig.name();
    const { queue, worker, runs } = await busyWorker(rig.server.url, name);
    const ms = await timed(worker.close({ timeoutMs: DEADLINE_MS }));
    expect(ms).toBeGreaterThan(DEADLINE_MS - 5);
    expect(ms).toBeLessThan(DEADLINE_MS + GRACE_MS);
    for (const { signal } of runs) {
      expect(signal.reason).toBeInstanceOf(AbortedError);
      expect(signal.reason).toMatchObject({ code: 'client_closed' });
    }
    expect(await queue.depth()).toEqual({ waiting: ENTRIES, delayed: 0, active: 0 });
    await expectAllToRun(name);
  });

  it.each(['blackhole', 'refuse'] as const)(
    'ends in time where Redis is gone (%s), and loses none',
    { timeout: 30_000 },
    async (fault) => {
      const name = rig.name();
      const proxy = await rig.proxy();
      const { queue, worker } = await busyWorker(proxy.url, name);
      if (fault === 'blackhole') proxy.set({ up: { blackhole: true }, down: { blackhole: true } });
      else {
        proxy.set({ refuse: true });
        proxy.reset();
      }
      expect(await timed(worker.close({ timeoutMs: DEADLINE_MS }))).toBeLessThan(DEADLINE_MS + GRACE_MS);
      expect(await timed(queue.close())).toBeLessThan(GRACE_MS);
      await expectAllToRun(name);
    },
  );

  it('ends in time where Redis was never there', async () => {
    const proxy = await rig.proxy();
    proxy.set({ refuse: true });
    const queue = rig.queue({ connection: proxy.url });
    const { handler, options, errors } = recorder();
    const worker = queue.startWorker(handler, options(5));
    await until(() => errors.length > 0);
    expect(errors).toEqual([expect.objectContaining({ name: 'QueueError', code: 'queue_unavailable' })]);
    expect(await timed(worker.close({ timeoutMs: DEADLINE_MS }))).toBeLessThan(DEADLINE_MS + GRACE_MS);
    // It told once, and was quiet while the outage went on.
    expect(errors.length).toBe(1);
  });

  it('ends in time where a cluster was never there', async () => {
    const nodes = [{ host: '127.0.0.1', port: await freePort() }];
    const queue = rig.queue({ cluster: { nodes } });
    const { handler, options, errors } = recorder();
    const worker = queue.startWorker(handler, options(5));
    const adding = succeeds(queue.add(entries(1)));
    await until(() => errors.length > 0);
    expect(await timed(worker.close({ timeoutMs: 0 }))).toBeLessThan(GRACE_MS);
    expect(await timed(queue.close())).toBeLessThan(GRACE_MS);
    expect(await adding).toBe(false);
  });

  it('waits for what it has, and takes no more', async () => {
    const queue = rig.queue({ name: rig.name() });
    const { handler, options, run, runs } = recorder();
    const worker = queue.startWorker(handler, options(2));
    await queue.add(entries(3));
    await run(1);
    const closing = worker.close({ timeoutMs: 5000 });
    for (const { end } of runs) end();
    expect(await timed(closing)).toBeLessThan(1000);
    expect(runs.length).toBe(2);
    expect(await queue.depth()).toEqual({ waiting: 1, delayed: 0, active: 0 });
  });
});

describe('a queue that has been closed', () => {
  it('has left no connection open', async () => {
    const proxy = await rig.proxy();
    const queue = rig.queue({ connection: proxy.url, name: rig.name() });
    const { handler, options, run } = recorder();
    queue.startWorker(handler, options(1));
    await queue.add([entry('a')]);
    (await run(0)).end();
    const stop = await queue.channel?.subscribe({ message: () => undefined, gap: () => undefined });
    expect(proxy.connections.live).toBe(4);
    stop?.();
    await queue.close();
    await until(() => proxy.connections.live === 0, 2000);
  });

  it('leaves an instance that was handed in open', async () => {
    const { client } = rig.server;
    const queue = rig.queue({ connection: client, name: rig.name() });
    const { handler, options, run } = recorder();
    queue.startWorker(handler, options(1));
    await queue.add([entry('a')]);
    (await run(0)).end();
    await queue.close();
    expect(await client.ping()).toBe('PONG');
    expect(await succeeds(queue.add([entry('b')]))).toBe(false);
  });
});
