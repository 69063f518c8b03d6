import type { ClientOptions } from 'transcription-client';
import { describe, expect, it, vi } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import { listenAnswer, type Reply, startAnswering, startHttpServer } from '../support/fault-server.js';
import { ManualClock } from '../support/manual-clock.js';

const AUDIO = new Uint8Array([1, 2, 3]);
const GOOD: Reply = { status: 200, body: listenAnswer() };

/** A client on a clock that is moved by hand, and the delays of its retries. */
function timed(url: string, options: ClientOptions = {}) {
  const clock = new ManualClock();
  const client = clientOf(url, { clock, retry: {}, ...options });
  const delays: number[] = [];
  client.on('retry', ({ delayMs }) => delays.push(delayMs));
  return { clock, client, delays };
}

describe('back-off', () => {
  it('waits on the clock, within a ceiling that doubles, never shorter than the least delay', async () => {
    await using server = await startAnswering({ status: 503 });
    const { clock, client, delays } = timed(server.url, { retry: { attempts: 4 } });
    const failure = failureOf(client.transcribe(AUDIO));
    for (let attempt = 1; attempt <= 3; attempt++) {
      await vi.waitFor(() => expect(delays).toHaveLength(attempt), { timeout: 5000 });
      const delay = delays[attempt - 1] ?? 0;
      expect(delay).toBeGreaterThanOrEqual(1000);
      expect(delay).toBeLessThanOrEqual(1000 * 2 ** attempt);
      await clock.advance(delay - 1);
      expect(server.requests).toHaveLength(attempt);
      await clock.advance(1);
      await vi.waitFor(() => expect(server.requests).toHaveLength(attempt + 1));
    }
    expect(await failure).toMatchObject({ attempt: 4, status: 503 });
    await client.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([
    ['seconds', { 'retry-after': '7' }, 7000],
    [
      'a date on the server’s own clock',
      { 'retry-after': 'Wed, 21 Oct 2015 07:28:09 GMT', date: 'Wed, 21 Oct 2015 07:28:00 GMT' },
      9000,
    ],
    ['a date that is over', { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, 0],
    ['zero', { 'retry-after': '0' }, 0],
  ])('goes by Retry-After first: %s', async (_name, headers, expected) => {
    await using server = await startAnswering({ status: 429, headers }, GOOD);
    const { clock, client, delays } = timed(server.url);
    const call = client.transcribe(AUDIO);
    await vi.waitFor(() => expect(delays).toEqual([expected]));
    await clock.advance(expected);
    expect((await call).text).toBe('hello world');
    await client.close();
  });

  it.each(['soon', '-5', 'Infinity', '', '1e9', '0x10'])('passes over a Retry-After of %j', async (value) => {
    await using server = await startAnswering({ status: 429, headers: { 'retry-after': value } }, GOOD);
    const { clock, client, delays } = timed(server.url);
    const call = client.transcribe(AUDIO);
    await vi.waitFor(() => expect(delays).toHaveLength(1));
    expect(delays[0]).toBeGreaterThanOrEqual(1000);
    expect(delays[0]).toBeLessThanOrEqual(2000);
    await clock.advance(2000);
    await call;
    await client.close();
  });

  it('does not wait for a Retry-After beyond the longest delay, and tells it', async () => {
    await using server = await startAnswering({ status: 429, headers: { 'retry-after': '21' } });
    const { client } = timed(server.url);
    const error = await failureOf(client.transcribe(AUDIO));
    expect(error).toMatchObject({
      name: 'RateLimitError',
      retryAfterMs: 21_000,
      attempt: 1,
      retryable: true,
    });
    await client.close();
  });
});

describe('the total deadline', () => {
  it('ends a back-off and names the failure before it', async () => {
    await using server = await startAnswering({ status: 503, headers: { 'retry-after': '10' } });
    const { clock, client, delays } = timed(server.url);
    const failure = failureOf(client.transcribe(AUDIO, { timeoutMs: 5000 }));
    await vi.waitFor(() => expect(delays).toEqual([10_000]));
    await clock.advance(5000);
    const error = await failure;
    expect(error).toMatchObject({ name: 'TimeoutError', code: 'timeout', ambiguous: false, attempt: 1 });
    expect(error.message).toMatch(/5000 ms.*provider_unavailable/);
    expect(error.cause).toMatchObject({ status: 503 });
    expect(clock.pendingTimers).toBe(0);
    await client.close();
  });

  it('spans the attempts', async () => {
    await using server = await startHttpServer((request, response, count) => {
      request.resume();
      if (count === 1) request.on('end', () => response.writeHead(503, { 'retry-after': '4' }).end());
    });
    const { clock, client, delays } = timed(server.url);
    const failure = failureOf(client.transcribe(AUDIO, { timeoutMs: 6000 }));
    await vi.waitFor(() => expect(delays).toEqual([4000]));
    await clock.advance(4000);
    await vi.waitFor(() => expect(server.requests).toHaveLength(2));
    await clock.advance(1999);
    await clock.advance(1);
    expect(await failure).toMatchObject({ code: 'timeout', ambiguous: true, attempt: 2 });
    expect(clock.pendingTimers).toBe(0);
    await client.close();
  });

  it('ends the wait for a limit', async () => {
    await using server = await startHttpServer(() => undefined);
    const { clock, client } = timed(server.url, { limits: { maxConcurrent: 1 } });
    const first = failureOf(client.transcribe(AUDIO));
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    const ends: unknown[] = [];
    client.on('request-end', (event) => ends.push(event));
    const second = failureOf(client.transcribe(AUDIO, { timeoutMs: 1000 }));
    await clock.advance(1000);
    expect(await second).toMatchObject({ code: 'timeout', ambiguous: false, retryable: true });
    expect(ends).toMatchObject([{ waitedMs: 1000, durationMs: 0, attempts: 0, code: 'timeout' }]);
    const closed = client.close({ timeoutMs: 0 });
    await clock.advance(1);
    expect(await first).toMatchObject({ code: 'client_closed' });
    await closed;
  });

  it('covers the body of the answer and credentials that never come', async () => {
    await using server = await startHttpServer((request, response) => {
      request.resume().on('end', () => response.writeHead(200).write('{'));
    });
    const { clock, client } = timed(server.url);
    const stalled = failureOf(client.transcribe(AUDIO, { timeoutMs: 1000 }));
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    await clock.advance(1000);
    expect(await stalled).toMatchObject({ code: 'timeout', ambiguous: true });
    await client.close();

    const other = timed(server.url, { apiKey: () => new Promise(() => undefined) });
    const keyless = failureOf(other.client.transcribe(AUDIO, { timeoutMs: 1000 }));
    await other.clock.advance(1000);
    expect(await keyless).toMatchObject({ code: 'timeout', ambiguous: false });
    await other.client.close();
  });

  it('an attempt that could not begin in time is tried again', async () => {
    await using server = await startAnswering(GOOD);
    let calls = 0;
    const apiKey = () => (++calls === 1 ? new Promise<string>(() => undefined) : 'key');
    const { clock, client, delays } = timed(server.url, { apiKey, attemptTimeoutMs: 500 });
    const call = client.transcribe(AUDIO);
    await vi.waitFor(() => expect(calls).toBe(1));
    await clock.advance(500);
    await vi.waitFor(() => expect(delays).toHaveLength(1));
    await clock.advance(delays[0] ?? 0);
    expect((await call).text).toBe('hello world');
    await client.close();
  });
});
