import type { LimitLease, LimitsAdapter } from 'transcription-client';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it, vi } from 'vitest';
import { createMemoryLimits, type MemoryLimitSettings } from '../../src/adapters/memory/limits.js';
import { systemClock } from '../../src/internal/system-clock.js';
import { clientOf, failureOf } from '../support/client.js';
import { listenAnswer, send, startHttpServer } from '../support/fault-server.js';
import { ManualClock } from '../support/manual-clock.js';

const DEFAULTS: MemoryLimitSettings = {
  maxConcurrent: 50,
  maxConcurrentStreams: 50,
  requestsPerMinute: undefined,
  maxWaiting: 1000,
};
const KEY = { project: 'p', endpoint: 'https://x.test', mode: 'sync' } as const;
const open = (): AbortSignal => new AbortController().signal;
const settle = () => new Promise((resolve) => setImmediate(resolve));

function acquire(
  limits: LimitsAdapter,
  priority = 0,
  signal = open(),
  key: Parameters<LimitsAdapter['acquire']>[0] = KEY,
) {
  return limits.acquire(key, { priority, signal });
}

describe('concurrency', () => {
  it('is held and used fully under random holding times and aborts', async () => {
    const seed = Math.floor(Math.random() * 1e9);
    console.log(`seed ${seed}`);
    let state = seed;
    const random = () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return state / 2_147_483_648;
    };
    const limits = createMemoryLimits({ ...DEFAULTS, maxConcurrent: 4 }, systemClock);
    let held = 0;
    let most = 0;
    let done = 0;
    const ends = Array.from({ length: 200 }, async () => {
      const controller = new AbortController();
      if (random() < 0.3) setTimeout(() => controller.abort(), random() * 30);
      let lease: LimitLease;
      try {
        lease = await acquire(limits, 0, controller.signal);
      } catch {
        return;
      }
      held += 1;
      most = Math.max(most, held);
      await new Promise((resolve) => setTimeout(resolve, random() * 4));
      held -= 1;
      done += 1;
      lease.release();
      lease.release();
    });
    await Promise.all(ends);
    expect(most).toBe(4);
    expect(done).toBeGreaterThan(100);
    // Every place came back.
    const leases = await Promise.all([1, 2, 3, 4].map(() => acquire(limits)));
    expect(leases.every(({ waitedMs }) => waitedMs === 0)).toBe(true);
  });

  it('holds over whole calls, retries and aborts included', async () => {
    let active = 0;
    let most = 0;
    await using server = await startHttpServer((request, response, count) => {
      active += 1;
      most = Math.max(most, active);
      response.on('close', () => {
        active -= 1;
      });
      request
        .resume()
        .on('end', () =>
          setTimeout(
            () => send(response, count % 4 ? { status: 200, body: listenAnswer() } : { status: 503 }),
            5,
          ),
        );
    });
    await using client = clientOf(server.url, { limits: { maxConcurrent: 3 } });
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => {
        const signal = index % 5 ? open() : AbortSignal.timeout(20);
        return client
          .transcribe(new Uint8Array(5), { signal, retry: { attempts: 10 } })
          .catch(() => undefined);
      }),
    );
    expect(most).toBe(3);
  });

  it('is counted per project, endpoint and kind', async () => {
    const limits = createMemoryLimits(
      { ...DEFAULTS, maxConcurrent: 1, maxConcurrentStreams: 1 },
      new ManualClock(),
    );
    await acquire(limits);
    const others = [
      { ...KEY, project: 'q' },
      { ...KEY, endpoint: 'https://y.test' },
      { ...KEY, mode: 'stream' } as const,
    ];
    await Promise.all(others.map((key) => acquire(limits, 0, open(), key)));
    const controller = new AbortController();
    const blocked = failureOf(acquire(limits, 0, controller.signal, { ...KEY, mode: 'async' }));
    await settle();
    controller.abort();
    expect((await blocked).code).toBe('aborted');
  });
});

