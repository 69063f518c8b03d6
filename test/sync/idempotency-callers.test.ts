import { Readable } from 'node:stream';
import { createMemoryStorage } from 'transcription-client';
import { describe, expect, it, vi } from 'vitest';
import { failureOf } from '../support/client.js';
import { send, startHttpServer } from '../support/fault-server.js';
import { ManualClock } from '../support/manual-clock.js';
import { AUDIO, KEY, keyedRigs, MINUTE_MS, newClient, OTHER, ok, onceReadable, server } from './keyed-rig.js';

keyedRigs();

describe('each caller', () => {
  it('leaves alone; the others go on with the one request', async () => {
    const client = newClient();
    server.reply = undefined;
    const controllers = [1, 2, 3].map(() => new AbortController());
    const calls = controllers.map(({ signal }) => client.transcribe(AUDIO, { ...KEY, signal }));
    await vi.waitFor(() => expect(server.read).toBe(1));
    for (const index of [0, 2]) {
      controllers[index]?.abort();
      expect((await failureOf(calls[index] as Promise<unknown>)).code).toBe('aborted');
    }
    server.answer();
    expect((await calls[1])?.text).toBe('answer 1');
    expect(server.requests).toHaveLength(1);
    expect(server.dropped).toBe(0);
  });

  it('leaves, and with the last one the request ends; the next call sends anew', async () => {
    const client = newClient();
    server.reply = undefined;
    const controllers = [1, 2].map(() => new AbortController());
    const failures = controllers.map(({ signal }) => failureOf(client.transcribe(AUDIO, { ...KEY, signal })));
    await vi.waitFor(() => expect(server.read).toBe(1));
    for (const controller of controllers) controller.abort();
    const [first, last] = await Promise.all(failures);
    expect(first).toMatchObject({ code: 'aborted', ambiguous: false });
    // The whole upload was sent.
    expect(last).toMatchObject({ code: 'aborted', ambiguous: true });
    await vi.waitFor(() => expect(server.dropped).toBe(1));
    server.reply = ok;
    expect((await client.transcribe(AUDIO, KEY)).text).toBe('answer 2');
    expect(server.requests).toHaveLength(2);
  });

  it('may join in the moment in which the first one leaves', async () => {
    const client = newClient();
    server.reply = undefined;
    const controller = new AbortController();
    const first = failureOf(client.transcribe(AUDIO, { ...KEY, signal: controller.signal }));
    await vi.waitFor(() => expect(server.read).toBe(1));
    const second = client.transcribe(AUDIO, KEY);
    controller.abort();
    const third = client.transcribe(AUDIO, KEY);
    await first;
    // Where the second had not joined yet, the request was given up, and the two share a new one.
    await vi.waitFor(() => expect(server.read).toBeGreaterThanOrEqual(1 + server.dropped));
    server.reply = ok;
    server.answer();
    const [two, three] = await Promise.all([second, third]);
    expect(two).toEqual(three);
    expect(server.requests).toHaveLength(1 + server.dropped);
  });

  it('has a time limit of its own', async () => {
    const clock = new ManualClock();
    const client = newClient({ clock });
    server.reply = undefined;
    const short = failureOf(client.transcribe(AUDIO, { ...KEY, timeoutMs: 1000 }));
    const long = client.transcribe(AUDIO, { ...KEY, timeoutMs: 10 * MINUTE_MS });
    await vi.waitFor(() => expect(server.read).toBe(1));
    await clock.advance(1000);
    expect(await short).toMatchObject({ name: 'TimeoutError', code: 'timeout' });
    await clock.advance(5 * MINUTE_MS);
    server.answer();
    expect((await long).text).toBe('answer 1');
    expect(clock.pendingTimers).toBe(0);
  });

  it('leaves its one-shot stream to the others, also before it was read', async () => {
    const client = newClient({ limits: { maxConcurrent: 1 } });
    server.reply = undefined;
    const busy = client.transcribe(OTHER);
    await vi.waitFor(() => expect(server.read).toBe(1));
    const controller = new AbortController();
    const stream = onceReadable();
    const first = failureOf(client.transcribe(stream, { ...KEY, signal: controller.signal }));
    const second = client.transcribe(AUDIO, KEY);
    // Both wait for the limiter by now.
    await new Promise((resolve) => setTimeout(resolve, 20));
    controller.abort();
    expect((await first).code).toBe('aborted');
    expect(stream.destroyed).toBe(false);
    server.reply = ok;
    server.answer();
    await busy;
    expect((await second).text).toBe('answer 2');
    expect(stream.destroyed).toBe(true);
  });

  it('is not harmed by the broken stream of another', async () => {
    const client = newClient();
    server.reply = undefined;
    const broken = new Readable({ read: () => undefined });
    broken.push(Buffer.from(AUDIO.subarray(0, 10)));
    const first = failureOf(client.transcribe(broken, KEY));
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    const others = [client.transcribe(onceReadable(), KEY), client.transcribe(AUDIO, KEY)];
    await new Promise((resolve) => setTimeout(resolve, 20));
    server.reply = ok;
    broken.destroy(new Error('the microphone was pulled out'));
    expect((await first).code).toBe('stream_failed');
    const [one, two] = await Promise.all(others);
    expect(one).toEqual(two);
    expect(server.requests).toHaveLength(2);
  });

  it('has its one-shot stream read or closed', async () => {
    const client = newClient();
    server.reply = undefined;
    const cancel = vi.fn();
    const streams = [onceReadable(), onceReadable(), onceReadable(OTHER)];
    const controller = new AbortController();
    const endless = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => undefined), cancel });
    const calls = streams.map((stream) => client.transcribe(stream, KEY));
    const left = failureOf(client.transcribe(endless, { ...KEY, signal: controller.signal }));
    const settled = Promise.allSettled(calls);
    await vi.waitFor(() => expect(server.read).toBe(1));
    controller.abort();
    await left;
    expect(cancel).toHaveBeenCalledOnce();
    server.answer();
    expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    for (const stream of streams) expect(stream.destroyed).toBe(true);
    const late = onceReadable();
    await client.transcribe(late, KEY);
    expect(late.destroyed).toBe(true);
  });

  it('who brings a request that a server received can answer it, whatever became of the call', async () => {
    const client = newClient();
    server.reply = undefined;
    await using host = await startHttpServer((request, response) => {
      const options = request.url === '/refused' ? { idempotencyKey: '' } : KEY;
      client.transcribe(request, options).then(
        () => send(response, { status: 200 }),
        (error) => send(response, { status: 422, body: { code: error.code } }),
      );
    });
    const upload = async (path: string) => {
      const answer = await fetch(`${host.url}${path}`, { method: 'POST', body: AUDIO });
      return [answer.status, ((await answer.json()) as { code: string }).code];
    };
    expect(await upload('/refused')).toEqual([422, 'invalid_option']);
    const first = failureOf(client.transcribe(AUDIO, KEY));
    await vi.waitFor(() => expect(server.read).toBe(1));
    const joined = upload('/joined');
    await vi.waitFor(() => expect(host.requests).toHaveLength(2));
    server.answer({ status: 401 });
    const { code } = await first;
    expect(await joined).toEqual([422, code]);
    expect(server.requests).toHaveLength(1);
  });

  it('who brings a stream that stands still, for a transcript that is there, has its time limit', async () => {
    const client = newClient();
    await client.transcribe(AUDIO, KEY);
    const stuck = new Readable({ read: () => undefined });
    expect((await failureOf(client.transcribe(stuck, { ...KEY, timeoutMs: 30 }))).code).toBe('timeout');
    expect(stuck.destroyed).toBe(true);
  });
});

describe('closing the client during a shared call', () => {
  it('lets it end in time', async () => {
    const client = newClient();
    server.reply = undefined;
    const calls = [client.transcribe(AUDIO, KEY), client.transcribe(AUDIO, KEY)];
    await vi.waitFor(() => expect(server.read).toBe(1));
    const closed = client.close();
    server.answer();
    for (const transcript of await Promise.all(calls)) expect(transcript.text).toBe('answer 1');
    await closed;
  });

  it('or ends it, for all of its callers, and frees the key', async () => {
    const storage = createMemoryStorage();
    const client = newClient({ storage });
    server.reply = undefined;
    const { signal } = new AbortController();
    const calls = [{}, { signal }, {}].map((extra) =>
      failureOf(client.transcribe(AUDIO, { ...KEY, ...extra })),
    );
    await vi.waitFor(() => expect(server.read).toBe(1));
    await client.close({ timeoutMs: 0 });
    for (const error of await Promise.all(calls)) expect(error.code).toBe('client_closed');
    await vi.waitFor(() => expect(server.dropped).toBe(1));
    server.reply = ok;
    expect((await newClient({ storage }).transcribe(AUDIO, KEY)).text).toBe('answer 2');
  });
});
