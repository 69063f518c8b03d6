import { type ClientOptions, type TranscribeOptions, TranscriptionClient } from 'transcription-client';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';

const { audio } = synthesizeSpeech('hello');
let emulator: DeepgramEmulator;
let client: TranscriptionClient;

beforeAll(async () => {
  emulator = await startDeepgramEmulator();
  client = clientOf(emulator.url);
});

afterAll(async () => {
  await client.close();
  await emulator.close();
});

const circle: Record<string, unknown> = {};
circle.self = circle;

describe('options of a call', () => {
  const numbers = ['timeoutMs', 'attemptTimeoutMs', 'priority'];
  const bad = (least: number) => [least - 1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null, {}, []];
  const ranges = numbers.flatMap((name) =>
    bad(name === 'priority' ? 0 : 1).map((value) => [{ [name]: value }, name]),
  );
  const retries = [
    ...[0, -1, 1.5, 101, '3', null].map((attempts) => [{ retry: { attempts } }, 'retry.attempts']),
    ...[-1, Number.NaN, '1'].map((minDelayMs) => [{ retry: { minDelayMs } }, 'retry.minDelayMs']),
    ...[-1, Number.NaN, '1'].map((maxDelayMs) => [{ retry: { maxDelayMs } }, 'retry.maxDelayMs']),
    [{ retry: { ambiguous: 'yes' } }, 'retry.ambiguous'],
    [{ retry: 3 }, 'retry'],
    [{ retry: null }, 'retry'],
  ];
  const others = [
    [{ signal: 'x' }, 'signal'],
    [{ signal: null }, 'signal'],
    [{ signal: new EventTarget() }, 'signal'],
    [{ userId: '' }, 'userId'],
    [{ userId: 5 }, 'userId'],
    [{ region: 'nowhere' }, 'here'],
    [{ region: '' }, 'region'],
    [{ store: 'no' }, 'store'],
    [{ metadata: [] }, 'metadata'],
    [{ metadata: new Map() }, 'metadata'],
    [{ metadata: { at: new Date() } }, 'metadata.at'],
    [{ metadata: { deep: [{ run: () => 5 }] } }, 'metadata.deep.0.run'],
    [{ metadata: { big: 1n } }, 'metadata.big'],
    [{ metadata: { nan: Number.NaN } }, 'metadata.nan'],
    [{ metadata: circle }, 'circles'],
  ];

  it.each([...ranges, ...retries, ...others] as [object, string][])('%o names %s', async (options, named) => {
    const error = await failureOf(client.transcribe(audio, options));
    expect(error).toMatchObject({ name: 'BadRequestError', code: 'invalid_option', retryable: false });
    expect(error.message).toContain(named);
    expect(error.message).toMatch(/must be|takes/);
  });

  it.each([
    [null, 'plain object'],
    [5, 'plain object'],
    ['model', 'plain object'],
    [[], 'plain object'],
    [new (class Options {})(), 'plain object'],
    [() => 5, 'plain object'],
  ])('options that are %o', async (options, named) => {
    for (const method of ['transcribe', 'enqueue', 'submit'] as const) {
      const error = await failureOf(client[method](audio, options as TranscribeOptions));
      expect(error).toMatchObject({ code: 'invalid_option' });
      expect(error.message).toContain(named);
    }
    expect(() => client.stream(options as object)).toThrow(
      expect.objectContaining({ code: 'invalid_option' }),
    );
  });

  it.each([
    [{ smartFormat: true }, 'Did you mean smart_format?'],
    [{ langauge: 'en' }, 'Did you mean language?'],
    [{ timeout_ms: 5 }, 'Did you mean timeoutMs?'],
    [{ callback: 'https://x.test' }, 'callback'],
    [{ utterlyUnknownThing: 1 }, "'utterlyUnknownThing'"],
    [{ ['x'.repeat(100_000)]: 1 }, 'a string of 100000 characters'],
    [JSON.parse('{"__proto__": {"model": "x"}}'), '__proto__'],
    [{ constructor: 1 }, 'constructor'],
  ])('unknown: %.60o', async (options, named) => {
    const startedAt = performance.now();
    const error = await failureOf(client.transcribe(audio, options as object));
    expect(performance.now() - startedAt).toBeLessThan(100);
    expect(error).toMatchObject({ name: 'BadRequestError', code: 'unknown_option' });
    expect(error.message).toContain(named);
  });

  it('refuses what is wrong before anything is sent', async () => {
    const before = emulator.requests.length;
    await failureOf(client.transcribe(audio, { priority: -1 }));
    expect(emulator.requests).toHaveLength(before);
  });

  it.each([
    null,
    {},
    'x',
    [null],
    [5],
    [{ source: 5 }],
    [{ source: audio, options: 5 }],
    [{ source: audio, options: { priority: -1 } }],
  ])('enqueueMany(%o)', async (items) => {
    const error = await failureOf(client.enqueueMany(items as never));
    expect(['invalid_option', 'unsupported_source']).toContain(error.code);
  });

  it('submit() drops what only another mode understands, and checks the rest', async () => {
    const options = {
      interim_results: true,
      vad_events: true,
      delayMs: 5,
      finishTimeoutMs: 5,
      durationSeconds: 5,
    };
    expect(await client.submit(audio, options)).toMatchObject({
      mode: 'sync',
      transcript: { text: 'hello' },
    });
    for (const wrong of [
      { mode: 'later' },
      { durationSeconds: -1 },
      { durationSeconds: Number.NaN },
      { live: 1 },
    ]) {
      expect(await failureOf(client.submit(audio, wrong as object))).toMatchObject({
        code: 'invalid_option',
      });
    }
    expect(await failureOf(client.submit('https://x.test/a', { mode: 'stream' }))).toMatchObject({
      code: 'unsupported_source',
    });
  });

  it.each([-1, Number.NaN, '5', null])('close({ timeoutMs: %o })', async (timeoutMs) => {
    expect(await failureOf(client.close({ timeoutMs } as never))).toMatchObject({ code: 'invalid_option' });
    expect((await client.transcribe(audio)).text).toBe('hello');
  });

  it('a listener that is none', () => {
    expect(() => client.on('retry', null as never)).toThrow(
      expect.objectContaining({ code: 'invalid_option' }),
    );
  });
});

