import type { QueueAdapter } from 'transcription-client';
import { type BullmqQueueOptions, createBullmqQueue } from 'transcription-client/bullmq';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../support/client.js';
import { freePort } from '../support/free-port.mjs';
import { shown } from '../support/leaks.js';
import { CLUSTER_PASSWORD } from '../support/redis-cluster.mjs';
import { REDIS_PASSWORD } from '../support/redis-server.mjs';
import { DONE, entry, recorder, redisRig, until } from './bullmq-rig.js';

const rig = redisRig();
const CANARY = 'canary';
const SECRET = entry('canary-id', { group: 'canary-group' });

function expectClean(value: unknown): void {
  for (let error = value; error !== undefined; error = (error as { cause?: unknown }).cause) {
    expect(shown(error)).not.toContain(CANARY);
    if (!(error instanceof Error)) break;
  }
}

function changed(change: (url: URL) => void): string {
  const url = new URL(rig.server.url);
  change(url);
  return url.href;
}

async function adding(options: BullmqQueueOptions): Promise<unknown> {
  const queue = rig.queue({ commandTimeoutMs: 500, name: rig.name(), ...options });
  return failureOf(queue.add([SECRET]));
}

function making(options: unknown): unknown {
  try {
    return createBullmqQueue(options as BullmqQueueOptions);
  } catch (error) {
    return error;
  }
}

/** An error of Redis that quotes what it was sent. */
async function spoilt(call: (queue: QueueAdapter) => Promise<unknown>): Promise<unknown> {
  const name = rig.name();
  const queue = rig.queue({ name });
  await queue.add([SECRET]);
  for (const key of ['id', 'wait', 'prioritized', 'active', 'delayed', 'e_canary-id', 'epoch']) {
    await rig.server.client.set(`bull:${name}:${key}`, 'canary-value');
  }
  return failureOf(call(queue));
}

const FAILURES: Readonly<Record<string, () => Promise<unknown>>> = {
  'a wrong password': () => adding({ connection: changed((url) => (url.password = 'canary-wrong')) }),
  'no password': () => adding({ connection: changed((url) => (url.password = '')) }),
  'a wrong user': () => adding({ connection: changed((url) => (url.username = 'canary-user')) }),
  'a host that is none': () => adding({ connection: `redis://:${CANARY}@nowhere.invalid:1` }),
  'a port that is none': async () =>
    adding({ connection: `redis://:${CANARY}@127.0.0.1:${await freePort()}` }),
  'a server that speaks no TLS': () => adding({ connection: changed((url) => (url.protocol = 'rediss:')) }),
  'a cluster that is none': async () =>
    adding({
      cluster: {
        nodes: [`redis://:${CANARY}@127.0.0.1:${await freePort()}`],
        options: { redisOptions: { password: CLUSTER_PASSWORD } },
      },
    }),
  'a Sentinel that is none': async () =>
    adding({
      connection: {
        sentinels: [{ host: '127.0.0.1', port: await freePort() }],
        name: 'canary-master',
        password: REDIS_PASSWORD,
        sentinelPassword: CANARY,
      },
    }),
  'a connection of another kind': async () => making({ connection: `https://user:${CANARY}@host` }),
  'a connection that is no URL': async () => making({ connection: `redis://:${CANARY}/#@host:x` }),
  'a key of another type, added to': () => spoilt((queue) => queue.add([SECRET, entry('other')])),
  'a key of another type, cancelled': () => spoilt((queue) => queue.cancel(SECRET.id)),
  'a key of another type, counted': () => spoilt((queue) => queue.depth()),
  'a full Redis': async () => {
    const queue = rig.queue({ name: rig.name() });
    await queue.depth();
    await rig.server.client.config('SET', 'maxmemory', '1');
    return failureOf(queue.add([SECRET])).finally(() => rig.server.client.config('SET', 'maxmemory', '0'));
  },
  'a lost right': async () => {
    const { client, port } = rig.server;
    await client.call(
      'ACL',
      'SETUSER',
      'canary-limited',
      'on',
      '>canary-limited',
      '~*',
      '&*',
      '+@all',
      '-evalsha',
      '-eval',
    );
    const connection = { host: '127.0.0.1', port, username: 'canary-limited', password: 'canary-limited' };
    return adding({ connection });
  },
};

describe('a failure of Redis tells no secret', () => {
  it.each(Object.keys(FAILURES))('of %s', async (name) => {
    const error = await FAILURES[name]?.();
    expect(error).toBeInstanceOf(Error);
    expectClean(error);
  });

  it.each(['a wrong password', 'no password', 'a wrong user', 'a lost right'])(
    'but what to do about %s',
    async (name) => {
      const startedAt = performance.now();
      expect(await FAILURES[name]?.()).toMatchObject({ code: 'queue_misconfigured', retryable: false });
      // There is nothing to wait for.
      expect(performance.now() - startedAt).toBeLessThan(400);
    },
  );

  it('to the listener for errors of a worker', async () => {
    const proxy = await rig.proxy();
    const queue = rig.queue({ connection: proxy.url, name: rig.name() });
    const { handler, options, errors, run } = recorder();
    queue.startWorker(handler, options(1));
    await queue.add([entry('a')]);
    // A worker whose places are taken asks for nothing: it learns of the outage where it ends an entry.
    const first = await run(0);
    proxy.set({ refuse: true });
    proxy.reset();
    first.end();
    await until(() => errors.length > 0);
    for (const error of errors) expectClean(error);
  });
});

describe('a queue', () => {
  it('shows nothing of its connection, nor of its entries', async () => {
    const queue = rig.queue({ name: rig.name() });
    const { handler, options, run } = recorder();
    const worker = queue.startWorker(handler, options(1));
    await queue.add([SECRET]);
    await run(0);
    await queue.channel?.subscribe({ message: () => undefined, gap: () => undefined });
    for (const value of [queue, queue.channel, worker, await queue.health?.(), await queue.epoch?.()])
      expectClean(value);
    expectClean(queue.derive?.('other'));
    await queue.close();
    expectClean(queue);
  });

  it('leaves nothing of a result in Redis, and runs what cannot be stored once', async () => {
    const name = rig.name();
    const queue = rig.queue({ name });
    const circular: Record<string, unknown> = { type: 'done', transcript: 'canary-words', big: 1n };
    circular.self = circular;
    let runs = 0;
    queue.startWorker(
      async () => {
        runs += 1;
        return runs % 2 === 0 ? DONE : (circular as unknown as typeof DONE);
      },
      { concurrency: 2, onError: (error) => expect.fail(String(error)) },
    );
    await queue.add([entry('a'), entry('b'), entry('c')]);
    await until(async () => {
      const { waiting, active } = await queue.depth();
      return runs > 0 && waiting + active === 0;
    });
    expect(runs).toBe(3);
    const events = await rig.server.client.xrange(`bull:${name}:events`, '-', '+');
    expect(events.length).toBeGreaterThan(0);
    expect(JSON.stringify(events)).not.toContain('canary-words');
    expect(await rig.server.client.keys(`bull:${name}:e_*`)).toEqual([]);
  });
});
