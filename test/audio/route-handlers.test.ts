import { Readable } from 'node:stream';
import { type AudioSource, type TranscriptionClient, TranscriptionError } from 'transcription-client';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientOf } from '../support/client.js';
import { startHttpServer } from '../support/fault-server.js';
import { type RouteHandler, startFetchHost } from '../support/fetch-host.js';

const TEXT = 'a route handler hands on what it got';
const bytes = new Uint8Array(synthesizeSpeech(TEXT).audio);

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

/** As an application writes it: the transcript, or the error as JSON with a status. */
const answering =
  (sourceOf: (request: Request) => AudioSource | Promise<AudioSource>): RouteHandler =>
  async (request) => {
    try {
      const { text, requestId } = await client.transcribe(await sourceOf(request));
      return Response.json({ text, requestId });
    } catch (error) {
      if (!TranscriptionError.isInstance(error)) throw error;
      return Response.json(error, { status: 422 });
    }
  };

async function fileOf(request: Request): Promise<File> {
  const file = (await request.formData()).get('file');
  if (file instanceof File) return file;
  throw new Error('The form has no file.');
}

function formOf(content: BlobPart): FormData {
  const form = new FormData();
  form.set('note', 'beside the file');
  form.set('file', new File([content], 'speech.wav', { type: 'audio/wav' }));
  return form;
}

async function* pieces(): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += 10_000) yield bytes.subarray(start, start + 10_000);
}

const streaming = (type: string): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': type },
  body: Readable.toWeb(Readable.from(pieces())) as ReadableStream<Uint8Array>,
  ...{ duplex: 'half' },
});
const whole = (body: BodyInit): RequestInit => ({ method: 'POST', body });

const HANDLERS: Record<
  string,
  [sourceOf: (request: Request) => AudioSource | Promise<AudioSource>, RequestInit]
> = {
  'the Request, its body streaming': [(request) => request, streaming('audio/wav')],
  'the Request, of a type that says nothing': [(request) => request, streaming('application/octet-stream')],
  'the Request, whole': [(request) => request, whole(bytes)],
  'the body of the Request': [
    (request) => request.body as ReadableStream<Uint8Array>,
    streaming('audio/wav'),
  ],
  'a clone of the Request': [(request) => request.clone(), whole(bytes)],
  'the File of its form': [fileOf, whole(formOf(bytes))],
  'the bytes of the Request': [(request) => request.arrayBuffer(), streaming('audio/wav')],
  'the Blob of the Request': [(request) => request.blob(), whole(bytes)],
  'the Response of a fetch': [() => fetch(emulator.serveAudio(bytes)), whole('')],
};

describe('a route handler transcribes', () => {
  it.each(Object.keys(HANDLERS))('%s', async (name) => {
    const [sourceOf, request] = HANDLERS[name] as (typeof HANDLERS)[string];
    await using host = await startFetchHost(answering(sourceOf));
    const answer = await fetch(host.url, request);
    expect(await answer.json()).toMatchObject({ text: TEXT, requestId: expect.stringMatching(/./) });
    expect(emulator.requests.findLast(({ path }) => path === '/v1/listen')?.bodyBytes).toBe(bytes.byteLength);
  });

  it.each([
    [
      'a form in place of its file',
      (request: Request) => request,
      whole(formOf(bytes)),
      'unsupported_source',
      /formData/,
    ],
    ['a Request that was read', readBefore, whole(bytes), 'stream_consumed', /fromStream/],
    ['an empty body', (request: Request) => request, whole(new Uint8Array(0)), 'empty_source', /byte/],
    ['an empty file', fileOf, whole(formOf('')), 'empty_source', /0 bytes/],
    [
      'a page that a fetch got',
      () => fetch(`${emulator.url}/nowhere`),
      whole(''),
      'unsupported_source',
      /response\.ok/,
    ],
  ] as const)('and refuses %s', async (_name, sourceOf, request, code, message) => {
    await using host = await startFetchHost(answering(sourceOf));
    const answer = await fetch(host.url, { ...request, headers: {} });
    expect(answer.status).toBe(422);
    const error = (await answer.json()) as { code: string; message: string };
    expect(error).toMatchObject({ name: 'UnsupportedSourceError', code });
    expect(error.message).toMatch(message);
  });

  it('and fails as the stream does where the user leaves in mid-upload', async () => {
    const leaving = new AbortController();
    const outcomes: unknown[] = [];
    await using host = await startFetchHost(async (request) => {
      const call = client.transcribe(request).catch((error: unknown) => error);
      leaving.abort();
      outcomes.push(await call);
      return new Response('late');
    });
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(bytes) });
    const request = { method: 'POST', body, signal: leaving.signal, ...{ duplex: 'half' } };
    await expect(fetch(host.url, request)).rejects.toThrow();
    await vi.waitFor(() =>
      expect(outcomes).toMatchObject([{ name: 'UnsupportedSourceError', code: 'stream_failed' }]),
    );
  });
});

async function readBefore(request: Request): Promise<Request> {
  await request.arrayBuffer();
  return request;
}

describe('a plain http server transcribes', () => {
  it('the request that it received, of known and of unknown length', async () => {
    await using host = await startHttpServer((request, response) => {
      client.transcribe(request).then(
        ({ text }) => response.end(text),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
    for (const request of [whole(bytes), streaming('audio/wav')]) {
      expect(await (await fetch(host.url, request)).text()).toBe(TEXT);
    }
  });
});
