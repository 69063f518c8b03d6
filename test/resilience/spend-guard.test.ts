import type { ClientOptions, SpendOptions } from 'transcription-client';
import { describe, expect, it, vi } from 'vitest';
import { SpendGuard } from '../../src/resilience/spend-guard.js';
import { clientOf, failureOf } from '../support/client.js';
import { listenAnswer, type Reply, startAnswering } from '../support/fault-server.js';
import { ManualClock } from '../support/manual-clock.js';

const AUDIO = new Uint8Array([1, 2, 3]);
const HOUR_MS = 3_600_000;
const FACTS = { mode: 'sync', source: 'bytes', model: 'nova-3' } as const;

function guardOf(options: SpendOptions) {
  const clock = new ManualClock();
  const guard = new SpendGuard(clock, options);
  const enter = (durationSeconds?: number, userId?: string) =>
    guard.enter({
      ...FACTS,
      ...(durationSeconds === undefined ? {} : { durationSeconds }),
      ...(userId === undefined ? {} : { userId }),
    });
  return { clock, enter };
}

describe('maxDurationSeconds', () => {
  it.each([
    ['a number', 10],
    ['a function', () => 10],
    ['an async function', async () => 10],
  ])('as %s refuses what is longer', async (_name, maxDurationSeconds) => {
    const { enter } = guardOf({ maxDurationSeconds });
    await enter(10);
    expect(await failureOf(enter(10.1))).toMatchObject({ name: 'BadRequestError', code: 'audio_too_long' });
    await enter();
  });

  it('refuses audio of unknown length where that is asked for', async () => {
    const { enter } = guardOf({ maxDurationSeconds: 10, unknownDuration: 'refuse' });
    expect((await failureOf(enter())).message).toMatch(/Pass durationSeconds/);
  });
});

describe('maxAudioSecondsPerHour', () => {
  it('counts what is under way, what was billed, and not what failed', async () => {
    const { enter } = guardOf({ maxAudioSecondsPerHour: 100 });
    const first = await enter(60);
    const refused = await failureOf(enter(60));
    expect(refused).toMatchObject({ name: 'RateLimitError', code: 'spend_limit', retryable: true });
    // Nobody knows when the call under way ends.
    expect(refused.retryAfterMs).toBeUndefined();
    first.settle(0);
    (await enter(60)).settle(90);
    await failureOf(enter(11));
    (await enter(10)).settle(undefined);
    await failureOf(enter(1));
  });

  it('leaves nothing over of fractions that were given back', async () => {
    const { enter } = guardOf({ maxAudioSecondsPerHour: 5 });
    const fractions = Array.from({ length: 9 }, (_, index) => 0.1 * (index + 1));
    const tickets = await Promise.all(fractions.map((seconds) => enter(seconds)));
    for (const ticket of tickets) ticket.settle(0);
    await enter(5);
  });

  it('tells when there will be room for this audio, and keeps its word', async () => {
    const { clock, enter } = guardOf({ maxAudioSecondsPerHour: 100 });
    (await enter(20)).settle(20);
    await clock.advance(10 * 60_000);
    (await enter(70)).settle(70);
    const small = (await failureOf(enter(30))).retryAfterMs ?? 0;
    const large = (await failureOf(enter(90))).retryAfterMs ?? 0;
    expect(small).toBeGreaterThan(HOUR_MS - 11 * 60_000);
    expect(small).toBeLessThanOrEqual(HOUR_MS - 9 * 60_000);
    expect(large).toBeGreaterThan(small);
    await clock.advance(small);
    (await enter(30)).settle(0);
    await failureOf(enter(90));
    await clock.advance(large - small);
    await enter(90);
  });

  it('does not ask to wait for what never fits', async () => {
    for (const [limit, seconds] of [
      [100, 101],
      [0, 1],
      [0, undefined],
    ] as const) {
      const error = await failureOf(guardOf({ maxAudioSecondsPerHour: limit }).enter(seconds));
      expect(error).toMatchObject({ code: 'spend_limit', retryable: false, retryAfterMs: undefined });
    }
  });

  it('as a number is for all users together, as a function for each', async () => {
    const together = guardOf({ maxAudioSecondsPerHour: 10 });
    await together.enter(10, 'a');
    await failureOf(together.enter(1, 'b'));
    const each = guardOf({ maxAudioSecondsPerHour: ({ userId }) => (userId === 'free' ? 10 : undefined) });
    await each.enter(10, 'free');
    await failureOf(each.enter(1, 'free'));
    await each.enter(1000, 'paying');
  });
});

describe.each(['maxDurationSeconds', 'maxAudioSecondsPerHour'] as const)('the function %s', (name) => {
  it.each([Number.NaN, -1, '100', null, {}, Number.POSITIVE_INFINITY])(
    'that returns %s lets nothing pass',
    async (value) => {
      const error = await failureOf(guardOf({ [name]: () => value as number }).enter(1));
      expect(error).toMatchObject({ name: 'BadRequestError', code: 'invalid_option' });
      expect(error.message).toContain(`spend.${name}`);
    },
  );

  it('that throws or rejects refuses the call, with its reason as the cause', async () => {
    const reason = new Error('no plan');
    const thrower = (): never => {
      throw reason;
    };
    for (const limit of [thrower, () => Promise.reject(reason)]) {
      const error = await failureOf(guardOf({ [name]: limit }).enter(1));
      expect(error).toMatchObject({ code: 'spend_limit', retryable: false, cause: reason });
    }
  });
});

