import { createHttpClient, HttpClientError } from 'transcription-client/http-client';
import { describe, expect, it, vi } from 'vitest';
import { refusedUrl, send, startHttpServer } from '../../support/fault-server.js';

/** A source without an end that counts what is asked of it. */
function endless() {
  const seen = { pulls: 0, cancelled: [] as unknown[] };
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      seen.pulls += 1;
      await new Promise((resolve) => setImmediate(resolve));
      controller.enqueue(new Uint8Array(1000));
    },
    cancel(reason) {
      seen.cancelled.push(reason);
    },
  });
  return { stream, seen };
}

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'none',
    (error: unknown) => (HttpClientError.isInstance(error) ? error.code : String(error)),
  );

async function expectLetGo({ stream, seen }: ReturnType<typeof endless>): Promise<void> {
  await vi.waitFor(() => expect(seen.cancelled).toHaveLength(1));
  const { pulls } = seen;
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(seen.pulls).toBe(pulls);
  expect(stream.locked).toBe(true);
}

describe('the stream of an upload is cancelled', () => {
  it('when the signal aborts', async () => {
    let received = 0;
    await using server = await startHttpServer((request) => {
      request.on('data', (chunk: Uint8Array) => {
        received += chunk.length;
      });
    });
    const source = endless();
    const controller = new AbortController();
    const { signal } = controller;
    const calling = codeOf(createHttpClient({ baseUrl: server.url }).transcribe(source.stream, { signal }));
    await vi.waitFor(() => expect(received).toBeGreaterThan(10_000), { timeout: 10_000 });
    expect(source.seen.cancelled).toEqual([]);
    controller.abort('enough');
    expect(await calling).toBe('aborted');
    await expectLetGo(source);
    expect(source.seen.cancelled).toEqual(['enough']);
  });

  it('when the connection breaks', async () => {
    await using server = await startHttpServer((request) => {
      request.once('data', () => request.destroy());
    });
    const source = endless();
    expect(await codeOf(createHttpClient({ baseUrl: server.url }).transcribe(source.stream))).toBe('network');
    await expectLetGo(source);
  });

  it('when nobody answers, no token is to be had, or the signal has aborted before', async () => {
    const baseUrl = await refusedUrl();
    const token = () => Promise.reject(new Error('logged out'));
    for (const [call, code] of [
      [(stream) => createHttpClient({ baseUrl }).transcribe(stream), 'network'],
      [(stream) => createHttpClient({ baseUrl, token }).transcribe(stream), 'token_failed'],
      [
        (stream) => createHttpClient({ baseUrl }).transcribe(stream, { signal: AbortSignal.abort() }),
        'aborted',
      ],
    ] as [(stream: ReadableStream<Uint8Array>) => Promise<unknown>, string][]) {
      const source = endless();
      expect(await codeOf(call(source.stream))).toBe(code);
      await expectLetGo(source);
    }
  });

  it('when the server answers before it has all of it', async () => {
    await using server = await startHttpServer((request, response) => {
      request.once('data', () => send(response, { status: 413, body: { code: 'payload_too_large' } }));
    });
    const source = endless();
    const code = await codeOf(createHttpClient({ baseUrl: server.url }).transcribe(source.stream));
    expect(code).toBe('payload_too_large');
    await expectLetGo(source);
  });
});

describe('the stream of an upload', () => {
  it('arrives whole, and is not cancelled', async () => {
    const chunks: Buffer[] = [];
    await using server = await startHttpServer((request, response) => {
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => send(response, { status: 202, body: { mode: 'async', jobId: 'job_1' } }));
    });
    const audio = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
    const cancel = vi.fn();
    let sent = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(audio.subarray(sent, sent + 10_000));
        sent += 10_000;
        if (sent === audio.length) controller.close();
      },
      cancel,
    });
    const answer = await createHttpClient({ baseUrl: server.url }).transcribe(stream);
    expect(answer).toMatchObject({ mode: 'async', jobId: 'job_1' });
    expect(Buffer.concat(chunks).equals(audio)).toBe(true);
    expect(cancel).not.toHaveBeenCalled();
  });

  it('that fails is the cause of the failure', async () => {
    await using server = await startHttpServer((request) => void request.resume());
    const lost = new Error('the microphone was taken away');
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(10)),
      pull: () => Promise.reject(lost),
    });
    const call = createHttpClient({ baseUrl: server.url }).transcribe(stream);
    await expect(call).rejects.toMatchObject({ code: 'network', cause: { cause: lost } });
  });

  it('that somebody reads already is refused', async () => {
    const { stream } = endless();
    stream.getReader();
    const call = createHttpClient({ baseUrl: '/api' }).transcribe(stream);
    await expect(call).rejects.toMatchObject({ name: 'BadRequestError', code: 'invalid_option' });
  });
});