describe('options of a client', () => {
  const regions = [
    [],
    'https://x.test',
    [5],
    [{ name: 'a' }],
    [{ name: '', endpoint: 'https://x.test' }],
    [{ name: 'a', endpoint: 'ftp://x.test' }],
    [{ name: 'a', endpoint: 'https://user:CANARY@x.test' }],
    [{ name: 'a', endpoint: 'https://x.test?key=CANARY' }],
    [
      { name: 'a', endpoint: 'https://x.test' },
      { name: 'a', endpoint: 'https://y.test' },
    ],
  ].map((value) => ({ regions: value }));
  const wrong: object[] = [
    ...regions,
    { apiKey: 5 },
    { apiKey: ['CANARY'] },
    { accessToken: {} },
    { project: '' },
    { timeoutMs: 0 },
    { attemptTimeoutMs: -1 },
    { retry: { attempts: 0 } },
    { limits: null },
    { limits: { maxConcurrent: 0 } },
    { limits: { maxConcurrentStreams: 0.5 } },
    { limits: { requestsPerMinute: 0 } },
    { limits: { maxWaiting: -1 } },
    { queue: null },
    { queue: { concurrency: 0 } },
    { queue: { attempts: 0 } },
    { queue: { adapter: {} } },
    { router: null },
    { router: { syncBelowSeconds: -1 } },
    { router: { syncBelowSeconds: 400 } },
    { router: { otherwise: 'later' } },
    { router: { rules: 5 } },
    { router: { rules: [null] } },
    { router: { rules: [{ name: 'x' }] } },
    { router: { rules: [{ decide: () => undefined }] } },
    { metrics: {} },
    { metrics: [null] },
    { metrics: [{}] },
    { storage: {} },
    { storage: 'memory' },
    { logger: 'console' },
    { clock: {} },
    { defaults: { smart_format: 'yes' } },
    { defaults: 5 },
  ];

  it.each(wrong)('%o', (options) => {
    let error: unknown;
    try {
      new TranscriptionClient(options as ClientOptions);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ name: 'BadRequestError', code: 'invalid_option' });
    expect(String(error)).not.toContain('CANARY');
  });

  it.each([
    { apikey: 'CANARY' },
    { defaults: { smartFormat: true } },
    { retry: { attempt: 1 } },
    { limits: { max: 1 } },
    { router: { rule: [] } },
  ])('unknown: %o', (options) => {
    const make = () => new TranscriptionClient(options as ClientOptions);
    expect(make).toThrow(expect.objectContaining({ code: 'unknown_option' }));
    expect(make).not.toThrow(/CANARY/);
  });
});

describe('credentials', () => {
  beforeEach(() => {
    vi.stubEnv('DEEPGRAM_API_KEY', '');
    vi.stubEnv('DEEPGRAM_ACCESS_TOKEN', '');
  });
  afterEach(() => void vi.unstubAllEnvs());

  it.each([
    ['none', {}, 'missing_credentials', /DEEPGRAM_API_KEY/],
    ['an empty key', { apiKey: '' }, 'missing_credentials', /apiKey is empty/],
    ['a blank key', { apiKey: '  ' }, 'missing_credentials', /apiKey is empty/],
    [
      'a function that returns nothing',
      { apiKey: () => undefined },
      'missing_credentials',
      /apiKey is empty/,
    ],
    [
      'a function that returns an object',
      { accessToken: () => ({}) },
      'missing_credentials',
      /accessToken is empty/,
    ],
    [
      'a function that throws',
      {
        apiKey: () => {
          throw new Error('vault is sealed');
        },
      },
      'missing_credentials',
      /cause/,
    ],
    [
      'a function that rejects',
      {
        apiKey: async () => {
          throw 'no error';
        },
      },
      'missing_credentials',
      /cause/,
    ],
    ['a key with a line break', { apiKey: 'CANARY\nX-Evil: 1' }, 'invalid_credentials', /Copy it again/],
    ['a key with other letters', { apiKey: 'CANARY…' }, 'invalid_credentials', /Copy it again/],
  ])('%s fails at the first call', async (_name, options, code, message) => {
    const own = new TranscriptionClient({
      regions: [{ name: 'here', endpoint: emulator.url }],
      retry: { minDelayMs: 1, maxDelayMs: 1 },
      ...(options as ClientOptions),
    });
    const error = await failureOf(own.transcribe(audio));
    // A function that fails is asked again, a wrong value is not.
    const isFailed = error.cause !== undefined;
    expect(error).toMatchObject({ name: 'AuthError', code, retryable: isFailed, attempt: isFailed ? 3 : 1 });
    expect(error.message).toMatch(message);
    expect(String(error)).not.toContain('CANARY');
    await own.close();
  });

  it('come from the environment at the time of the call', async () => {
    const own = new TranscriptionClient({ regions: [{ name: 'here', endpoint: emulator.url }] });
    vi.stubEnv('DEEPGRAM_API_KEY', ' from-env\n');
    expect((await own.transcribe(audio)).text).toBe('hello');
    await own.close();
  });
});