describe('a client with a spend limit', () => {
  const good = { status: 200, body: listenAnswer() };

  async function spending(options: ClientOptions, ...answers: readonly Reply[]) {
    const server = await startAnswering(...(answers.length > 0 ? answers : [good]));
    const client = clientOf(server.url, options);
    const close = async (): Promise<void> => {
      await client.close();
      await server[Symbol.asyncDispose]();
    };
    return { server, client, close };
  }

  it('sends nothing that it refuses, and does not retry it', async () => {
    const { server, client, close } = await spending({ spend: { maxAudioSecondsPerHour: 2 } });
    await client.transcribe(AUDIO);
    expect((await failureOf(client.transcribe(AUDIO))).code).toBe('spend_limit');
    expect(server.requests).toHaveLength(1);
    await close();
  });

  it('counts each channel of multichannel audio', async () => {
    const [channel] = (listenAnswer() as { results: { channels: object[] } }).results.channels;
    const body = { ...listenAnswer(), results: { channels: [channel, channel, channel] } };
    const { client, close } = await spending({ spend: { maxAudioSecondsPerHour: 6 } }, { status: 200, body });
    await client.transcribe(AUDIO, { multichannel: true });
    expect((await failureOf(client.transcribe(AUDIO))).code).toBe('spend_limit');
    await close();
  });

  it('counts ambiguous attempts, each, and refused ones not', async () => {
    const spend = { maxAudioSecondsPerHour: 10 };
    const refused = await spending({ spend, retry: { attempts: 1 } }, { status: 503 }, good);
    await failureOf(refused.client.transcribe(AUDIO, { durationSeconds: 9 }));
    await refused.client.transcribe(AUDIO, { durationSeconds: 9 });
    await refused.close();
    const ambiguous = await spending({ spend, retry: { attempts: 1 } }, { status: 504 }, good);
    await failureOf(ambiguous.client.transcribe(AUDIO, { durationSeconds: 9 }));
    await failureOf(ambiguous.client.transcribe(AUDIO, { durationSeconds: 9 }));
    await ambiguous.close();
    const twice = await spending(
      { spend: { maxAudioSecondsPerHour: 4 }, retry: { ambiguous: true, minDelayMs: 0, maxDelayMs: 0 } },
      { status: 504 },
      good,
    );
    await twice.client.transcribe(AUDIO, { durationSeconds: 2 });
    expect((await failureOf(twice.client.transcribe(AUDIO))).code).toBe('spend_limit');
    await twice.close();
  });

  it('gives back what an aborted call has asked for', async () => {
    let answer: (limit: number) => void = () => undefined;
    const asked = vi.fn(() => new Promise<number>((resolve) => (answer = resolve)));
    const { client, close } = await spending({ spend: { maxAudioSecondsPerHour: asked } });
    const controller = new AbortController();
    const failure = failureOf(client.transcribe(AUDIO, { durationSeconds: 10, signal: controller.signal }));
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(1));
    controller.abort();
    await failure;
    answer(10);
    const next = client.transcribe(AUDIO, { durationSeconds: 10 });
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(2));
    answer(10);
    await next;
    await close();
  });

  it('lets a job wait as long as it takes, without using up its attempts', async () => {
    const clock = new ManualClock();
    const { server, client, close } = await spending({
      clock,
      spend: { maxAudioSecondsPerHour: 2 },
      queue: { attempts: 1, backoffMs: 60_000, maxBackoffMs: 60_000 },
    });
    await client.transcribe(AUDIO);
    const job = await client.enqueue(AUDIO);
    for (let minute = 0; minute < 55; minute++) await clock.advance(60_000);
    expect((await job.status()).state).toBe('queued');
    expect(server.requests).toHaveLength(1);
    for (let minute = 0; minute < 10; minute++) await clock.advance(60_000);
    await vi.waitFor(async () => expect((await job.status()).state).toBe('completed'));
    expect(server.requests).toHaveLength(2);
    // The job counts as well.
    expect((await failureOf(client.transcribe(AUDIO))).code).toBe('spend_limit');
    await close();
  });

  it('refuses live sessions as well', async () => {
    const { client, close } = await spending({ spend: { maxAudioSecondsPerHour: 2 } });
    await client.transcribe(AUDIO);
    const live = client.stream();
    expect((await failureOf(live.opened)).code).toBe('spend_limit');
    await close();
  });
});

describe('paid options', () => {
  it('are told once for each option and client', async () => {
    await using server = await startAnswering({ status: 200, body: listenAnswer() });
    for (let round = 0; round < 2; round++) {
      await using client = clientOf(server.url);
      const told: string[] = [];
      client.on('warning', ({ code, message }) => {
        if (code === 'paid-option') told.push(/The option (\w+)/.exec(message)?.[1] ?? '');
      });
      await client.transcribe(AUDIO, { diarize: false, smart_format: true });
      expect(told).toEqual([]);
      await client.transcribe(AUDIO, { diarize: true });
      await client.transcribe(AUDIO, { diarize: true, redact: ['pci'] });
      expect(told).toEqual(['diarize', 'redact']);
    }
  });
});
