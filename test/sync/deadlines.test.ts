import { fromStream, type TranscribeOptions } from 'transcription-client';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { PrerecordedApi } from '../../src/deepgram/prerecorded.js';
import { Lazy } from '../../src/internal/lazy.js';
import { RetryBudget } from '../../src/resilience/retry-budget.js';
import { SpendGuard } from '../../src/resilience/spend-guard.js';
import { createTranscriber, type TranscribeCall } from '../../src/sync/transcribe.js';
import { clientOf, failureOf } from '../support/client.js';
import { type Answer, listenAnswer, send, startAnswering, startHttpServer } from '../support/fault-server.js';
import { ManualClock } from '../support/manual-clock.js';

const AUDIO = new Uint8Array([1, 2, 3]);
const LIMIT_MS = 600;
/** 5% and 50 ms. */
const LATEST_MS = LIMIT_MS * 1.05 + 50;

beforeAll(async () => {
  // The first call loads the SDK, which holds the event loop, and every timer with it.
  await using server = await startAnswering({ status: 200, body: listenAnswer() });
  await using client = clientOf(server.url);
  await client.transcribe(AUDIO);
});

const noHeaders: Answer = (request) => void request.resume();
const stalledBody: Answer = (request, response) => {
  request.resume().on('end', () => response.writeHead(200, { 'content-length': 1000 }).write('{'));
};
const trickledBody: Answer = (request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-length': 100_000 });
    const timer = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(timer));
  });
};
/** Its parts come for ever, each well within the time. */
async function* slowUpload(): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield AUDIO;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const FAULTS: [string, Answer, boolean][] = [
  ['no headers', noHeaders, false],
  ['a stalled body', stalledBody, false],
  ['a trickled body', trickledBody, false],
  ['a slow upload', noHeaders, true],
];

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

describe.each([
  ['timeoutMs', /The call took longer than 600 ms\. Raise timeoutMs/],
  ['attemptTimeoutMs', /The attempt took longer than 600 ms\. Raise attemptTimeoutMs/],
] as const)('%s', (option, message) => {
  it.each(FAULTS)('ends a call with %s in time, and leaves nothing', async (name, answer, isSlow) => {
    const before = timers();
    {
      await using server = await startHttpServer(answer);
      await using client = clientOf(server.url);
      const source = isSlow ? fromStream(slowUpload) : AUDIO;
      const startedAt = performance.now();
      const error = await failureOf(client.transcribe(source, { [option]: LIMIT_MS } as TranscribeOptions));
      const took = performance.now() - startedAt;
      console.log(`${option} of ${LIMIT_MS} ms, ${name}: ${took.toFixed(0)} ms`);
      expect(error).toMatchObject({ name: 'TimeoutError', code: 'timeout', ambiguous: true, attempt: 1 });
      expect(error.message).toMatch(message);
      expect(took).toBeGreaterThanOrEqual(LIMIT_MS - 2);
      expect(took).toBeLessThanOrEqual(LATEST_MS);
      expect(server.requests).toHaveLength(1);
      await vi.waitFor(async () => expect(await server.connections()).toBe(0));
    }
    await vi.waitFor(() => expect(timers()).toBeLessThanOrEqual(before));
  });
});

describe('an answer that had begun when the time was up', () => {
  const begun =
    (status: number): Answer =>
    (request, response) => {
      request.resume().on('end', () => {
        response.writeHead(status, { 'content-length': 1000, 'dg-request-id': 'req-7' }).write('{');
      });
    };

  it('leaves its request id on the error', async () => {
    await using server = await startHttpServer(begun(200));
    await using client = clientOf(server.url);
    const error = await failureOf(client.transcribe(AUDIO, { timeoutMs: 100 }));
    expect(error).toMatchObject({ code: 'timeout', ambiguous: true, status: 200, requestId: 'req-7' });
  });

  it('is still the refusal that its status says', async () => {
    await using server = await startHttpServer(begun(401));
    await using client = clientOf(server.url);
    const error = await failureOf(client.transcribe(AUDIO, { timeoutMs: 100 }));
    expect(error).toMatchObject({ name: 'AuthError', ambiguous: false, status: 401, requestId: 'req-7' });
    const aborted = await failureOf(client.transcribe(AUDIO, { signal: AbortSignal.timeout(100) }));
    expect(aborted).toMatchObject({ code: 'aborted', ambiguous: true, requestId: 'req-7' });
  });

  it('is retried where its status says so, within the time of the call', async () => {
    await using server = await startHttpServer((request, response, count) => {
      if (count === 1) begun(503)(request, response, count);
      else request.resume().on('end', () => send(response, { status: 200, body: listenAnswer('again') }));
    });
    await using client = clientOf(server.url);
    expect((await client.transcribe(AUDIO, { attemptTimeoutMs: 200 })).text).toBe('again');
  });

  it('leaves no connection, so warmUp() fails', async () => {
    await using server = await startHttpServer(begun(404));
    await using client = clientOf(server.url);
    expect((await failureOf(client.warmUp({ timeoutMs: 100 }))).code).toBe('timeout');
  });
});

