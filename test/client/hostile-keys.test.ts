import { type ClientOptions, fromFile, fromStream, type TranscriptionClient } from 'transcription-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import { type FaultServer, listenAnswer, startAnswering } from '../support/fault-server.js';

const KEYS = ['__proto__', 'constructor', 'prototype'];
const AUDIO = new Uint8Array([1, 2, 3]);

let endpoint: FaultServer;
let client: TranscriptionClient;

beforeAll(async () => {
  endpoint = await startAnswering({ status: 200, body: listenAnswer() });
  client = clientOf(endpoint.url);
});

afterAll(async () => {
  await client.close();
  await endpoint[Symbol.asyncDispose]();
});

const untouched = Object.getOwnPropertyNames(Object.prototype).sort();

afterEach(() => {
  expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(untouched);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

/** As a parsed request body has it: the key is the object's own. */
function hostile<Options>(key: string, value: unknown = { polluted: 'yes' }): Options {
  return JSON.parse(`{"${key}":${JSON.stringify(value)}}`) as Options;
}

const REFUSING: readonly [string, (options: never) => unknown][] = [
  ['new TranscriptionClient()', (options) => clientOf(endpoint.url, options)],
  ...['defaults', 'limits', 'queue', 'retry', 'router', 'spend', 'storageRetry'].map(
    (name): [string, (options: never) => unknown] => [
      name,
      (options) => clientOf(endpoint.url, { [name]: options } as ClientOptions),
    ],
  ),
  [
    'regions[]',
    (options: object) =>
      clientOf(endpoint.url, { regions: [{ name: 'a', endpoint: endpoint.url, ...options }] }),
  ],
  ['transcribe()', (options) => client.transcribe(AUDIO, options)],
  ['transcribe({ retry })', (options) => client.transcribe(AUDIO, { retry: options })],
  ['enqueue()', (options) => client.enqueue(AUDIO, options)],
  ['enqueueMany() items', (options: object) => client.enqueueMany([{ source: AUDIO, ...options }])],
  ['enqueueMany() options', (options) => client.enqueueMany([{ source: AUDIO, options }])],
  ['submit()', (options) => client.submit(AUDIO, options)],
  ['submit({ retry })', (options) => client.submit(AUDIO, { retry: options })],
  ['stream()', (options) => client.stream(options)],
  ['grantToken()', (options) => client.grantToken(options)],
  ['warmUp()', (options) => client.warmUp(options)],
  ['startWorker()', (options) => client.startWorker(options)],
  ['close()', (options) => clientOf(endpoint.url).close(options)],
  ['jobs.list()', (options) => client.jobs.list(options)],
  ['transcripts.list()', (options) => client.transcripts.list(options)],
  ['fromFile()', (options) => fromFile('a.wav', options)],
  ['fromStream()', (options) => fromStream(() => new Blob([AUDIO]).stream(), options)],
];

describe.each(KEYS)('the key %s', (key) => {
  it.each(REFUSING)('is unknown in %s', async (_where, pass) => {
    const error = await failureOf((async () => pass(hostile(key) as never))());
    expect(error).toMatchObject({ name: 'BadRequestError', code: 'unknown_option' });
    expect(error.message).toContain(`'${key}'`);
  });

  it('is a parameter like any other in query', async () => {
    await client.transcribe(AUDIO, { query: hostile(key, 'value') });
    const sent = new URL(endpoint.requests.at(-1)?.url ?? '', endpoint.url).searchParams;
    expect(sent.getAll(key)).toEqual(['value']);
  });

  it('is refused in query where it holds an object', async () => {
    for (const run of [
      (query: never) => client.transcribe(AUDIO, { query }),
      (query: never) => client.enqueue(AUDIO, { query }),
      async (query: never) => client.stream({ query }),
      async (query: never) => clientOf(endpoint.url, { defaults: { query } }),
    ]) {
      expect(await failureOf(run(hostile(key)))).toMatchObject({ code: 'invalid_option' });
    }
  });

  it('is data like any other in metadata', async () => {
    const metadata = { inner: hostile(key), ...hostile<object>(key) };
    const { id } = await client.transcribe(AUDIO, { metadata });
    const stored = (await client.transcripts.get(id))?.metadata;
    expect(JSON.stringify(stored)).toBe(JSON.stringify(metadata));
    expect(Object.getPrototypeOf(stored)).toBe(Object.prototype);
    const job = await client.enqueue(AUDIO, { metadata });
    const transcript = await job.result();
    expect(JSON.stringify((await client.transcripts.get(transcript.id))?.metadata)).toBe(
      JSON.stringify(metadata),
    );
    expect(JSON.stringify((await job.status()).metadata)).toBe(JSON.stringify(metadata));
  });

  it('is a name like any other: of a user, a project, a region, an idempotency key', async () => {
    await using own = clientOf(endpoint.url, {
      project: key,
      regions: [{ name: key, endpoint: endpoint.url, residency: key }],
      limits: { maxConcurrent: 1, requestsPerMinute: 100 },
    });
    const options = { userId: key, region: key, idempotencyKey: key };
    const [one, two] = await Promise.all([own.transcribe(AUDIO, options), own.transcribe(AUDIO, options)]);
    expect(one).toMatchObject({ id: two.id, region: key });
    expect((await own.transcripts.list({ userId: key })).items).toHaveLength(1);
  });

  it('is the id of nothing', async () => {
    expect(await client.jobs.get(key)).toBeUndefined();
    expect(await client.transcripts.get(key)).toBeUndefined();
    expect(await client.transcripts.delete(key)).toBe(false);
    expect(await failureOf(client.transcribe(AUDIO, { region: key }))).toMatchObject({
      code: 'invalid_option',
    });
  });

  it('makes no source', async () => {
    const source = hostile(key, { kind: 'file', path: '/etc/passwd' });
    expect(await failureOf(client.transcribe(source as never))).toMatchObject({ code: 'unsupported_source' });
  });
});

it('options whose prototype holds options are refused', async () => {
  const inherited = Object.create({ store: false }) as object;
  expect(await failureOf(client.transcribe(AUDIO, inherited))).toMatchObject({ code: 'invalid_option' });
});
