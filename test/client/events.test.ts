import type { ClientEvent, TranscriptionClient } from 'transcription-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import { listenAnswer, type Reply, startAnswering, startHttpServer } from '../support/fault-server.js';

const AUDIO = new Uint8Array([1, 2, 3]);
const GOOD: Reply = { status: 200, body: listenAnswer() };
const TYPES: ClientEvent['type'][] = [
  'request-start',
  'attempt-start',
  'attempt',
  'retry',
  'limit-wait',
  'request-end',
  'storage-failure',
  'route',
  'warning',
];

const unhandled = vi.fn();
beforeEach(() => void process.on('unhandledRejection', unhandled));
afterEach(() => {
  process.off('unhandledRejection', unhandled);
  expect(unhandled).not.toHaveBeenCalled();
});

function record(client: TranscriptionClient): ClientEvent[] {
  const events: ClientEvent[] = [];
  for (const type of TYPES) client.on(type, (event: ClientEvent) => void events.push(event));
  return events;
}

describe('the events of a call', () => {
  it('success', async () => {
    await using server = await startAnswering(GOOD);
    const hooked: ClientEvent[] = [];
    await using client = clientOf(server.url, { metrics: [{ onEvent: (event) => void hooked.push(event) }] });
    const events = record(client);
    await client.transcribe(AUDIO, { userId: 'u1' });
    const shared = {
      callId: expect.stringMatching(/^call_/),
      mode: 'sync',
      model: 'nova-3',
      region: 'here',
      userId: 'u1',
    };
    const durationMs = expect.any(Number);
    expect(events).toEqual([
      { type: 'request-start', source: 'bytes', ...shared },
      { type: 'attempt-start', attempt: 1, ...shared },
      {
        type: 'attempt',
        attempt: 1,
        status: 'success',
        durationMs,
        httpStatus: 200,
        requestId: 'req-1',
        ...shared,
      },
      {
        type: 'request-end',
        status: 'success',
        durationMs,
        waitedMs: 0,
        attempts: 1,
        audioSeconds: 2,
        requestId: 'req-1',
        ...shared,
      },
    ]);
    expect(new Set(events.map((event) => 'callId' in event && event.callId)).size).toBe(1);
    expect(hooked).toEqual(events);
    expect(JSON.stringify(events)).not.toContain('hello');
  });

  it('a retry, then failure', async () => {
    await using server = await startAnswering(
      { status: 503 },
      { status: 401, headers: { 'dg-request-id': 'r2' } },
    );
    await using client = clientOf(server.url);
    const events = record(client);
    await failureOf(client.transcribe(AUDIO));
    expect(events).toMatchObject([
      { type: 'request-start' },
      { type: 'attempt-start', attempt: 1 },
      { type: 'attempt', attempt: 1, status: 'error', httpStatus: 503, code: 'provider_unavailable' },
      { type: 'retry', attempt: 1, code: 'provider_unavailable', delayMs: expect.any(Number) },
      { type: 'attempt-start', attempt: 2 },
      {
        type: 'attempt',
        attempt: 2,
        status: 'error',
        httpStatus: 401,
        code: 'invalid_credentials',
        requestId: 'r2',
      },
      { type: 'request-end', status: 'error', attempts: 2, code: 'invalid_credentials', requestId: 'r2' },
    ]);
  });

  it('an abort', async () => {
    await using server = await startHttpServer(() => undefined);
    await using client = clientOf(server.url);
    const events = record(client);
    const controller = new AbortController();
    const failure = failureOf(client.transcribe(AUDIO, { signal: controller.signal }));
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    controller.abort();
    await failure;
    expect(events.map((event) => [event.type, 'status' in event ? event.status : ''])).toEqual([
      ['request-start', ''],
      ['attempt-start', ''],
      ['attempt', 'cancelled'],
      ['request-end', 'cancelled'],
    ]);
  });

  it('a wait for the limit', async () => {
    await using server = await startHttpServer((request, response) => {
      request.resume().on('end', () => setTimeout(() => response.end(JSON.stringify(listenAnswer())), 50));
    });
    await using client = clientOf(server.url, { limits: { maxConcurrent: 1 } });
    const events = record(client);
    await Promise.all([client.transcribe(AUDIO), client.transcribe(AUDIO)]);
    const waits = events.filter(({ type }) => type === 'limit-wait');
    expect(waits).toMatchObject([{ waitedMs: expect.any(Number), mode: 'sync' }]);
    const ends = events.filter((event) => event.type === 'request-end');
    expect(ends[0]?.waitedMs).toBe(0);
    expect(ends[1]?.waitedMs).toBeGreaterThan(20);
    // The wait is not part of the duration.
    expect(ends[1]?.durationMs).toBeLessThan((ends[0]?.durationMs ?? 0) + (ends[1]?.waitedMs ?? 0));
  });

  it('one that fails before it begins has no events', async () => {
    await using client = clientOf('http://127.0.0.1:1');
    const events = record(client);
    await failureOf(client.transcribe('./a.wav'));
    await failureOf(client.transcribe(AUDIO, { priority: -1 }));
    expect(events).toEqual([]);
  });
});

