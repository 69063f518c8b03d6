import type * as Dns from 'node:dns/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { type RegionOptions, TranscriptionClient, UnsupportedSourceError } from 'transcription-client';
import { deepgramHandlers, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSourceGuard } from '../../src/source-guard.js';
import { failureOf } from '../support/client.js';
import { type FaultServer, listenAnswer, send, startHttpServer } from '../support/fault-server.js';

/** The names that were looked up, by the real resolver. */
const lookups = vi.hoisted((): string[] => []);
vi.mock('node:dns/promises', async (original) => {
  const dns = await original<typeof Dns>();
  const lookup = (hostname: string, options: object): unknown => {
    lookups.push(hostname);
    return dns.lookup(hostname, options);
  };
  return { ...dns, lookup };
});

/** What nobody may reach. */
let canary: FaultServer;
/** A self-hosted server: it fetches the URL that it is handed. */
let endpoint: FaultServer;
let port: string;

beforeAll(async () => {
  canary = await startHttpServer((_request, response) => send(response, { status: 200, body: 'audio' }));
  port = new URL(canary.url).port;
  endpoint = await startHttpServer((request, response) => {
    if (request.method === 'GET') send(response, { status: 200, body: 'audio' });
    else void fetchSource(request, response);
  });
});

async function fetchSource(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url } = JSON.parse(await text(request)) as { url: string };
  const answer = await fetch(url).catch(() => undefined);
  send(response, answer === undefined ? { status: 422 } : { status: 200, body: listenAnswer('fetched') });
}

afterAll(async () => {
  await endpoint[Symbol.asyncDispose]();
  await canary[Symbol.asyncDispose]();
});

beforeEach(() => {
  canary.requests.length = 0;
  endpoint.requests.length = 0;
  lookups.length = 0;
});

function selfHosted(region: Partial<RegionOptions> = {}): TranscriptionClient {
  return new TranscriptionClient({
    apiKey: 'test-key',
    regions: [{ name: 'here', endpoint: endpoint.url, ...region }],
    // A retry would outlast the test.
    retry: { minDelayMs: 60_000, maxDelayMs: 60_000 },
    queue: { backoffMs: 60_000 },
  });
}

const HOSTS = [
  '127.0.0.1',
  '2130706433',
  '0x7f.1',
  '0177.0.0.1',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '１２７.0.0.1',
  'localhost',
  'localhost.',
  'api.deepgram.com@127.0.0.1',
];

const SUBMISSIONS: readonly [string, (client: TranscriptionClient, url: string) => Promise<unknown>][] = [
  ['transcribe()', (client, url) => client.transcribe(url)],
  ['transcribe() of a URL object', (client, url) => client.transcribe(new URL(url))],
  ['transcribe() with a key', (client, url) => client.transcribe(url, { idempotencyKey: 'a' })],
  ['transcribe() by content', (client, url) => client.transcribe(url, { deduplicate: true })],
  ['submit()', (client, url) => client.submit(url)],
  ['enqueue()', async (client, url) => (await client.enqueue(url)).result()],
  [
    'enqueueMany()',
    async (client, url) => {
      const [job] = await client.enqueueMany([{ source: url }]);
      return job?.result();
    },
  ],
  [
    'submit() to the queue',
    async (client, url) => {
      const outcome = await client.submit(url, { mode: 'async' });
      return outcome.mode === 'async' ? outcome.job.result() : undefined;
    },
  ],
];

