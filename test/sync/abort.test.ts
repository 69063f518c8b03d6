import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  type AudioSource,
  type ClientOptions,
  createMemoryStorage,
  fromFile,
  fromStream,
  type StorageAdapter,
  type TranscribeOptions,
} from 'transcription-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import {
  type Answer,
  type FaultServer,
  listenAnswer,
  send,
  startAnswering,
  startHttpServer,
  startTcpServer,
} from '../support/fault-server.js';
import { ManualClock } from '../support/manual-clock.js';

const AUDIO = new Uint8Array([1, 2, 3]);
const RUNS = 5;
const SETTLE_MS = 20;
/** No run may take longer, also where the machine does other things as well. */
const SLOWEST_MS = 100;
const never = () => new Promise<never>(() => undefined);

let folder: string;
let big: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'abort-'));
  big = join(folder, 'big.wav');
  await writeFile(big, new Uint8Array(20_000_000));
  // The first call loads the SDK, which takes its time.
  await using server = await startAnswering({ status: 200, body: listenAnswer() });
  await using client = clientOf(server.url);
  await client.transcribe(AUDIO);
});

afterAll(() => rm(folder, { recursive: true }));

async function openFiles(): Promise<string[]> {
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  );
  return links.filter((link) => link.startsWith(folder));
}

/** Reads what the silent answer has left unread. */
const unread: (() => void)[] = [];
const silent: Answer = (request) => void unread.push(() => request.resume());
const stalledBody: Answer = (request, response) => {
  request.resume().on('end', () => response.writeHead(200, { 'content-length': 100 }).write('{'));
};
const busy: Answer = (request, response) => {
  request.resume().on('end', () => send(response, { status: 503, headers: { 'retry-after': '20' } }));
};

interface Phase {
  /** Default: none. */
  readonly answer?: Answer;
  /** Another server than one of HTTP; it is talked to by TLS. */
  readonly start?: () => Promise<FaultServer>;
  /** Another call runs before it. */
  readonly occupied?: boolean;
  /** False: the call ends before it is one that is told of. */
  readonly hasEvents?: boolean;
  readonly turns?: number;
  readonly source?: () => AudioSource;
  readonly options?: () => ClientOptions;
  /** An answer is there: its connection waits for the next request. */
  readonly keepsConnection?: boolean;
  readonly call?: TranscribeOptions;
  /** True when the call is in the phase. */
  readonly reached: (seen: { requests: number; retries: number; connections: number }) => boolean;
}

/** Takes connections, and never says a word of TLS. */
function startSilentTls(): Promise<FaultServer> {
  return startTcpServer((socket) => void socket.resume());
}

const hangingStorage = (hangs: 'get' | 'put' | 'delete'): StorageAdapter => {
  const storage = createMemoryStorage();
  return {
    capabilities: storage.capabilities,
    get: hangs === 'get' ? never : (...args) => storage.get(...args),
    put: hangs === 'put' ? never : (...args) => storage.put(...args),
    list: (...args) => storage.list(...args),
    delete: hangs === 'delete' ? never : (...args) => storage.delete(...args),
  };
};

async function* standsStill(): AsyncGenerator<Uint8Array> {
  yield AUDIO;
  await never();
}

const atServer: Phase['reached'] = ({ requests }) => requests === 1;

const PHASES: Record<string, Phase> = {
  'loading, at the first call of a client': { reached: () => true, turns: 0 },
  'waiting for a place': {
    options: () => ({ limits: { maxConcurrent: 1 } }),
    occupied: true,
    reached: atServer,
  },
  'waiting for room in the minute': {
    options: () => ({ limits: { requestsPerMinute: 1 } }),
    occupied: true,
    reached: atServer,
  },
  'waiting for limits that take no notice': {
    options: () => ({ limits: { acquire: never } }),
    reached: () => true,
  },
  'waiting for the word of a spend limit': {
    options: () => ({ spend: { maxAudioSecondsPerHour: never } }),
    reached: () => true,
  },
  'waiting for credentials': { options: () => ({ apiKey: never }), reached: () => true },
  'opening the source': { source: () => fromStream(never), reached: () => true },
  'agreeing on TLS': {
    start: startSilentTls,
    reached: ({ connections }) => connections === 1,
  },
  'uploading a file that nobody takes': { source: () => fromFile(big), reached: atServer },
  'uploading bytes that nobody takes': { source: () => new Uint8Array(20_000_000), reached: atServer },
  'reading a web stream that stands still': {
    source: () =>
      new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(AUDIO), pull: never }),
    reached: atServer,
  },
  'reading a Readable that stands still': {
    source: () => {
      const stream = new Readable({ read: () => undefined });
      stream.push(Buffer.from(AUDIO));
      return stream;
    },
    reached: atServer,
  },
  'reading a generator that stands still': { source: () => fromStream(standsStill), reached: atServer },
  'waiting for the head of the answer': { reached: atServer },
  'waiting for the rest of the answer': { answer: stalledBody, reached: atServer },
  'waiting for the rest of an error': {
    answer: (request, response) => {
      request.resume().on('end', () => response.writeHead(503, { 'content-length': 100 }).write('{'));
    },
    reached: atServer,
  },
  'waiting for a retry': { answer: busy, keepsConnection: true, reached: ({ retries }) => retries === 1 },
  'hashing a source that stands still': {
    source: () => fromStream(standsStill),
    call: { deduplicate: true },
    hasEvents: false,
    reached: () => true,
  },
  'waiting for the record of its key': {
    options: () => ({ storage: hangingStorage('get') }),
    call: { idempotencyKey: 'k' },
    hasEvents: false,
    reached: () => true,
  },
  'claiming its key': {
    options: () => ({ storage: hangingStorage('put') }),
    call: { idempotencyKey: 'k' },
    hasEvents: false,
    reached: () => true,
  },
  'waiting for an answer under a key that cannot be freed': {
    options: () => ({ storage: hangingStorage('delete') }),
    call: { idempotencyKey: 'k' },
    reached: atServer,
  },
};

