import { getEventListeners } from 'node:events';
import {
  type AudioSource,
  type ClientOptions,
  createMemoryStorage,
  type ErrorCode,
  fromFile,
  fromStream,
  type TranscribeOptions,
  TranscriptionError,
} from 'transcription-client';
import {
  type DeepgramEmulator,
  type HttpFault,
  type HttpFaultKind,
  startDeepgramEmulator,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_SHAPES, FAULT_STATUSES } from '../../src/testing/emulator/faults.js';
import {
  type FaultServer,
  listenAnswer,
  type Reply,
  refusedUrl,
  send,
  startAnswering,
  startHttpServer,
  startTcpServer,
} from '../support/fault-server.js';
import { shown, watchedClient } from '../support/leaks.js';

const KEY = 'CANARY-key-0123456789';
const SIGNED = 'https://user:CANARY-pass@files.example.test/a.wav?sig=CANARY%2Fsignature&v=1#CANARY-fragment';
/** What the speech is about: no error and no event may repeat it. */
const TEXT = 'canary bird';
const AUDIO = synthesizeSpeech(TEXT).audio;
const OPTIONS: TranscribeOptions = {
  metadata: { note: 'CANARY-metadata' },
  idempotencyKey: 'CANARY-idempotency',
};

let emulator: DeepgramEmulator;

beforeAll(async () => {
  emulator = await startDeepgramEmulator();
  // The first call loads the SDK, which takes longer than an attempt may below.
  await callWith(emulator.url, AUDIO, { call: {} });
});

afterAll(() => emulator.close());

const SECRETS: ClientOptions[] = [{ apiKey: KEY }, { accessToken: () => KEY }];

/** One call; nothing of it but its transcript may show a canary. */
async function callWith(
  endpoint: string,
  source: AudioSource,
  {
    client: clientOptions = SECRETS[0],
    call = OPTIONS,
  }: { client?: ClientOptions; call?: TranscribeOptions } = {},
): Promise<unknown> {
  const storage = createMemoryStorage();
  const { client, seen } = watchedClient({
    regions: [{ name: 'here', endpoint, allowedSources: ['files.example.test'] }],
    retry: { attempts: 2, minDelayMs: 1, maxDelayMs: 1 },
    storage,
    ...clientOptions,
  });
  const outcome = await client.transcribe(source, call).catch((error: unknown) => error);
  const records = shown(await storage.list('transcripts', {}));
  await client.close();
  if (outcome instanceof Error) expect(shown(outcome)).not.toMatch(/canary/i);
  expect(seen()).not.toMatch(/canary/i);
  expect(records).not.toMatch(/CANARY-(key|pass|fragment|idempotency)|signature/);
  return outcome;
}

const FAULTS: Record<HttpFaultKind, readonly HttpFault[]> = {
  delay: [
    { kind: 'delay', ms: 10 },
    { kind: 'delay', ms: 5000 },
  ],
  refuse: [{ kind: 'refuse' }],
  reset: [{ kind: 'reset' }, { kind: 'reset', when: 'beforeUpload' }],
  status: FAULT_STATUSES.flatMap((status) =>
    ERROR_SHAPES.map((shape) => ({ kind: 'status', status, shape, retryAfter: 0 }) as const),
  ),
  noHeaders: [{ kind: 'noHeaders' }],
  stalledBody: [{ kind: 'stalledBody' }, { kind: 'stalledBody', afterBytes: 400 }],
  trickledBody: [{ kind: 'trickledBody' }, { kind: 'trickledBody', bytes: 100, intervalMs: 50 }],
  truncatedJson: [{ kind: 'truncatedJson' }, { kind: 'truncatedJson', delimited: true }],
  html: [{ kind: 'html' }],
  null: [{ kind: 'null' }],
  empty: [{ kind: 'empty' }],
  redirect: [{ kind: 'redirect' }],
  otherJson: [{ kind: 'otherJson' }],
};

describe('no secret leaves the client at a fault of the emulator', () => {
  const cases = Object.values(FAULTS)
    .flat()
    .map((fault): [string, HttpFault] => [JSON.stringify(fault), fault]);

  it.each(cases)('%s', async (_name, fault) => {
    const isShort = fault.kind === 'delay' && fault.ms < 100;
    const url = `${emulator.serveAudio(AUDIO)}?sig=CANARY-signature`;
    const sources: AudioSource[] = [
      url,
      fromStream(async function* () {
        yield AUDIO;
      }),
    ];
    for (const [index, source] of sources.entries()) {
      const handle = emulator.faults.rule({ fault });
      const client = SECRETS[index] ?? {};
      const call = { ...OPTIONS, attemptTimeoutMs: isShort ? 10_000 : 300 };
      const outcome = await callWith(emulator.url, source, { client, call });
      handle.remove();
      expect(handle.hits).toBeGreaterThan(0);
      if (isShort) expect(outcome).toMatchObject({ text: TEXT });
      else expect(outcome).toBeInstanceOf(TranscriptionError);
    }
  });
});

