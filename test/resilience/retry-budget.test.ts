import type { ClientEvent, ClientOptions } from 'transcription-client';
import { describe, expect, it, vi } from 'vitest';
import { RetryBudget } from '../../src/resilience/retry-budget.js';
import { clientOf, failureOf } from '../support/client.js';
import { listenAnswer, send, startAnswering, startHttpServer } from '../support/fault-server.js';
import { ManualClock } from '../support/manual-clock.js';

const AUDIO = new Uint8Array([1, 2, 3]);
const MINUTE_MS = 60_000;
const CALLS = 1000;
const BAR = 1036;

function warningsOf(client: ReturnType<typeof clientOf>): string[] {
  const codes: string[] = [];
  client.on('warning', ({ code }) => codes.push(code));
  return codes;
}

/** True while each call that has not ended waits for its back-off: nothing goes on before time does. */
function backOffOf(client: ReturnType<typeof clientOf>): () => boolean {
  const running = new Set<string>();
  const waiting = new Set<string>();
  client.on('request-start', ({ callId }) => running.add(callId));
  client.on('retry', ({ callId }) => waiting.add(callId));
  client.on('attempt', ({ callId }) => waiting.delete(callId));
  client.on('request-end', ({ callId }) => running.delete(callId));
  return () => running.size > 0 && running.size === waiting.size;
}

/** Moves the clock on where nothing but time can bring the calls further: the machine may be slow. */
async function drive(clock: ManualClock, isWaiting: () => boolean, ended: () => boolean): Promise<void> {
  while (!ended()) {
    await new Promise((resolve) => setImmediate(resolve));
    if (isWaiting()) await clock.advance(100);
  }
}

describe('RetryBudget', () => {
  function used(budget: RetryBudget): number {
    let taken = 0;
    while (budget.take()) taken += 1;
    return taken;
  }

  it('holds its capacity, and gets one back for ten successes or a minute', async () => {
    const clock = new ManualClock();
    const budget = new RetryBudget(clock, 20, () => undefined);
    expect(used(budget)).toBe(20);
    // A tenth has no exact binary form: the tenth success may fall short by a rounding.
    for (let success = 0; success < 31; success++) budget.onSuccess();
    expect(used(budget)).toBe(3);
    await clock.advance(4 * MINUTE_MS);
    expect(used(budget)).toBe(4);
    await clock.advance(24 * 60 * MINUTE_MS);
    expect(used(budget)).toBe(20);
  });

  it('of 0 allows none, ever', async () => {
    const clock = new ManualClock();
    const budget = new RetryBudget(clock, 0, () => undefined);
    budget.onSuccess();
    await clock.advance(60 * MINUTE_MS);
    expect(budget.take()).toBe(false);
  });

  it('tells that it is empty once, and again only when it was half full in between', async () => {
    const clock = new ManualClock();
    const onEmpty = vi.fn();
    const budget = new RetryBudget(clock, 4, onEmpty);
    used(budget);
    for (let minute = 0; minute < 5; minute++) {
      await clock.advance(MINUTE_MS);
      used(budget);
    }
    expect(onEmpty).toHaveBeenCalledTimes(1);
    await clock.advance(2 * MINUTE_MS);
    used(budget);
    expect(onEmpty).toHaveBeenCalledTimes(2);
  });

  it('goes by the monotonic clock', () => {
    const clock = new ManualClock();
    const budget = new RetryBudget(clock, 2, () => undefined);
    used(budget);
    clock.setWall(clock.wallMs() + 3_600_000);
    expect(budget.take()).toBe(false);
    clock.setWall(clock.wallMs() - 7_200_000);
    expect(budget.take()).toBe(false);
  });
});