/** Aborts a call in the phase, and returns how long it took to settle. */
async function abortIn(phase: Phase): Promise<number> {
  const {
    answer = silent,
    start,
    source,
    options,
    call,
    reached,
    occupied,
    turns = 2,
    hasEvents = true,
    keepsConnection = false,
  } = phase;
  await using server = await (start ?? (() => startHttpServer(answer)))();
  const url = start === undefined ? server.url : server.url.replace('http:', 'https:');
  await using client = clientOf(url, { retry: {}, ...options?.() });
  const ended = new AbortController();
  if (occupied) client.transcribe(AUDIO, { signal: ended.signal }).catch(() => undefined);
  if (occupied) await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  let retries = 0;
  const ends: unknown[] = [];
  client.on('retry', () => {
    retries += 1;
  });
  client.on('request-end', (event) => ends.push(event));
  const controller = new AbortController();
  let settledAt = 0;
  const failure = failureOf(
    client.transcribe(source?.() ?? AUDIO, { ...call, signal: controller.signal }),
  ).finally(() => {
    settledAt = performance.now();
  });
  const seen = async () => ({
    requests: server.requests.length,
    retries,
    connections: await server.connections(),
  });
  await vi.waitFor(async () => expect(reached(await seen())).toBe(true), { interval: 5 });
  // What goes by promises alone has come to its phase after that.
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  const abortedAt = performance.now();
  const reason = new Error('changed my mind');
  controller.abort(reason);
  const error = await failure;
  expect(error).toMatchObject({ name: 'AbortedError', code: 'aborted', retryable: false, cause: reason });
  if (hasEvents)
    await vi.waitFor(() => expect(ends).toMatchObject([{ status: 'cancelled', code: 'aborted' }]));
  ended.abort();
  // A server that does not read does not see the end of an upload.
  for (const resume of unread.splice(0)) resume();
  await vi.waitFor(async () => expect(await server.connections()).toBe(keepsConnection ? 1 : 0));
  await vi.waitFor(async () => expect(await openFiles()).toEqual([]));
  return settledAt - abortedAt;
}

function expectPrompt(what: string, times: readonly number[]): void {
  const sorted = [...times].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const slowest = sorted.at(-1) ?? Number.NaN;
  console.log(`abort while ${what}: median ${median.toFixed(1)} ms, slowest ${slowest.toFixed(1)} ms`);
  expect(median).toBeLessThan(SETTLE_MS);
  expect(slowest).toBeLessThan(SLOWEST_MS);
}

