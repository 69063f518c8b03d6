import { type AddressInfo, createServer } from 'node:net';
import { QueueError } from 'transcription-client';
import { createBullmqQueue } from 'transcription-client/bullmq';
import { startFaultProxy } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../support/client.js';
import { freePort } from '../support/free-port.mjs';
import { DONE, entries, entry, redisRig, succeeds, until } from './bullmq-rig.js';

const rig = redisRig();
const SEED = Math.floor(Math.random() * 2 ** 32);
const UNAVAILABLE = { name: 'QueueError', code: 'queue_unavailable', retryable: true };
/** The bar. */
const MAX_MS = 2100;

async function timed(call: Promise<unknown>): Promise<{ error: unknown; ms: number }> {
  const startedAt = performance.now();
  const error = await failureOf(call);
  return { error, ms: performance.now() - startedAt };
}

function expectInTime({ error, ms }: { error: unknown; ms: number }): void {
  expect(error).toBeInstanceOf(QueueError);
  expect(error).toMatchObject(UNAVAILABLE);
  expect(ms).toBeLessThan(MAX_MS);
}

describe('an add', () => {
  it('that Redis never answers is refused in time', async () => {
    const proxy = await rig.proxy();
    const used = rig.queue({ connection: proxy.url, name: rig.name() });
    await used.add(entries(3));
    proxy.set({ down: { blackhole: true } });
    const unused = rig.queue({ connection: proxy.url, name: rig.name() });
    const calls = [
      used.add([entry('a')]),
      used.add(entries(1500)),
      unused.add([entry('a')]),
      used.health?.(),
    ];
    for (const call of calls.map((each) => timed(Promise.resolve(each)))) expectInTime(await call);
    // It recovers by itself.
    proxy.heal();
    await until(() => succeeds(used.add([entry('b')])));
    await until(() => succeeds(unused.add([entry('b')])));
  });

  it('to a Redis that is not there is refused in time', async () => {
    const port = await freePort();
    const queue = rig.queue({ connection: `redis://127.0.0.1:${port}` });
    for (const call of [queue.add([entry('a')]), queue.depth(), queue.cancel('a')].map(timed)) {
      expectInTime(await call);
    }
  });

  it('to a host that takes connections and says nothing is refused in time', async () => {
    const sockets = new Set<{ destroy(): void }>();
    const server = createServer((socket) => void sockets.add(socket)).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const queue = rig.queue({ connection: `redis://127.0.0.1:${port}` });
    expectInTime(await timed(queue.add([entry('a')])));
    await queue.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it('that comes before the first connection waits for it', async () => {
    const proxy = await rig.proxy();
    proxy.set({ down: { latencyMs: 200 } });
    const queue = rig.queue({ connection: proxy.url, name: rig.name() });
    await Promise.all([queue.add([entry('a')]), queue.add([entry('b')])]);
    expect(await queue.depth()).toMatchObject({ waiting: 2 });
  });

  it('after a close is refused, also where it was under way', async () => {
    const queue = createBullmqQueue({ connection: `redis://127.0.0.1:${await freePort()}` });
    const pending = failureOf(queue.add([entry('a')]));
    await queue.close();
    expect(await pending).toMatchObject({ name: 'QueueError', code: 'queue_failed' });
    expect(await failureOf(queue.add([entry('a')]))).toMatchObject({
      name: 'QueueError',
      code: 'queue_failed',
    });
  });

  it('of many entries is cut into commands of bounded time', async () => {
    const queue = rig.queue({ name: rig.name(), shards: 3 });
    await queue.add([...entries(4000), ...entries(2500)]);
    expect(await queue.depth()).toEqual({ waiting: 4000, delayed: 0, active: 0 });
    const ids = entries(4100).map(({ id }) => id);
    expect(await queue.missing?.(ids)).toEqual(ids.slice(4000));
  });
});

describe('one in ten answers to an add is lost', () => {
  const PRODUCERS = 5;
  const KEYS = 1000;

  it('and each of 1,000 entries runs once, though it is added again', { timeout: 60_000 }, async () => {
    console.log(`lost answers: seed ${SEED}`);
    let state = SEED;
    const random = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    const name = rig.name();
    let lost = 0;
    async function produce(producer: number): Promise<void> {
      const proxy = await startFaultProxy({ target: rig.server.url });
      const queue = createBullmqQueue({ connection: proxy.url, name, commandTimeoutMs: 100 });
      await until(() => succeeds(queue.depth()));
      for (let key = producer; key < KEYS; key += PRODUCERS) {
        if (random() < 0.1) {
          lost += 1;
          proxy.set({ dropReplies: 1 });
        }
        await until(() => succeeds(queue.add([entry(`key-${key}`)])));
      }
      await queue.close();
      await proxy.close();
    }
    // Nothing runs meanwhile: an entry that is done may well be added again.
    await Promise.all(Array.from({ length: PRODUCERS }, (_, producer) => produce(producer)));
    expect(lost).toBeGreaterThan(50);
    const runs = new Map<string, number>();
    const queue = rig.queue({ name });
    queue.startWorker(
      async ({ id }) => {
        runs.set(id, (runs.get(id) ?? 0) + 1);
        return DONE;
      },
      { concurrency: 50, onError: (error) => expect.fail(String(error)) },
    );
    await until(async () => {
      const { waiting, active } = await queue.depth();
      return waiting + active === 0;
    });
    expect(runs.size).toBe(KEYS);
    expect([...runs.values()].filter((count) => count !== 1)).toEqual([]);
  });
});
