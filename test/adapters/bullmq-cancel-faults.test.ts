import { connect, createServer, type Socket } from 'node:net';
import type { QueueAdapter } from 'transcription-client';
import { afterEach, describe, expect, it } from 'vitest';
import { DONE, entry, recorder, redisRig, sleep, until } from './bullmq-rig.js';

const rig = redisRig();
const FAST = { lockDurationMs: 800, stalledIntervalMs: 200, commandTimeoutMs: 300 } as const;
const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Entries that a worker runs until there is none left. */
async function ranByAnother(name: string): Promise<readonly string[]> {
  const queue = rig.queue({ name, ...FAST });
  const ran: string[] = [];
  queue.startWorker(
    async ({ id }) => {
      ran.push(id);
      return DONE;
    },
    { concurrency: 1, onError: () => undefined },
  );
  await until(async () => {
    const { waiting, active } = await queue.depth();
    return waiting + active === 0;
  });
  return ran;
}

async function running(queue: QueueAdapter) {
  const { handler, options, run, runs } = recorder();
  const worker = queue.startWorker(handler, options(1));
  await queue.add([entry('a')]);
  return { worker, runs, ...(await run(0)) };
}

describe('a cancel holds', () => {
  it('where the worker is closed before its handler has ended', async () => {
    const name = rig.name();
    const queue = rig.queue({ name, ...FAST });
    const { worker } = await running(queue);
    expect(await queue.cancel('a')).toBe(true);
    await worker.close({ timeoutMs: 0 });
    await queue.close();
    expect(await ranByAnother(name)).toEqual([]);
  });

  it('where the worker loses its lease before its handler has ended', async () => {
    const name = rig.name();
    const proxy = await rig.proxy();
    const queue = rig.queue({ name, connection: proxy.url, ...FAST });
    await running(queue);
    expect(await queue.cancel('a')).toBe(true);
    proxy.set({ refuse: true });
    proxy.reset();
    expect(await ranByAnother(name)).toEqual([]);
  });

  it('where Redis cannot be reached at the time', async () => {
    const proxy = await rig.proxy();
    const queue = rig.queue({ name: rig.name(), connection: proxy.url, ...FAST, lockDurationMs: 30_000 });
    const { signal, end, runs } = await running(queue);
    proxy.set({ refuse: true });
    proxy.reset();
    expect(await queue.cancel('a')).toBe(true);
    expect(signal.reason).toMatchObject({ code: 'job_cancelled' });
    end({ type: 'again', delayMs: 0 });
    proxy.heal();
    await until(async () => (await queue.depth().catch(() => ({ active: 1 }))).active === 0);
    expect(await queue.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 });
    expect(runs.length).toBe(1);
  });
});

/** A way to Redis that can hold back all answers but those to the connection that listens. */
async function holdableWay(): Promise<{ url: string; hold(): void; letGo(): void }> {
  let held: (() => void)[] | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(rig.server.port, '127.0.0.1');
    let isSubscriber = false;
    client.on('data', (data) => {
      isSubscriber ||= /subscribe/i.test(data.toString('latin1'));
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (held === undefined || isSubscriber) client.write(data);
      else held.push(() => client.write(data));
    });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: rig.server.url.replace(String(rig.server.port), String(port)),
    hold() {
      held = [];
    },
    letGo() {
      for (const send of held ?? []) send();
      held = undefined;
    },
  };
}

/** How many workers on the server wait for an entry. */
async function waitingWorkers(): Promise<number> {
  const [, count] = /blocked_clients:(\d+)/.exec(await rig.server.client.info('clients')) ?? [];
  return Number(count);
}

describe('a cancel whose message is faster than its entry', () => {
  it('aborts the entry as soon as it runs', async () => {
    const name = rig.name();
    const way = await holdableWay();
    const worker = rig.queue({ connection: way.url, name });
    const other = rig.queue({ name });
    const { runs, end } = await running(worker);
    await until(async () => (await waitingWorkers()) === 0);
    end();
    // Only then has it got all answers that are due, and none is held back that it needs to run the entry.
    await until(async () => (await waitingWorkers()) === 1);
    way.hold();
    await other.add([entry('b')]);
    await until(async () => (await other.depth()).active === 1);
    expect(await other.cancel('b')).toBe(true);
    await sleep(50);
    way.letGo();
    await until(() => runs.length === 2);
    const second = runs[1];
    await until(() => second?.signal.aborted === true);
    expect(second?.signal.reason).toMatchObject({ code: 'job_cancelled' });
    second?.end();
  });

  it('means nothing for a new entry with its id', async () => {
    const name = rig.name();
    const [one, two] = [rig.queue({ name }), rig.queue({ name })];
    const first = await running(one);
    const second = recorder();
    two.startWorker(second.handler, second.options(1));
    await two.depth();
    await until(async () => {
      const [, count] = await rig.server.client.pubsub('NUMSUB', `bull:${name}:0:cancel`);
      return Number(count) === 2;
    });
    expect(await rig.queue({ name }).cancel('a')).toBe(true);
    await until(() => first.signal.aborted);
    first.end();
    await until(async () => (await two.depth()).active === 0);
    await first.worker.close();
    await two.add([entry('a')]);
    const { signal, end } = await second.run(0);
    await sleep(200);
    expect(signal.aborted).toBe(false);
    end();
  });
});

describe('a cancel of what has ended', () => {
  it('says false, also where it ends in the middle of it', async () => {
    const name = rig.name();
    const proxy = await rig.proxy();
    const slow = rig.queue({ name, connection: proxy.url });
    const queue = rig.queue({ name });
    await slow.depth();
    const { end } = await running(queue);
    proxy.set({ up: { latencyMs: 150 }, down: { latencyMs: 150 } });
    const cancelling = slow.cancel('a');
    await sleep(300);
    end();
    expect(await cancelling).toBe(false);
    proxy.set({ up: { latencyMs: 0 }, down: { latencyMs: 0 } });
    expect(await slow.cancel('a')).toBe(false);
  });
});