describe('loading the SDK', () => {
  const answer = {
    requestId: 'r',
    durationSeconds: 1,
    language: undefined,
    channels: [],
    utterances: [],
    paragraphs: [],
    response: {},
  };
  const request: PrerecordedApi['request'] = async () => answer as never;

  /** A transcriber whose SDK takes `loadMs` to load. */
  function slowToLoad(clock: ManualClock, loadMs: number) {
    const api: PrerecordedApi = { request };
    return createTranscriber({
      api: new Lazy(() => new Promise((resolve) => void clock.setTimer(() => resolve(api), loadMs))),
      credentials: async () => ({ kind: 'key', apiKey: 'k' }),
      limits: { acquire: async () => ({ waitedMs: 0, release: () => undefined }) },
      budget: new RetryBudget(clock, 20, () => undefined),
      spend: new SpendGuard(clock, {}),
      checkSource: async () => undefined,
      warnOfCosts: () => undefined,
      project: 'p',
      clock,
      emit: () => undefined,
    });
  }

  const call: TranscribeCall = {
    source: { kind: 'url', url: 'https://example.test/a.wav', label: 'https://example.test/a.wav' },
    mode: 'sync',
    parameters: {},
    model: 'nova-3',
    language: undefined,
    region: { name: 'here', endpoint: 'https://api.deepgram.com', allowedSources: [] },
    priority: 0,
    retry: { attempts: 1, minDelayMs: 0, maxDelayMs: 0, ambiguous: false },
    timeoutMs: 10_000,
    attemptTimeoutMs: 150,
    signal: undefined,
    userId: undefined,
    jobId: undefined,
    durationSeconds: undefined,
    keep: undefined,
  } as TranscribeCall;

  it('does not use up the time of an attempt', async () => {
    const clock = new ManualClock();
    const done = slowToLoad(clock, 300)(call);
    await clock.advance(300);
    expect((await done).requestId).toBe('r');
    expect(clock.pendingTimers).toBe(0);
  });

  it('counts in the time of the call', async () => {
    const clock = new ManualClock();
    const failure = failureOf(slowToLoad(clock, 30_000)(call));
    await clock.advance(9_999);
    await clock.advance(1);
    expect(await failure).toMatchObject({ code: 'timeout', ambiguous: false });
  });
});

describe('Retry-After', () => {
  async function waitedFor(headers: Record<string, string>, wallMs: number, hasDate: boolean) {
    await using server = await startHttpServer((request, response, count) => {
      response.sendDate = hasDate;
      request
        .resume()
        .on('end', () =>
          send(response, count === 1 ? { status: 429, headers } : { status: 200, body: listenAnswer() }),
        );
    });
    const clock = new ManualClock(wallMs);
    const client = clientOf(server.url, { clock, retry: {} });
    const delays: number[] = [];
    client.on('retry', ({ delayMs }) => delays.push(delayMs));
    const call = client.transcribe(AUDIO);
    await vi.waitFor(() => expect(delays).toHaveLength(1));
    await clock.advance((delays[0] ?? 0) - 1);
    expect(server.requests).toHaveLength(1);
    await clock.advance(1);
    await call;
    await client.close();
    return delays[0];
  }

  const NOW = Date.UTC(2031, 0, 1);
  const at = (seconds: number): string => new Date(NOW + seconds * 1000).toUTCString();

  it('as a date goes by the server’s date, where it tells it', async () => {
    const headers = { 'retry-after': at(12), date: at(0) };
    expect(await waitedFor(headers, NOW - 3_600_000, false)).toBe(12_000);
  });

  it('as a date goes by the client’s clock, where the server tells none', async () => {
    expect(await waitedFor({ 'retry-after': at(12) }, NOW, false)).toBe(12_000);
  });

  it('is honoured within 5% in real time', async () => {
    const times: number[] = [];
    await using server = await startHttpServer((request, response, count) => {
      times.push(performance.now());
      request
        .resume()
        .on('end', () =>
          send(
            response,
            count === 1
              ? { status: 503, headers: { 'retry-after': '2' } }
              : { status: 200, body: listenAnswer() },
          ),
        );
    });
    await using client = clientOf(server.url, { retry: {} });
    await client.transcribe(AUDIO);
    const waited = (times[1] ?? 0) - (times[0] ?? 0);
    console.log(`Retry-After of 2000 ms: ${waited.toFixed(0)} ms`);
    expect(waited).toBeGreaterThanOrEqual(1999);
    expect(waited).toBeLessThanOrEqual(2100);
  });
});