describe.each(SUBMISSIONS)('a URL into the private network, by %s', (_how, run) => {
  it.each(HOSTS)('is refused: %s', async (host) => {
    await using client = selfHosted();
    const attempts: unknown[] = [];
    client.on('attempt', (event) => attempts.push(event)).on('retry', (event) => attempts.push(event));
    const error = await failureOf(run(client, `http://${host}:${port}/secret?token=CANARY`));
    expect(error).toBeInstanceOf(UnsupportedSourceError);
    expect(error).toMatchObject({ code: 'forbidden_address', retryable: false, region: 'here' });
    expect(error.message).toMatch(/name its host in the region's allowedSources/);
    expect(error.message).not.toMatch(/CANARY/);
    expect(attempts).toEqual([]);
    expect(endpoint.requests).toEqual([]);
    expect(canary.requests).toEqual([]);
  });

  it('reaches the server where its host is allowed', async () => {
    await using client = selfHosted({ allowedSources: [`127.0.0.1:${port}`] });
    await run(client, `${canary.url}/a.wav`);
    expect(endpoint.requests).toHaveLength(1);
    expect(canary.requests).toHaveLength(1);
  });
});

it('is no job of submit() where the URL alone tells it', async () => {
  await using client = selfHosted();
  const error = await failureOf(client.submit(`${canary.url}/a.wav`, { mode: 'async' }));
  expect(error).toMatchObject({ code: 'forbidden_address', region: 'here' });
  expect((await client.jobs.list()).items).toEqual([]);
});

it('ends a job after one attempt, with the error in its status', async () => {
  await using client = selfHosted();
  const job = await client.enqueue(`${canary.url}/a.wav`, { attempts: 5 });
  await failureOf(job.result());
  expect(await job.status()).toMatchObject({
    state: 'failed',
    attempts: 1,
    error: { name: 'UnsupportedSourceError', code: 'forbidden_address' },
  });
});

describe('allowedSources', () => {
  it.each([
    ['a name', ['localhost'], 'localhost'],
    ['a name in other letters', ['LOCALHOST'], 'LocalHost'],
    ['an address', ['127.0.0.1'], '127.0.0.1'],
    ['an address in another form', ['127.0.0.1'], '0x7f.1'],
    ['a range', ['127.0.0.0/8'], '127.0.0.1'],
    ['a range, for a name that lies in it', ['127.0.0.0/8', '::1/128'], 'localhost'],
    ['an IPv6 address', ['[::ffff:7f00:1]'], '[::ffff:127.0.0.1]'],
    ['a range of IPv6', ['::ffff:0:0/96'], '[::ffff:127.0.0.1]'],
  ])('let %s through', async (_what, allowedSources, host) => {
    await using client = selfHosted({ allowedSources });
    expect((await client.transcribe(`http://${host}:${port}/a.wav`)).text).toBe('fetched');
    expect(canary.requests).toHaveLength(1);
  });

  it.each(['127.0.0.1:1', 'localhost', '127.0.0.2', '10.0.0.0/8', '[::1]'])(
    'let nothing else through: %s',
    async (entry) => {
      await using client = selfHosted({ allowedSources: [entry] });
      expect(await failureOf(client.transcribe(`${canary.url}/a.wav`))).toMatchObject({
        code: 'forbidden_address',
      });
      expect([...endpoint.requests, ...canary.requests]).toEqual([]);
    },
  );

  it.each([
    'minio',
    'minio.internal:9000',
    '10.0.0.5',
    '10.0.0.5:65535',
    '[fd00::5]',
    '[fd00::5]:9000',
    '10.1.0.0/16',
    '0.0.0.0/0',
    'fd00::/8',
    '::ffff:0:0/96',
    'bücher.internal',
    'a_b.internal',
  ])('take %s', async (entry) => {
    await selfHosted({ allowedSources: ['ok', entry] }).close();
  });

  it.each([
    '',
    ' ',
    'a b',
    'http://minio',
    'minio/',
    'minio/a',
    'minio:0',
    'minio:080',
    'minio:65536',
    'minio:x',
    'user@minio',
    'minio?x',
    'minio#x',
    'minio\\x',
    'min%69o',
    '*',
    '*.internal',
    '256.0.0.1',
    '10.1',
    '10.1/16',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/x',
    '10.0.0.0/8:80',
    '0x0a.0.0.0/8',
    'fd00::/129',
    'fd00::5',
    'fd00:::/8',
    '[fd00::/8]',
    '[fd00::5',
    '[fe80::1%eth0]',
    'minio.internal/16',
    'x'.repeat(100_000),
    5,
    null,
    {},
    ['minio'],
  ])('refuse %s in the constructor', (entry) => {
    expect(() => selfHosted({ allowedSources: ['ok', entry as string] })).toThrow(
      expect.objectContaining({
        name: 'BadRequestError',
        code: 'invalid_option',
        message: expect.stringMatching(
          /^The option regions\[0\]\.allowedSources\[1\] must be a host, such as/,
        ),
      }),
    );
  });

  it.each(['minio', {}, 5, null])('refuse %s instead of a list', (entries) => {
    expect(() => selfHosted({ allowedSources: entries as never })).toThrow(/allowedSources must be an array/);
  });
});

it('lets the endpoint fetch what it serves itself', async () => {
  await using client = selfHosted();
  expect((await client.transcribe(`${endpoint.url}/files/a.wav`)).text).toBe('fetched');
  expect(lookups).toEqual([]);
});

describe('the endpoints of Deepgram', () => {
  const source = { kind: 'url', url: 'http://localhost/a.wav', label: 'a' } as const;
  const check = (endpoint: string) =>
    createSourceGuard().check(source, { endpoint, allowedSources: [] }, new AbortController().signal);

  it.each(['https://api.deepgram.com', 'https://api.eu.deepgram.com', 'https://x.y.deepgram.com/base'])(
    'take every URL: %s',
    async (url) => {
      await check(url);
      expect(lookups).toEqual([]);
    },
  );

  it.each([
    'http://api.deepgram.com',
    'https://api.deepgram.com.example.com',
    'https://api-deepgram.com',
    'https://notdeepgram.com',
    'https://deepgram.example.com/api.deepgram.com',
  ])('are no others: %s', async (url) => {
    expect(await failureOf(check(url))).toMatchObject({ code: 'forbidden_address' });
  });

  it('get the URL without a look-up and without a connection to it', async () => {
    const { audio } = synthesizeSpeech('over there');
    const url = `http://localhost:${port}/a.wav`;
    const server = setupServer(
      ...deepgramHandlers({ http, HttpResponse }, { apiKeys: ['key'], audio: { [url]: audio } }),
    );
    server.listen({ onUnhandledRequest: 'bypass' });
    try {
      await using client = new TranscriptionClient({ apiKey: 'key' });
      expect((await client.transcribe(url)).text).toBe('over there');
      expect((await (await client.enqueue(url)).result()).text).toBe('over there');
      expect((await client.submit(url)).mode).toBe('sync');
    } finally {
      server.close();
    }
    expect(lookups).toEqual([]);
    expect(canary.requests).toEqual([]);
  });
});

it('looks up a name at an endpoint of one’s own, and opens no connection', async () => {
  await using client = selfHosted();
  const error = await failureOf(client.transcribe('http://localhost.example.invalid:8080/a.wav'));
  // Nobody on this machine knows the name, so the server could not fetch it.
  expect(error.code).toBe('unprocessable_audio');
  expect(lookups).toEqual(['localhost.example.invalid']);
  expect(canary.requests).toEqual([]);
});