/** Quotes what it was sent, in every way in which a server may. */
function echoes(status: number): Reply[] {
  const url = new URL(SIGNED);
  const said = [
    SIGNED,
    url.href,
    `the query ${url.search}`,
    `sig CANARY/signature is expired`,
    `the signature (CANARY%2Fsignature) of ${url.username}:${url.password}`,
    `fragment ${url.hash}`,
    `Authorization: Token ${KEY}, Bearer ${KEY}`,
    JSON.stringify({ url: SIGNED, key: KEY }),
    encodeURIComponent(KEY),
  ];
  return said.flatMap((text) => [
    { status, body: { err_code: text, err_msg: text, request_id: text } },
    { status, body: { category: text, message: text, details: text, request_id: text } },
    { status, headers: { 'content-type': 'text/plain' }, body: text },
    { status, headers: { 'dg-error': text, 'dg-request-id': text }, body: '' },
  ]);
}

describe('no secret leaves the client where an answer repeats it', () => {
  it.each([200, 204, 302, 400, 401, 404, 429, 500])('with %s', async (status) => {
    for (const reply of echoes(status)) {
      await using server = await startAnswering(reply);
      expect(await callWith(server.url, SIGNED)).toBeInstanceOf(TranscriptionError);
      expect(server.requests.length).toBeGreaterThan(0);
    }
  });

  it('also in the bytes after an answer, which Node hangs on its error', async () => {
    await using server = await startTcpServer((socket) =>
      socket.on('data', () => socket.end(`HTTP/1.1 200 OK\r\n${TEXT} ${KEY}\r\n\r\n${KEY}`)),
    );
    expect(await callWith(server.url, SIGNED)).toMatchObject({ code: 'network' });
  });

  it('also in the metadata of an answer that is no transcript', async () => {
    const metadata = { request_id: `${KEY} ${SIGNED}` };
    await using server = await startAnswering({
      status: 200,
      headers: { 'dg-request-id': KEY },
      body: { metadata, results: { channels: [{ alternatives: [{ transcript: TEXT, words: [TEXT] }] }] } },
    });
    expect(await callWith(server.url, SIGNED)).toMatchObject({ code: 'invalid_response' });
  });
});

/** The codes of queues, live streams and jobs; `internal` is a bug, and storages have tests of their own. */
type Elsewhere =
  | `job_${string}`
  | `queue_${string}`
  | 'lease_lost'
  | 'invalid_signature'
  | `microphone_${string}`
  | `live_${string}`
  | 'queue_failed'
  | 'connection_closed'
  | 'internal'
  | `storage_${string}`
  | 'record_too_large'
  | 'decryption_failed'
  | 'audio_not_found'
  | 'audio_not_shared';

interface Scenario {
  readonly endpoint?: () => Promise<FaultServer | string>;
  readonly source?: () => AudioSource | Promise<AudioSource>;
  readonly client?: ClientOptions;
  readonly call?: () => TranscribeOptions;
}

const status = (code: number, body: object | string = { err_msg: `${SIGNED} ${KEY}` }): Scenario => ({
  endpoint: () => startAnswering({ status: code, body }),
});
const form = (): Request =>
  new Request(SIGNED.replace('user:CANARY-pass@', ''), { method: 'POST', body: new FormData() });
async function consumed(): Promise<AudioSource> {
  const response = new Response(Buffer.from('CANARY'));
  await response.text();
  return response;
}

