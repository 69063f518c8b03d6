import { type ClientOptions, type EnqueueOptions, TranscriptionClient } from 'transcription-client';
import { startDeepgramEmulator } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';

const secret = 'a secret of twenty-four characters';
const LOCAL: ClientOptions = { regions: [{ name: 'here', endpoint: 'http://127.0.0.1:9' }] };
const BOTH: ClientOptions = {
  regions: [
    { name: 'here', endpoint: 'http://127.0.0.1:9' },
    { name: 'eu', endpoint: 'https://api.eu.deepgram.com' },
  ],
};

function made(callback: unknown, options: ClientOptions = {}): unknown {
  try {
    new TranscriptionClient({ ...options, callback: callback as never });
    return 'made';
  } catch (error) {
    return error;
  }
}

describe('the option callback of the client', () => {
  it.each([
    [{ url: 'https://app.example.com/hooks/deepgram?a=1', secret }],
    [{ url: 'https://user:password@app.example.com:8443/', secret: [secret, `${secret}, the old one`] }],
    [{ url: 'https://app.example.com:8080/', secret, timeoutMs: 1, maxBodyBytes: 1 }],
    [{ url: 'https://app.example.com:80/', secret: 'x'.repeat(24) }],
    [undefined],
  ])('takes %j', (callback) => {
    expect(made(callback)).toBe('made');
  });

  it.each([
    [null],
    ['https://app.example.com/'],
    [{}],
    [{ url: 'https://app.example.com/' }],
    [{ secret }],
    [{ url: 'http://app.example.com/', secret }],
    [{ url: 'https://app.example.com:3000/', secret }],
    [{ url: 'https://app.example.com/#part', secret }],
    [{ url: 'wss://app.example.com/', secret }],
    [{ url: 'app.example.com', secret }],
    [{ url: `https://app.example.com/${'x'.repeat(2000)}`, secret }],
    [{ url: 'https://app.example.com/', secret: 'x'.repeat(23) }],
    [{ url: 'https://app.example.com/', secret: 'x'.repeat(1025) }],
    [{ url: 'https://app.example.com/', secret: [] }],
    [{ url: 'https://app.example.com/', secret: [secret, ''] }],
    [{ url: 'https://app.example.com/', secret: Array(11).fill(secret) }],
    [{ url: 'https://app.example.com/', secret: () => secret }],
    [{ url: 'https://app.example.com/', secret, timeoutMs: 0 }],
    [{ url: 'https://app.example.com/', secret, maxBodyBytes: 1.5 }],
  ])('refuses %j', (callback) => {
    expect(made(callback)).toMatchObject({ name: 'BadRequestError', code: 'invalid_option' });
  });

  it('names the option that was meant', () => {
    const error = made({ url: 'https://app.example.com/', secret, timeoutMS: 5 });
    expect(error).toMatchObject({ code: 'unknown_option', message: expect.stringMatching(/timeoutMs/) });
  });

  it('takes plain http and other ports where no region is Deepgram', () => {
    const callback = { url: 'http://127.0.0.1:3000/', secret };
    expect(made(callback, LOCAL)).toBe('made');
    expect(made(callback, BOTH)).toMatchObject({ code: 'invalid_option' });
  });
});

describe('the option delivery of a job', () => {
  const callback = { url: 'http://127.0.0.1:9/', secret };

  async function refusal(options: EnqueueOptions, client: ClientOptions = { callback }) {
    await using emulator = await startDeepgramEmulator();
    await using caller = clientOf(emulator.url, client);
    const error = await failureOf(caller.enqueue('https://example.com/a.wav', options));
    expect((await caller.jobs.list()).items).toEqual([]);
    expect(emulator.requests).toEqual([]);
    return error;
  }

  it.each<[EnqueueOptions, RegExp]>([
    [{ delivery: 'post' as never }, /delivery/],
    [{ delivery: 'callback', model: 'flux-general-en' }, /Flux/],
    [{ delivery: 'callback', extra: 'callback_secret:mine' }, /callback_secret/],
    [{ delivery: 'callback', extra: ['a:1', 'callback_secret'] }, /callback_secret/],
    [{ delivery: 'callback', store: false }, /store/],
  ])('is refused before anything is stored: %j', async (options, message) => {
    expect(await refusal(options)).toMatchObject({
      name: 'BadRequestError',
      code: 'invalid_option',
      message: expect.stringMatching(message),
    });
  });

  it('is refused without the option of the client, and with defaults that cannot work', async () => {
    expect(await refusal({ delivery: 'callback' }, {})).toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining('callback: { url, secret }'),
    });
    const client = { callback, defaults: { extra: 'callback_secret:x' } };
    expect(await refusal({ delivery: 'callback' }, client)).toMatchObject({ code: 'invalid_option' });
  });

  it('leaves it to a worker where it is not there', async () => {
    await using emulator = await startDeepgramEmulator({ processingMs: 10_000_000 });
    await using client = clientOf(emulator.url, { callback });
    const jobs = [
      await client.enqueue(emulator.serveAudio(new Uint8Array(10)), {
        delivery: 'worker',
        extra: 'callback_secret:x',
      }),
      await client.enqueue(emulator.serveAudio(new Uint8Array(10))),
    ];
    for (const job of jobs) await failureOf(job.result());
    for (const { query } of emulator.requests) expect(query.has('callback')).toBe(false);
  });
});
