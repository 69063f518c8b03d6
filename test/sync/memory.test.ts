import { createReadStream, openAsBlob } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type AudioSource, fromFile, fromStream } from 'transcription-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientOf } from '../support/client.js';
import { listenAnswer, send, startHttpServer } from '../support/fault-server.js';

const MEGABYTE = 1024 * 1024;
const SIZE = 200 * MEGABYTE;

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'memory-'));
  path = join(folder, 'large.wav');
  const file = await open(path, 'w');
  await file.truncate(SIZE);
  await file.close();
});

afterAll(() => rm(folder, { recursive: true }));

async function* generated(): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < SIZE; sent += MEGABYTE) yield new Uint8Array(MEGABYTE);
}

function webStream(): ReadableStream<Uint8Array> {
  return Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>;
}

describe('an upload of 200 MB to a slow server', () => {
  it.each([
    ['a file', () => fromFile(path)],
    ['a Blob of a file', () => openAsBlob(path)],
    ['a generator', generated],
    ['a Readable', () => createReadStream(path)],
    ['a ReadableStream', webStream],
    ['fromStream()', () => fromStream(() => createReadStream(path))],
    [
      'a Request',
      () => new Request('http://localhost', { method: 'POST', body: webStream(), ...{ duplex: 'half' } }),
    ],
    ['a Response', () => new Response(webStream())],
  ] as [string, () => AudioSource | Promise<AudioSource>][])(
    'from %s stays in bounded memory',
    async (_name, source) => {
      let received = 0;
      await using server = await startHttpServer((request, response) => {
        let pauses = 0;
        request.on('data', (chunk: Buffer) => {
          received += chunk.byteLength;
          // Stops now and then, so that whatever is not held back piles up in the client.
          if (received / (10 * MEGABYTE) > pauses) {
            pauses += 1;
            request.pause();
            setTimeout(() => request.resume(), 20);
          }
        });
        request.on('end', () => send(response, { status: 200, body: listenAnswer() }));
      });
      await using client = clientOf(server.url);
      await client.transcribe(new Uint8Array(1));
      received = 0;
      const before = process.memoryUsage().rss;
      let peak = before;
      const watch = setInterval(() => {
        peak = Math.max(peak, process.memoryUsage().rss);
      }, 10);
      await client.transcribe(await source());
      clearInterval(watch);
      expect(received).toBe(SIZE);
      expect((peak - before) / MEGABYTE).toBeLessThan(64);
    },
  );
});

it('a call with a key holds none of its audio when it has ended', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  await using server = await startHttpServer((request, response) => {
    request.resume().on('end', () => send(response, { status: 200, body: listenAnswer() }));
  });
  await using client = clientOf(server.url);
  async function call(index: number): Promise<WeakRef<Uint8Array>> {
    const audio = new Uint8Array(MEGABYTE).fill(index);
    await client.transcribe(audio, { idempotencyKey: `key ${index}` });
    return new WeakRef(audio);
  }
  const audios: WeakRef<Uint8Array>[] = [];
  for (let index = 0; index < 10; index += 1) audios.push(await call(index));
  await vi.waitFor(() => {
    collect();
    // The last one may be held by the connection, which is kept.
    expect(audios.filter((audio) => audio.deref() !== undefined).length).toBeLessThan(3);
  });
});