const CODES: Record<Exclude<ErrorCode, Elsewhere>, Scenario> = {
  missing_credentials: { client: { apiKey: () => '' } },
  invalid_credentials: { client: { apiKey: `${KEY}\n${KEY}` } },
  forbidden: status(403),
  payment_required: status(402),
  invalid_option: { call: () => ({ ...OPTIONS, idempotencyKey: 'CANARY'.repeat(50) }) },
  unknown_option: { call: () => ({ apiKey: KEY }) as TranscribeOptions },
  bad_request: status(400),
  not_found: status(404),
  idempotency_conflict: {},
  unsupported_source: { source: form },
  not_a_url: { source: () => 'files.example.test/a?sig=CANARY' },
  empty_source: { source: () => new Blob([]) },
  file_not_found: { source: () => fromFile('/nowhere/CANARY/a.wav') },
  file_not_readable: { source: () => fromFile('a\0CANARY') },
  not_a_file: { source: () => fromFile('/dev/zero') },
  outside_root: { source: () => fromFile('../etc/hosts', { root: '/tmp' }) },
  stream_consumed: { source: consumed },
  stream_failed: {
    source: () =>
      fromStream(() => {
        throw new Error('no such device');
      }),
  },
  unprocessable_audio: status(422),
  payload_too_large: status(413),
  remote_content: status(400, { err_code: 'REMOTE_CONTENT_ERROR', err_msg: `cannot fetch ${SIGNED}` }),
  forbidden_address: { source: () => 'http://user:CANARY-pass@127.0.0.1:1/a?sig=CANARY-signature#CANARY' },
  audio_too_long: {
    client: { apiKey: KEY, spend: { maxDurationSeconds: 1 } },
    call: () => ({ durationSeconds: 2 }),
  },
  rate_limited: status(429),
  too_many_waiting: {
    client: {
      apiKey: KEY,
      limits: {
        acquire: async () =>
          Promise.reject(new TranscriptionError('No place.', { code: 'too_many_waiting' })),
      },
    },
  },
  spend_limit: {
    client: { apiKey: KEY, spend: { maxAudioSecondsPerHour: 1 } },
    call: () => ({ durationSeconds: 2 }),
  },
  timeout: { endpoint: () => startHttpServer(() => undefined), call: () => ({ ...OPTIONS, timeoutMs: 50 }) },
  aborted: { call: () => ({ ...OPTIONS, signal: AbortSignal.abort() }) },
  client_closed: {},
  network: { endpoint: refusedUrl },
  provider_unavailable: status(503),
  provider_error: status(500),
  invalid_response: status(200, { metadata: { request_id: KEY }, results: [SIGNED, TEXT] }),
};

describe('no secret is in an error with the code', () => {
  it.each(Object.keys(CODES))('%s', async (code) => {
    const scenario: Scenario = CODES[code as keyof typeof CODES];
    const {
      endpoint = () => startAnswering({ status: 200, body: listenAnswer(TEXT) }),
      source,
      client,
      call,
    } = scenario;
    const server = await endpoint();
    const url = typeof server === 'string' ? server : server.url;
    const { client: watched, seen } = watchedClient({
      apiKey: KEY,
      regions: [{ name: 'here', endpoint: url, allowedSources: ['files.example.test'] }],
      retry: { attempts: 2, minDelayMs: 1, maxDelayMs: 1 },
      ...client,
    });
    if (code === 'idempotency_conflict') await watched.transcribe(`${SIGNED}other`, OPTIONS);
    if (code === 'client_closed') await watched.close();
    const outcome = await watched
      .transcribe((await source?.()) ?? SIGNED, call?.() ?? OPTIONS)
      .catch((error: unknown) => error);
    await watched.close();
    if (typeof server !== 'string') await server[Symbol.asyncDispose]();
    expect(outcome).toBeInstanceOf(TranscriptionError);
    expect(outcome).toMatchObject({ code });
    expect(shown(outcome)).not.toMatch(code.startsWith('file_') ? /canary-|sig=/i : /canary/i);
    expect(seen()).not.toMatch(/canary/i);
  });

  it('storage_failed, which is told as an event', async () => {
    await using server = await startAnswering({ status: 200, body: listenAnswer(TEXT) });
    const fail = async (): Promise<never> => {
      throw new Error(`redis://:${KEY}@cache.example.test refused ${TEXT}`);
    };
    const { capabilities } = createMemoryStorage();
    const storage = { capabilities, get: fail, put: fail, list: fail, delete: fail };
    const { client, seen } = watchedClient({
      apiKey: KEY,
      regions: [{ name: 'here', endpoint: server.url, allowedSources: ['files.example.test'] }],
      storage,
    });
    const outcome = await client.transcribe(SIGNED, { metadata: { note: 'CANARY-metadata' } });
    await client.close();
    expect(outcome.text).toBe(TEXT);
    expect(seen()).toContain('storage_failed');
    expect(seen()).not.toMatch(/canary/i);
  });
});

describe('while a call is under way', () => {
  it('the client shows nothing, in no phase', async () => {
    const signal = new AbortController().signal;
    let reached: () => void = () => undefined;
    const received = new Promise<void>((resolve) => {
      reached = resolve;
    });
    let answer: () => void = () => undefined;
    await using server = await startHttpServer((request, response) => {
      request.resume().on('end', () => {
        answer = () => send(response, { status: 200, body: listenAnswer(TEXT) });
        reached();
      });
    });
    const { client, seen } = watchedClient({
      apiKey: KEY,
      regions: [{ name: 'here', endpoint: server.url, allowedSources: ['files.example.test'] }],
    });
    const call = client.transcribe(SIGNED, { ...OPTIONS, signal });
    expect(seen()).not.toMatch(/canary/i);
    await received;
    expect(seen()).not.toMatch(/canary/i);
    expect(shown([call, signal, getEventListeners(signal, 'abort')])).not.toMatch(/canary/i);
    answer();
    expect((await call).text).toBe(TEXT);
    expect(seen()).not.toMatch(/canary/i);
    await client.close();
    expect(seen()).not.toMatch(/canary/i);
  });
});
