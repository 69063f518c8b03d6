import { Readable } from 'node:stream';
import { createMemoryStorage, TranscriptionClient } from 'transcription-client';
import { describe, expect, it, vi } from 'vitest';

/** A client that has not been called: its code is loaded by the call of the test. */
function newClient(storage = createMemoryStorage()): TranscriptionClient {
  return new TranscriptionClient({ apiKey: 'key', storage, queue: { autoStart: false } });
}

const METHODS = ['transcribe', 'submit'] as const;

describe('what a first call is given, while its code is loading', () => {
  it.each(METHODS)('%s() hears a stream that breaks at once', async (method) => {
    await using client = newClient();
    const stream = new Readable({ read: () => undefined });
    const call = client[method](stream);
    stream.destroy(new Error('cable pulled'));
    await expect(call).rejects.toMatchObject({ code: 'stream_failed' });
  });

  it.each(METHODS)('%s() lets go of a stream where it is aborted', async (method) => {
    await using client = newClient();
    const stream = new Readable({ read: () => undefined });
    const cancel = vi.fn();
    const web = new ReadableStream<Uint8Array>({ cancel });
    const signal = AbortSignal.abort();
    await expect(client[method](stream, { signal })).rejects.toMatchObject({ code: 'aborted' });
    await expect(client[method](new Response(web), { signal })).rejects.toMatchObject({ code: 'aborted' });
    expect(stream.destroyed).toBe(true);
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it.each(METHODS)(
    '%s() lets go of a stream where the client is closed, and loads nothing',
    async (method) => {
      const client = newClient();
      await client.close();
      const stream = new Readable({ read: () => undefined });
      await expect(client[method](stream)).rejects.toMatchObject({ code: 'client_closed' });
      expect(stream.destroyed).toBe(true);
    },
  );

  it.each(METHODS)('%s() leaves the body of a response that is no audio readable', async (method) => {
    await using client = newClient();
    const response = Response.json({ url: 'https://example.com/a.wav' });
    await expect(client[method](response)).rejects.toMatchObject({ code: 'unsupported_source' });
    expect(await response.json()).toEqual({ url: 'https://example.com/a.wav' });
  });

  const ENQUEUE: [
    string,
    (client: TranscriptionClient, source: Readable, options: object) => Promise<unknown>,
  ][] = [
    ['enqueue()', (client, source, options) => client.enqueue(source, options)],
    [
      'enqueueMany()',
      (client, source, options) =>
        client.enqueueMany([{ source: 'https://example.com/a.wav', options }, { source }]),
    ],
  ];

  it.each(ENQUEUE)('%s lets go of a stream where it is refused', async (_name, enqueue) => {
    for (const options of [{ priority: -1 }, { unknown: 1 }, { signal: AbortSignal.abort() }]) {
      await using client = newClient();
      // The second call finds its code loaded.
      for (let call = 0; call < 2; call += 1) {
        const stream = new Readable({ read: () => undefined });
        await expect(enqueue(client, stream, options)).rejects.toMatchObject({ name: /BadRequest|Aborted/ });
        expect(stream.destroyed).toBe(true);
      }
    }
    const client = newClient();
    await client.close();
    const stream = new Readable({ read: () => undefined });
    await expect(enqueue(client, stream, {})).rejects.toMatchObject({ code: 'client_closed' });
    expect(stream.destroyed).toBe(true);
  });

  it('enqueueMany() lets go of the streams beside an item that is none', async () => {
    await using client = newClient();
    const streams = [1, 2].map(() => new Readable({ read: () => undefined }));
    const [first, last] = streams.map((source) => ({ source }));
    const items = [first, undefined, { source: 'https://example.com/a.wav', option: {} }, last];
    await expect(client.enqueueMany(items as never)).rejects.toMatchObject({ name: 'BadRequestError' });
    expect(streams.map(({ destroyed }) => destroyed)).toEqual([true, true]);
  });

  it('enqueue() and enqueueMany() take the URL and the options as they were', async () => {
    const storage = createMemoryStorage();
    await using client = newClient(storage);
    const url = new URL('https://example.com/first.wav');
    const options = { keyterm: ['one'] };
    const calls = [client.enqueue(url, options), client.enqueueMany([{ source: url, options }])];
    url.pathname = '/second.wav';
    options.keyterm.push('two');
    for (const job of (await Promise.all(calls)).flat()) {
      expect(await storage.get('jobs', job.id)).toMatchObject({
        data: { source: { url: 'https://example.com/first.wav' }, options: { keyterm: ['one'] } },
      });
    }
  });

  it('enqueue() names a bad source before bad options, and metadata with circles', async () => {
    const circle: Record<string, unknown> = {};
    Object.assign(circle, { first: circle, second: [circle, circle] });
    const deep = { deep: JSON.parse('['.repeat(5000) + ']'.repeat(5000)) as unknown };
    const refused: [source: string, options: object, code: string][] = [
      ['no url', { unknown: 1 }, 'not_a_url'],
      ['https://example.com/a.wav', { unknown: 1 }, 'unknown_option'],
      ['https://example.com/a.wav', { signal: 'none' }, 'invalid_option'],
      ['https://example.com/a.wav', { metadata: circle }, 'invalid_option'],
      ['https://example.com/a.wav', { metadata: deep }, 'invalid_option'],
    ];
    for (const [source, options, code] of refused) {
      await using client = newClient();
      await expect(client.enqueue(source, options)).rejects.toMatchObject({ code });
      await expect(client.enqueueMany([{ source, options }])).rejects.toMatchObject({ code });
    }
  });

  it('enqueue() refuses options that are no object', async () => {
    await using client = newClient();
    await expect(client.enqueue('https://example.com/a.wav', null as never)).rejects.toMatchObject({
      code: 'invalid_option',
    });
  });
});