describe('whoever listens', () => {
  it('cannot harm the call', async () => {
    await using server = await startAnswering(GOOD);
    const lines: unknown[] = [];
    const log = (message: string, fields: unknown) => {
      lines.push([message, fields]);
      throw new Error('disk full');
    };
    const late: string[] = [];
    const hooks = [
      {
        onEvent: () => {
          throw new Error('hook');
        },
        close: async () => {
          throw new Error('close');
        },
      },
      {
        onEvent: async () => {
          throw new Error('async hook');
        },
      },
      { onEvent: (event: ClientEvent) => void late.push(event.type) },
    ];
    const client = clientOf(server.url, {
      metrics: hooks,
      logger: { debug: log, info: log, warn: log, error: log },
    });
    client.on('attempt', () => {
      throw new Error('listener');
    });
    client.on('attempt', async () => {
      throw new Error('async listener');
    });
    client.on('attempt', (event) => void late.push(`second ${event.type}`));
    expect((await client.transcribe(AUDIO)).text).toBe('hello world');
    await client.close();
    expect(late).toEqual(['request-start', 'attempt-start', 'attempt', 'second attempt', 'request-end']);
    expect(lines).toContainEqual(['transcription-client: a metrics hook failed', { error: 'Error' }]);
    expect(lines).toContainEqual(['transcription-client: a listener of attempt failed', { error: 'Error' }]);
  });

  it('once hears one event, off none', async () => {
    await using server = await startAnswering(GOOD);
    await using client = clientOf(server.url);
    const once = vi.fn();
    const always = vi.fn();
    const gone = vi.fn();
    client
      .once('request-end', once)
      .on('request-end', always)
      .on('request-end', gone)
      .off('request-end', gone);
    await client.transcribe(AUDIO);
    await client.transcribe(AUDIO);
    client.off('request-end', always);
    expect(() => client.off('request-end', null as never)).toThrow(/listener of request-end/);
    await client.transcribe(AUDIO);
    expect([once, always, gone].map((listener) => listener.mock.calls.length)).toEqual([1, 2, 0]);
  });

  it('hears a cause before what a listener makes of it', async () => {
    await using server = await startAnswering(GOOD);
    const hooked: string[] = [];
    await using client = clientOf(server.url, {
      metrics: [{ onEvent: (event) => void hooked.push(event.type) }],
    });
    const heard: string[] = [];
    client.once('request-end', () => client.stream().abort());
    for (const type of ['request-start', 'request-end'] as const)
      client.on(type, (event: ClientEvent) => void heard.push(event.type));
    await client.transcribe(AUDIO);
    const order = ['request-start', 'request-end', 'request-start'];
    expect(heard.slice(0, 3)).toEqual(order);
    expect(hooked.filter((type) => type.startsWith('request')).slice(0, 3)).toEqual(order);
  });
});