describe('where every call fails', () => {
  const refusals: [string, number, Record<string, string>][] = [
    ['503', 503, {}],
    ['429', 429, {}],
    ['503 with a long Retry-After', 503, { 'retry-after': '20' }],
  ];

  it.each(refusals)(
    `${CALLS} calls at once get %s: at most ${BAR} requests`,
    async (name, status, headers) => {
      await using server = await startAnswering({ status, headers });
      const clock = new ManualClock();
      const client = clientOf(server.url, { clock, retry: {} });
      const warnings = warningsOf(client);
      const isWaiting = backOffOf(client);
      let ended = false;
      const calls = Promise.all(
        Array.from({ length: CALLS }, () => failureOf(client.transcribe(AUDIO))),
      ).finally(() => {
        ended = true;
      });
      await drive(clock, isWaiting, () => ended);
      const errors = await calls;
      console.log(`${CALLS} calls at once, ${name}: ${server.requests.length} requests`);
      expect(server.requests.length).toBeGreaterThanOrEqual(CALLS + 20);
      expect(server.requests.length).toBeLessThanOrEqual(BAR);
      expect(warnings).toEqual(['retry-budget-empty']);
      const untried = errors.filter(({ message }) => /not retried.*retryBudget/.test(message));
      expect(untried.length).toBeGreaterThan(900);
      await client.close();
    },
  );

  it.each(refusals)(
    `${CALLS} calls one by one get %s: at most ${BAR} requests`,
    async (name, status, headers) => {
      await using server = await startAnswering({ status, headers });
      const clock = new ManualClock();
      const client = clientOf(server.url, { clock, retry: {} });
      const warnings = warningsOf(client);
      const isWaiting = backOffOf(client);
      for (let call = 0; call < CALLS; call++) {
        let ended = false;
        const failure = failureOf(client.transcribe(AUDIO)).finally(() => {
          ended = true;
        });
        await drive(clock, isWaiting, () => ended);
        expect((await failure).status).toBe(status);
      }
      console.log(`${CALLS} calls one by one, ${name}: ${server.requests.length} requests`);
      expect(server.requests.length).toBeGreaterThanOrEqual(CALLS + 20);
      expect(server.requests.length).toBeLessThanOrEqual(BAR);
      expect(warnings).toEqual(['retry-budget-empty']);
      await client.close();
    },
  );
});

describe('retryBudget', () => {
  async function clientAt(answer: 'fails' | 'recovers', options: ClientOptions) {
    let isUp = false;
    const server = await startHttpServer((request, response) => {
      request
        .resume()
        .on('end', () => send(response, isUp ? { status: 200, body: listenAnswer() } : { status: 503 }));
    });
    const client = clientOf(server.url, options);
    const retries: ClientEvent[] = [];
    client.on('retry', (event) => retries.push(event));
    return {
      server,
      client,
      retries,
      recover: () => {
        isUp = answer === 'recovers';
      },
      fail: () => {
        isUp = false;
      },
    };
  }

  it('of 0: nothing is retried, and the error says why', async () => {
    const { server, client, retries } = await clientAt('fails', { retryBudget: 0 });
    const warnings = warningsOf(client);
    for (let call = 0; call < 3; call++) {
      const error = await failureOf(client.transcribe(AUDIO));
      expect(error).toMatchObject({ status: 503, attempt: 1, retryable: true });
      expect(error.message).toMatch(/It was not retried, because .*retryBudget/);
    }
    expect(server.requests).toHaveLength(3);
    expect(retries).toHaveLength(0);
    expect(warnings).toEqual(['retry-budget-empty']);
    await client.close();
    await server[Symbol.asyncDispose]();
  });

  it('comes back with successes', async () => {
    const { server, client, retries, recover, fail } = await clientAt('recovers', {
      retryBudget: 2,
      retry: { attempts: 3, minDelayMs: 0, maxDelayMs: 0 },
    });
    await failureOf(client.transcribe(AUDIO));
    await failureOf(client.transcribe(AUDIO));
    expect(retries).toHaveLength(2);
    recover();
    for (let call = 0; call < 11; call++) await client.transcribe(AUDIO);
    fail();
    await failureOf(client.transcribe(AUDIO));
    expect(retries).toHaveLength(3);
    await client.close();
    await server[Symbol.asyncDispose]();
  });

  it('comes back with time', async () => {
    const clock = new ManualClock();
    const { server, client, retries } = await clientAt('fails', {
      clock,
      retryBudget: 1,
      retry: { attempts: 2, minDelayMs: 0, maxDelayMs: 0 },
    });
    const call = async (): Promise<void> => {
      let ended = false;
      const failure = failureOf(client.transcribe(AUDIO)).finally(() => {
        ended = true;
      });
      while (!ended) await clock.advance(0);
      await failure;
    };
    await call();
    await call();
    expect(retries).toHaveLength(1);
    await clock.advance(MINUTE_MS);
    await call();
    expect(retries).toHaveLength(2);
    await client.close();
    await server[Symbol.asyncDispose]();
  });

  it.each([-1, 1.5, Number.NaN, '20'])('refuses %j', (retryBudget) => {
    expect(() => clientOf('http://127.0.0.1:1', { retryBudget } as ClientOptions)).toThrow(/retryBudget/);
  });
});