describe('an abort', () => {
  it.each(Object.keys(PHASES))('settles the call within 20 ms while %s', async (name) => {
    const times: number[] = [];
    for (let run = 0; run < RUNS; run++) times.push(await abortIn(PHASES[name] as Phase));
    expectPrompt(name, times);
  });

  it('lets one of two joined calls go at once, and the other one have its transcript', async () => {
    const times: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      let answer: () => void = () => undefined;
      await using server = await startHttpServer((request, response) => {
        request.resume();
        answer = () => send(response, { status: 200, body: listenAnswer() });
      });
      await using client = clientOf(server.url);
      const first = new AbortController();
      const leaving = failureOf(client.transcribe(AUDIO, { idempotencyKey: 'k', signal: first.signal }));
      await vi.waitFor(() => expect(server.requests).toHaveLength(1));
      const staying = client.transcribe(AUDIO, { idempotencyKey: 'k' });
      await new Promise((resolve) => setTimeout(resolve, 5));
      const abortedAt = performance.now();
      first.abort();
      expect((await leaving).code).toBe('aborted');
      times.push(performance.now() - abortedAt);
      answer();
      expect((await staying).text).toBe('hello world');
      expect(server.requests).toHaveLength(1);
    }
    expectPrompt('joined to another call', times);
  });

  it.each([
    ['plain', {}],
    ['keyed', { idempotencyKey: 'k' }],
  ] as [string, TranscribeOptions][])(
    'of a %s call while storing gives the transcript at once',
    async (_name, call) => {
      const times: number[] = [];
      for (let run = 0; run < RUNS; run++) {
        await using server = await startAnswering({ status: 200, body: listenAnswer() });
        const memory = createMemoryStorage();
        const put = vi.fn((...args: Parameters<StorageAdapter['put']>) =>
          args[0].collection === 'transcripts' ? never() : memory.put(...args),
        );
        await using client = clientOf(server.url, { storage: { ...hangingStorage('delete'), put } });
        const failures: unknown[] = [];
        client.on('storage-failure', (event) => failures.push(event));
        const controller = new AbortController();
        const pending = client.transcribe(AUDIO, { ...call, signal: controller.signal });
        await vi.waitFor(() =>
          expect(put.mock.calls.some(([{ collection }]) => collection === 'transcripts')).toBe(true),
        );
        const abortedAt = performance.now();
        controller.abort();
        expect((await pending).text).toBe('hello world');
        times.push(performance.now() - abortedAt);
        expect(failures).toMatchObject([{ operation: 'put', collection: 'transcripts', code: 'aborted' }]);
      }
      expectPrompt('storing', times);
    },
  );

  it('on the wire says that Deepgram may have done the work', async () => {
    await using server = await startHttpServer(silent);
    await using client = clientOf(server.url);
    const controller = new AbortController();
    const failure = failureOf(client.transcribe(AUDIO, { signal: controller.signal }));
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    controller.abort();
    expect(await failure).toMatchObject({ code: 'aborted', ambiguous: true, retryable: false });
  });

  it('leaves no timer', async () => {
    for (const answer of [silent, busy]) {
      await using server = await startHttpServer(answer);
      const clock = new ManualClock();
      const client = clientOf(server.url, { clock, retry: {}, attemptTimeoutMs: 60_000 });
      const controller = new AbortController();
      const failure = failureOf(client.transcribe(AUDIO, { signal: controller.signal }));
      await vi.waitFor(() => expect(server.requests).toHaveLength(1));
      if (answer === busy) await vi.waitFor(() => expect(clock.pendingTimers).toBe(2));
      controller.abort();
      await failure;
      expect(clock.pendingTimers).toBe(0);
      await client.close();
    }
  });

  it('cancels a web stream that stands still, and destroys a Readable', async () => {
    await using server = await startHttpServer(silent);
    await using client = clientOf(server.url);
    const cancel = vi.fn();
    const reads: string[] = [];
    const pull = (): Promise<never> => {
      reads.push('web');
      return never();
    };
    // Without a high-water mark a Web stream is pulled by its reader only.
    const web = new ReadableStream<Uint8Array>({ pull, cancel }, { highWaterMark: 0 });
    const node = new Readable({ read: () => void reads.push('node') });
    for (const [name, source] of [
      ['web', web],
      ['node', node],
    ] as const) {
      const controller = new AbortController();
      const failure = failureOf(client.transcribe(source, { signal: controller.signal }));
      await vi.waitFor(() => expect(reads).toContain(name));
      controller.abort();
      await failure;
    }
    await vi.waitFor(() => expect(cancel).toHaveBeenCalledOnce());
    expect(node.destroyed).toBe(true);
  });

  it('before the call sends nothing and lets go of the stream', async () => {
    await using server = await startHttpServer(silent);
    await using client = clientOf(server.url);
    const stream = new Readable({ read: () => undefined });
    const error = await failureOf(client.transcribe(stream, { signal: AbortSignal.abort() }));
    expect(error.code).toBe('aborted');
    expect(server.requests).toHaveLength(0);
    expect(stream.destroyed).toBe(true);
  });

  it('leaves no listener on a signal that lives longer', async () => {
    await using server = await startAnswering({ status: 200, body: listenAnswer() });
    await using client = clientOf(server.url);
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    await client.transcribe(AUDIO, { signal });
    expect(added.mock.calls.length).toBeGreaterThan(0);
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  });
});

describe('after the calls', () => {
  it('nothing stays open', async () => {
    const count = () =>
      process.getActiveResourcesInfo().filter((name) => /Timeout|TCPSocketWrap|FSReq/.test(name)).length;
    const before = count();
    {
      await using server = await startHttpServer((request, response, number) => {
        request
          .resume()
          .on('end', () =>
            send(response, number % 3 === 0 ? { status: 401 } : { status: 200, body: listenAnswer() }),
          );
      });
      await using client = clientOf(server.url);
      const calls = Array.from({ length: 12 }, () => client.transcribe(fromFile(big)));
      await Promise.allSettled(calls);
      expect(await openFiles()).toEqual([]);
    }
    await vi.waitFor(() => expect(count()).toBeLessThanOrEqual(before));
  });
});
