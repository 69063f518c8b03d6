import { describe, expect, it, vi } from 'vitest';
import { createMemoryLimits } from '../../src/adapters/memory/limits.js';
import { RetryBudget } from '../../src/resilience/retry-budget.js';
import { SpendGuard } from '../../src/resilience/spend-guard.js';
import { clientOf, failureOf } from '../support/client.js';
import { listenAnswer, startAnswering, startHttpServer } from '../support/fault-server.js';
import { ManualClock } from '../support/manual-clock.js';

const AUDIO = new Uint8Array([1, 2, 3]);
const GOOD = { status: 200, body: listenAnswer() };
const HOUR_MS = 3_600_000;
/** The first call loads the SDK. */
const LOADING = { timeout: 10_000 };
const KEY = { project: 'p', endpoint: 'https://x.test', mode: 'sync' } as const;

describe.each([
  ['an hour forward', HOUR_MS],
  ['an hour back', -HOUR_MS],
])('the wall clock moved %s', (_name, byMs) => {
  const move = (clock: ManualClock): void => clock.setWall(clock.wallMs() + byMs);

  it('changes no limit window', async () => {
    const clock = new ManualClock();
    const settings = { maxConcurrent: 50, maxConcurrentStreams: 50, requestsPerMinute: 2, maxWaiting: 100 };
    const limits = createMemoryLimits(settings, clock);
    const starts: number[] = [];
    for (let call = 0; call < 6; call++) {
      const { signal } = new AbortController();
      void limits.acquire(KEY, { priority: 0, signal }).then(({ waitedMs }) => starts.push(waitedMs));
    }
    await clock.advance(30_000);
    move(clock);
    await clock.advance(29_999);
    expect(starts).toEqual([0, 0]);
    await clock.advance(1);
    expect(starts).toEqual([0, 0, 60_000, 60_000]);
    move(clock);
    await clock.advance(60_000);
    expect(starts).toEqual([0, 0, 60_000, 60_000, 120_000, 120_000]);
  });

  it('changes no back-off', async () => {
    await using server = await startAnswering({ status: 503, headers: { 'retry-after': '10' } }, GOOD);
    const clock = new ManualClock();
    const client = clientOf(server.url, { clock, retry: {} });
    const call = client.transcribe(AUDIO);
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(2), LOADING);
    await clock.advance(5000);
    move(clock);
    await clock.advance(4999);
    expect(server.requests).toHaveLength(1);
    await clock.advance(1);
    expect((await call).text).toBe('hello world');
    await client.close();
  });

  it('changes no deadline', async () => {
    await using server = await startHttpServer(() => undefined);
    const clock = new ManualClock();
    const client = clientOf(server.url, { clock });
    let isSettled = false;
    const failure = failureOf(client.transcribe(AUDIO, { timeoutMs: 10_000 })).finally(() => {
      isSettled = true;
    });
    await vi.waitFor(() => expect(server.requests).toHaveLength(1), LOADING);
    move(clock);
    await clock.advance(9999);
    expect(isSettled).toBe(false);
    await clock.advance(1);
    expect((await failure).code).toBe('timeout');
    await client.close();
  });

  it('changes no retry budget and no spend account', async () => {
    const clock = new ManualClock();
    const budget = new RetryBudget(clock, 1, () => undefined);
    const spend = new SpendGuard(clock, { maxAudioSecondsPerHour: 10 });
    const facts = { mode: 'sync', source: 'bytes', model: 'm', durationSeconds: 10 } as const;
    budget.take();
    (await spend.enter(facts)).settle(10);
    move(clock);
    expect(budget.take()).toBe(false);
    await failureOf(spend.enter(facts));
    await clock.advance(60_000);
    expect(budget.take()).toBe(true);
    await clock.advance(61 * 60_000);
    await spend.enter(facts);
  });

  it('changes no lease of an idempotency key', async () => {
    await using server = await startHttpServer((request, response, count) => {
      request.resume();
      if (count > 1) request.on('end', () => response.end(JSON.stringify(listenAnswer())));
    });
    const clock = new ManualClock();
    const { createMemoryStorage } = await import('transcription-client');
    const storage = createMemoryStorage();
    const options = { clock, storage, timeoutMs: 120_000 };
    const first = clientOf(server.url, options);
    const second = clientOf(server.url, options);
    const held = failureOf(first.transcribe(AUDIO, { idempotencyKey: 'k' }));
    await vi.waitFor(() => expect(server.requests).toHaveLength(1), LOADING);
    const before = clock.pendingTimers;
    const waiting = second.transcribe(AUDIO, { idempotencyKey: 'k' });
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(before + 2));
    move(clock);
    await clock.advance(60_000);
    expect(server.requests).toHaveLength(1);
    const closed = first.close({ timeoutMs: 0 });
    await clock.advance(1);
    expect((await held).code).toBe('client_closed');
    await clock.advance(3000);
    expect((await waiting).text).toBe('hello world');
    await closed;
    await second.close();
  });
});

describe('request-end', () => {
  it('tells how long a call waited for its place, and counts its duration from there', async () => {
    await using server = await startAnswering(GOOD);
    const clock = new ManualClock();
    const client = clientOf(server.url, { clock, limits: { requestsPerMinute: 1 } });
    const ends: object[] = [];
    client.on('request-end', (event) => ends.push(event));
    await client.transcribe(AUDIO);
    const second = client.transcribe(AUDIO);
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(2), LOADING);
    await clock.advance(60_000);
    await second;
    expect(ends).toMatchObject([
      { waitedMs: 0, status: 'success' },
      { waitedMs: 60_000, durationMs: 0, status: 'success' },
    ]);
    await client.close();
  });
});
