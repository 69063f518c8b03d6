import { createMemoryStorage, type TranscriptionClient } from 'transcription-client';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it, vi } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import { refusedUrl, startHttpServer } from '../support/fault-server.js';

const { audio } = synthesizeSpeech('hello');

const METHODS: Record<string, (client: TranscriptionClient) => Promise<unknown>> = {
  transcribe: (client) => client.transcribe(audio),
  enqueue: (client) => client.enqueue(audio),
  enqueueMany: (client) => client.enqueueMany([{ source: audio }]),
  submit: (client) => client.submit(audio),
  stream: async (client) => client.stream(),
  startWorker: async (client) => client.startWorker(),
  'jobs.get': (client) => client.jobs.get('job_1'),
  'jobs.list': (client) => client.jobs.list(),
  'jobs.cancel': (client) => client.jobs.cancel('job_1'),
  'jobs.retry': (client) => client.jobs.retry('job_1'),
  'jobs.remove': (client) => client.jobs.remove('job_1'),
  'transcripts.get': (client) => client.transcripts.get('tr_1'),
  'transcripts.list': (client) => client.transcripts.list(),
  'transcripts.delete': (client) => client.transcripts.delete('tr_1'),
  purge: (client) => client.purge({ before: new Date() }),
};

/** They take no signal: what they wait for ends when the client is closed. */
const OF_STORAGE = Object.keys(METHODS).filter((name) => /^(jobs|transcripts)\.|^purge$/.test(name));

describe('a closed client', () => {
  it.each(Object.keys(METHODS))('refuses %s', async (method) => {
    const client = clientOf('http://127.0.0.1:1');
    await client.close();
    const error = await failureOf(
      (METHODS[method] as (client: TranscriptionClient) => Promise<unknown>)(client),
    );
    expect(error).toMatchObject({ name: 'AbortedError', code: 'client_closed', retryable: false });
    expect(error.message).toMatch(/new TranscriptionClient/);
  });

  it('lets go of the stream that it was given', async () => {
    const client = clientOf('http://127.0.0.1:1');
    await client.close();
    const cancel = vi.fn();
    await failureOf(client.transcribe(new ReadableStream({ cancel })));
    expect(cancel).toHaveBeenCalledOnce();
  });
});

describe.each(OF_STORAGE)('%s', (method) => {
  it('ends at the deadline of close(), although the storage hangs', async () => {
    const hang = vi.fn(() => new Promise<never>(() => undefined));
    const { capabilities } = createMemoryStorage();
    const storage = { capabilities, get: hang, put: hang, list: hang, delete: hang };
    const client = clientOf('http://127.0.0.1:1', { storage });
    const failure = failureOf((METHODS[method] as (of: TranscriptionClient) => Promise<unknown>)(client));
    await vi.waitFor(() => expect(hang).toHaveBeenCalled());
    const startedAt = performance.now();
    await client.close({ timeoutMs: 100 });
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(await failure).toMatchObject({ name: 'AbortedError', code: 'client_closed' });
  });
});

describe('close()', () => {
  it('waits for what is running', async () => {
    await using emulator = await startDeepgramEmulator({ processingMs: 150 });
    const client = clientOf(emulator.url);
    const call = client.transcribe(audio);
    let isClosed = false;
    const closed = client.close().then(() => {
      isClosed = true;
    });
    expect((await call).text).toBe('hello');
    expect(isClosed).toBe(false);
    await closed;
  });

  it('aborts what takes too long, and comes once', async () => {
    await using server = await startHttpServer(() => undefined);
    const client = clientOf(server.url);
    const failure = failureOf(client.transcribe(audio));
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    const startedAt = performance.now();
    await Promise.all([client.close({ timeoutMs: 100 }), client.close({ timeoutMs: 60_000 })]);
    await client.close();
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(await failure).toMatchObject({ name: 'AbortedError', code: 'client_closed' });
  });

  it('ends a retry back-off', async () => {
    const client = clientOf(await refusedUrl(), { retry: { minDelayMs: 60_000, maxDelayMs: 60_000 } });
    const backingOff = new Promise((resolve) => client.once('retry', resolve));
    const failure = failureOf(client.transcribe(audio));
    await backingOff;
    await client.close({ timeoutMs: 10 });
    expect(await failure).toMatchObject({ code: 'client_closed' });
  });

  it('ends the wait for credentials that never come', async () => {
    const apiKey = vi.fn(() => new Promise<string>(() => undefined));
    const client = clientOf(await refusedUrl(), { apiKey });
    const failure = failureOf(client.transcribe(audio));
    await vi.waitFor(() => expect(apiKey).toHaveBeenCalledOnce());
    await client.close({ timeoutMs: 10 });
    expect(await failure).toMatchObject({ code: 'client_closed' });
  });

  it('ends the wait for a limit', async () => {
    await using server = await startHttpServer(() => undefined);
    const client = clientOf(server.url, { limits: { maxConcurrent: 1 } });
    const failures = [1, 2, 3].map(() => failureOf(client.transcribe(audio)));
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    await client.close({ timeoutMs: 0 });
    for (const error of await Promise.all(failures)) expect(error.code).toBe('client_closed');
  });

  it('of a client that was never used', async () => {
    const client = clientOf('http://127.0.0.1:1');
    await client.close();
    await client[Symbol.asyncDispose]();
  });

  it('comes with await using', async () => {
    await using emulator = await startDeepgramEmulator();
    let kept: TranscriptionClient;
    {
      await using client = clientOf(emulator.url);
      kept = client;
      await client.transcribe(audio);
    }
    expect((await failureOf(kept.transcribe(audio))).code).toBe('client_closed');
  });

  it('closes connections and hooks, but not what was handed in', async () => {
    const sockets = new Set<import('node:net').Socket>();
    await using emulator = await startDeepgramEmulator();
    await using server = await startHttpServer((request, response) => {
      sockets.add(request.socket);
      request.resume().on('end', () => response.writeHead(401).end());
    });
    const hook = { onEvent: () => undefined, close: vi.fn(async () => undefined) };
    const client = clientOf(server.url, { metrics: [hook] });
    await failureOf(client.transcribe(audio));
    expect(emulator.requests).toHaveLength(0);
    await client.close();
    expect(hook.close).toHaveBeenCalledOnce();
    await vi.waitFor(() => expect([...sockets].every((socket) => socket.destroyed)).toBe(true));
  });
});
