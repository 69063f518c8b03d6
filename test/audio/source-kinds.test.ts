import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type AudioSource, fromFile, fromStream, type TranscriptionClient } from 'transcription-client';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientOf } from '../support/client.js';
import { refusedUrl, startHttpServer } from '../support/fault-server.js';

const TEXT = 'every kind of source says the same';
const { audio } = synthesizeSpeech(TEXT);
const bytes = new Uint8Array(audio);

let emulator: DeepgramEmulator;
let client: TranscriptionClient;
let folder: string;
let path: string;

beforeAll(async () => {
  emulator = await startDeepgramEmulator();
  client = clientOf(emulator.url);
  folder = await mkdtemp(join(tmpdir(), 'source-kinds-'));
  path = join(folder, 'speech.wav');
  await writeFile(path, bytes);
});

afterAll(async () => {
  await client.close();
  await emulator.close();
  await rm(folder, { recursive: true });
});

function pieces(): Uint8Array[] {
  return [bytes.subarray(0, 1), new Uint8Array(0), bytes.subarray(1, 5000), bytes.subarray(5000)];
}

function webStream(): ReadableStream<Uint8Array> {
  const queue = pieces().filter((piece) => piece.byteLength > 0);
  return new ReadableStream({
    pull(controller) {
      const next = queue.shift();
      if (next) controller.enqueue(next);
      else controller.close();
    },
  });
}

async function* generator(): AsyncGenerator<Uint8Array> {
  yield* pieces();
}

/** The audio in the middle of a larger buffer, so that offsets count. */
function padded(): { buffer: ArrayBuffer; offset: number } {
  const buffer = new ArrayBuffer(bytes.byteLength + 14);
  new Uint8Array(buffer).fill(0xff).set(bytes, 6);
  return { buffer, offset: 6 };
}

const KINDS: Record<string, () => AudioSource> = {
  'a URL string': () => emulator.serveAudio(bytes),
  'a URL object': () => new URL(emulator.serveAudio(bytes)),
  'fromFile()': () => fromFile(path),
  'fromFile() with root': () => fromFile('speech.wav', { root: folder }),
  'a Uint8Array': () => bytes,
  'a slice of a Buffer': () => Buffer.from(padded().buffer, padded().offset, bytes.byteLength),
  'an ArrayBuffer': () => bytes.slice().buffer,
  'a DataView': () =>
    new DataView(padded().buffer, padded().offset, bytes.byteLength) as unknown as Uint8Array,
  'a Blob': () => new Blob([bytes], { type: 'audio/wav' }),
  'a File': () => new File([bytes], 'speech.wav'),
  'a ReadableStream': webStream,
  'a Readable': () => Readable.from(pieces()),
  'a file stream': () => createReadStream(path, { highWaterMark: 1000 }),
  'an async generator': generator,
  'fromStream() of a Readable': () => fromStream(() => createReadStream(path)),
  'fromStream() of a ReadableStream': () => fromStream(async () => webStream(), { contentType: 'audio/wav' }),
  'fromStream() of a generator': () => fromStream(generator),
  'a Request': () => new Request('http://localhost/', { method: 'POST', body: bytes }),
  'a Request with a stream': () =>
    new Request('http://localhost/', { method: 'POST', body: webStream(), duplex: 'half' } as RequestInit),
  'a Response': () => new Response(bytes, { headers: { 'content-type': 'audio/wav' } }),
  'a Response without a type': () => new Response(bytes),
};

describe('every kind of audio source', () => {
  it.each(Object.keys(KINDS))('%s gives the transcript', async (kind) => {
    const source = KINDS[kind]?.() as AudioSource;
    const transcript = await client.transcribe(source);
    expect(transcript.text).toBe(TEXT);
    const request = emulator.requests.findLast(({ path }) => path === '/v1/listen');
    expect(request?.headers['content-type']).toMatch(
      kind.includes('URL ') ? /^application\/json/ : /^(audio\/wav|application\/octet-stream)$/,
    );
  });

  it.each(['fromFile()', 'a Uint8Array', 'a Blob'])('announces the length of %s', async (kind) => {
    await client.transcribe(KINDS[kind]?.() as AudioSource);
    const request = emulator.requests.findLast(({ path }) => path === '/v1/listen');
    expect(request?.headers['content-length']).toBe(String(bytes.byteLength));
    expect(request?.headers['transfer-encoding']).toBeUndefined();
  });

  it('takes the body of a request that a server received, and leaves the connection for its answer', async () => {
    await using host = await startHttpServer((request, response) => {
      client.transcribe(request).then(
        ({ text }) => response.end(text),
        (error) => response.writeHead(502).end(error.code),
      );
    });
    const good = await fetch(host.url, { method: 'POST', body: bytes });
    expect(await good.text()).toBe(TEXT);
  });

  it('leaves that connection alone also where the upload breaks off', async () => {
    await using unreachable = clientOf(await refusedUrl());
    await using host = await startHttpServer((request, response) => {
      unreachable.transcribe(request).catch((error) => response.writeHead(502).end(error.code));
    });
    const answer = await fetch(host.url, { method: 'POST', body: new Uint8Array(5_000_000) });
    expect([answer.status, await answer.text()]).toEqual([502, 'network']);
  });

  it('can transcribe the same re-openable source again', async () => {
    for (const source of [fromFile(path), fromStream(generator), bytes, new Blob([bytes])]) {
      await client.transcribe(source);
      expect((await client.transcribe(source)).text).toBe(TEXT);
    }
  });
});