describe('those who wait', () => {
  it('go by priority, then by arrival', async () => {
    const limits = createMemoryLimits({ ...DEFAULTS, maxConcurrent: 1 }, new ManualClock());
    const first = await acquire(limits);
    const order: string[] = [];
    // One waiter is next already when the others come.
    const waiters = [
      ['next', 5],
      ['b', 2],
      ['a', 1],
      ['b2', 2],
      ['zero', 0],
    ] as const;
    const ends = waiters.map(async ([name, priority]) => {
      const lease = await acquire(limits, priority);
      order.push(name);
      lease.release();
    });
    await settle();
    first.release();
    await Promise.all(ends);
    expect(order).toEqual(['next', 'zero', 'a', 'b', 'b2']);
  });

  it('go by priority also where the minute is full', async () => {
    const clock = new ManualClock();
    const limits = createMemoryLimits({ ...DEFAULTS, requestsPerMinute: 1 }, clock);
    (await acquire(limits)).release();
    const order: number[] = [];
    for (const priority of [9, 5, 1, 0]) void acquire(limits, priority).then(() => order.push(priority));
    await settle();
    await clock.advance(240_000);
    expect(order).toEqual([9, 0, 1, 5]);
  });

  it('are no more than maxWaiting, and an aborted one frees its place', async () => {
    const limits = createMemoryLimits({ ...DEFAULTS, maxConcurrent: 1, maxWaiting: 2 }, new ManualClock());
    const first = await acquire(limits);
    const controllers = [new AbortController(), new AbortController()];
    const waiting = controllers.map((controller) => acquire(limits, 0, controller.signal));
    const refused = await failureOf(acquire(limits));
    expect(refused).toMatchObject({ name: 'RateLimitError', code: 'too_many_waiting', retryable: true });
    expect(refused.message).toMatch(/enqueue\(\)/);
    for (const index of [1, 0]) {
      controllers[index]?.abort();
      expect((await failureOf(waiting[index] as Promise<unknown>)).code).toBe('aborted');
      await settle();
      const late = acquire(limits);
      await settle();
      void late.then((lease) => lease.release());
    }
    expect((await failureOf(acquire(limits))).code).toBe('too_many_waiting');
    first.release();
    await settle();
    expect((await acquire(limits)).waitedMs).toBe(0);
  });

  it('may be none, also where the minute is full', async () => {
    const clock = new ManualClock();
    const limits = createMemoryLimits({ ...DEFAULTS, requestsPerMinute: 1, maxWaiting: 0 }, clock);
    await acquire(limits);
    expect((await failureOf(acquire(limits))).code).toBe('too_many_waiting');
    await clock.advance(60_000);
    await acquire(limits);
  });

  it('are refused at once by the client, without retries', async () => {
    await using emulator = await startDeepgramEmulator({ processingMs: 200 });
    await using client = clientOf(emulator.url, { limits: { maxConcurrent: 1, maxWaiting: 0 } });
    const { audio } = synthesizeSpeech('hello');
    const retries = vi.fn();
    client.on('retry', retries);
    const first = client.transcribe(audio);
    const error = await failureOf(client.transcribe(audio));
    expect(error).toMatchObject({ name: 'RateLimitError', code: 'too_many_waiting' });
    expect(retries).not.toHaveBeenCalled();
    await first;
  });

  it('leave at once when they are aborted, in the wait for a place and for the minute', async () => {
    for (const settings of [{ maxConcurrent: 1 }, { requestsPerMinute: 1 }]) {
      const clock = new ManualClock();
      const limits = createMemoryLimits({ ...DEFAULTS, ...settings }, clock);
      await acquire(limits);
      const controller = new AbortController();
      const failure = failureOf(acquire(limits, 0, controller.signal));
      await settle();
      controller.abort();
      expect((await failure).code).toBe('aborted');
      expect(clock.pendingTimers).toBe(0);
      expect((await failureOf(acquire(limits, 0, controller.signal))).code).toBe('aborted');
    }
  });
});

describe('requestsPerMinute', () => {
  it('holds in every rolling minute, and is used up', async () => {
    const clock = new ManualClock();
    const limits = createMemoryLimits({ ...DEFAULTS, maxConcurrent: 6, requestsPerMinute: 10 }, clock);
    const starts: number[] = [];
    const ends = Array.from({ length: 60 }, async (_, index) => {
      const lease = await acquire(limits);
      starts.push(clock.monotonicMs());
      clock.setTimer(() => lease.release(), 1000 + (index % 7) * 3000);
    });
    let ended = false;
    void Promise.all(ends).then(() => {
      ended = true;
    });
    for (let second = 0; second < 420 && !ended; second++) await clock.advance(1000);
    expect(starts).toHaveLength(60);
    for (const [index, start] of starts.entries()) {
      const within = starts.slice(index).filter((other) => other < start + 60_000);
      expect(within.length).toBeLessThanOrEqual(10);
    }
    expect(starts.at(-1)).toBeLessThan(400_000);
  });
});
