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
  type TranscribeOptions,
} from 'transcription-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import { type Answer, listenAnswer, send, startAnswering, startHttpServer } from '../support/fault-server.js';

const AUDIO = new Uint8Array([1, 2, 3]);
/** The bar is 20 ms; the rest is for a machine that does other things as well. */
const SETTLE_MS = 150;
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

const silent: Answer = () => undefined;
const stalledBody: Answer = (request, response) => {
  request.resume().on('end', () => response.writeHead(200, { 'content-length': 100 }).write('{'));
};
const busy: Answer = (request, response) => {
  request.resume().on('end', () => send(response, { status: 503, headers: { 'retry-after': '20' } }));
};

interface Phase {
  readonly answer: Answer;
  readonly source?: () => AudioSource;
  readonly options?: ClientOptions;
  readonly call?: TranscribeOptions;
  /** True when the call is in the phase. */
  readonly reached: (seen: { requests: number; retries: number }) => boolean;
}

const PHASES: Record<string, Phase> = {
  'waiting for credentials': { answer: silent, options: { apiKey: never }, reached: () => true },
  'opening the source': { answer: silent, source: () => fromStream(never), reached: () => true },
  'uploading a file that nobody takes': {
    answer: silent,
    source: () => fromFile(big),
    reached: ({ requests }) => requests === 1,
  },
  'reading a web stream that stands still': {
    answer: silent,
    source: () =>
      new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(AUDIO), pull: never }),
    reached: ({ requests }) => requests === 1,
  },
  'reading a Readable that stands still': {
    answer: silent,
    source: () => {
      const stream = new Readable({ read: () => undefined });
      stream.push(Buffer.from(AUDIO));
      return stream;
    },
    reached: ({ requests }) => requests === 1,
  },
  'waiting for the head of the answer': { answer: silent, reached: ({ requests }) => requests === 1 },
  'waiting for the rest of the answer': { answer: stalledBody, reached: ({ requests }) => requests === 1 },
  'waiting for the rest of an error': {
    answer: (request, response) => {
      request.resume().on('end', () => response.writeHead(503, { 'content-length': 100 }).write('{'));
    },
    reached: ({ requests }) => requests === 1,
  },
  'waiting for a retry': { answer: busy, reached: ({ retries }) => retries === 1 },
};

describe('an abort', () => {
  it.each(Object.keys(PHASES))('settles the call while %s', async (name) => {
    const { answer, source, options, call, reached } = PHASES[name] as Phase;
    await using server = await startHttpServer(answer);
    await using client = clientOf(server.url, { retry: {}, ...options });
    let retries = 0;
    const ends: unknown[] = [];
    client.on('retry', () => {
      retries += 1;
    });
    client.on('request-end', (event) => ends.push(event));
    const controller = new AbortController();
    const failure = failureOf(client.transcribe(source?.() ?? AUDIO, { ...call, signal: controller.signal }));
    await vi.waitFor(() => expect(reached({ requests: server.requests.length, retries })).toBe(true));
    await new Promise((resolve) => setImmediate(resolve));
    const startedAt = performance.now();
    const reason = new Error('changed my mind');
    controller.abort(reason);
    const error = await failure;
    expect(performance.now() - startedAt).toBeLessThan(SETTLE_MS);
    expect(error).toMatchObject({ name: 'AbortedError', code: 'aborted', retryable: false, cause: reason });
    expect(ends).toMatchObject([{ status: 'cancelled', code: 'aborted' }]);
    await vi.waitFor(async () => expect(await openFiles()).toEqual([]));
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

  it('while storing gives the transcript that is there', async () => {
    await using server = await startAnswering({ status: 200, body: listenAnswer() });
    const storage = {
      ...createMemoryStorage(),
      capabilities: { shared: false, durable: false, atomic: true },
    };
    const put = vi.fn(never);
    await using client = clientOf(server.url, {
      storage: { ...storage, put, get: never, list: never, delete: never },
    });
    const failures: unknown[] = [];
    client.on('storage-failure', (event) => failures.push(event));
    const controller = new AbortController();
    const call = client.transcribe(AUDIO, { signal: controller.signal });
    await vi.waitFor(() => expect(put).toHaveBeenCalled());
    controller.abort();
    expect((await call).text).toBe('hello world');
    expect(failures).toMatchObject([{ operation: 'put', collection: 'transcripts', code: 'aborted' }]);
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
