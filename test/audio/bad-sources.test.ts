import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { appendFile, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  type AudioSource,
  fromFile,
  fromStream,
  type TranscriptionClient,
  UnsupportedSourceError,
} from 'transcription-client';
import { type DeepgramEmulator, startDeepgramEmulator } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveSource } from '../../src/audio/resolve.js';
import type { UploadAudio } from '../../src/contracts/index.js';
import { clientOf, failureOf } from '../support/client.js';

let emulator: DeepgramEmulator;
let client: TranscriptionClient;
let folder: string;
let root: string;

beforeAll(async () => {
  emulator = await startDeepgramEmulator();
  client = clientOf(emulator.url);
  folder = await mkdtemp(join(tmpdir(), 'bad-sources-'));
  root = join(folder, 'root');
  await mkdir(root);
  await writeFile(join(folder, 'secret.wav'), 'secret');
  await mkdir(join(folder, 'root-sibling'));
  await writeFile(join(folder, 'root-sibling', 'a.wav'), 'x');
  await writeFile(join(root, 'empty.wav'), '');
  await symlink(join(folder, 'secret.wav'), join(root, 'link.wav'));
  await symlink('loop.wav', join(root, 'loop.wav'));
  execFileSync('mkfifo', [join(root, 'pipe.wav')]);
});

afterAll(async () => {
  await client.close();
  await emulator.close();
  await rm(folder, { recursive: true });
});

const unknown = (value: unknown): AudioSource => value as AudioSource;
const post = (body: BodyInit, type?: string): Request =>
  new Request('http://localhost', {
    method: 'POST',
    body,
    ...(type === undefined ? {} : { headers: { 'content-type': type } }),
  });
const streamOf = (chunks: unknown[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk as Uint8Array);
      controller.close();
    },
  });

async function consumedNode(): Promise<AudioSource> {
  const stream = Readable.from([Buffer.from('a')]);
  for await (const _chunk of stream);
  return stream;
}

async function consumedWeb(): Promise<AudioSource> {
  const stream = streamOf([new Uint8Array(1)]);
  for await (const _chunk of stream);
  return stream;
}

async function partlyReadWeb(): Promise<AudioSource> {
  const stream = streamOf([new Uint8Array(1), new Uint8Array(1)]);
  const reader = stream.getReader();
  await reader.read();
  reader.releaseLock();
  return stream;
}

async function usedRequest(): Promise<AudioSource> {
  const request = post(new Uint8Array(3));
  await request.arrayBuffer();
  return request;
}

const LOCKED = streamOf([new Uint8Array(1)]);
LOCKED.getReader();

const CASES: [string, () => AudioSource | Promise<AudioSource>, string, RegExp][] = [
  ...[
    './a.wav',
    'C:\\a.wav',
    '/etc/passwd',
    '',
    'ftp://x/y',
    'file:///etc/passwd',
    'http:/bad',
    'https://',
  ].map((text): [string, () => AudioSource, string, RegExp] => [
    `'${text}'`,
    () => text,
    'not_a_url',
    /fromFile/,
  ]),
  ['a long string', () => 'x'.repeat(100_000), 'not_a_url', /fromFile/],
  ['a file URL object', () => new URL('file:///etc/passwd'), 'not_a_url', /fromFile/],
  ['null', () => unknown(null), 'unsupported_source', /null.*Pass an http/],
  ['undefined', () => unknown(undefined), 'unsupported_source', /undefined.*Pass an http/],
  ['a number', () => unknown(5), 'unsupported_source', /number/],
  ['a function', () => unknown(() => 5), 'unsupported_source', /function/],
  ['an array', () => unknown([1, 2]), 'unsupported_source', /no audio source/],
  ['a plain object with a path', () => unknown({ path: '/etc/passwd' }), 'unsupported_source', /fromFile/],
  [
    'a plain object with a url',
    () => unknown({ url: 'https://x.test/a' }),
    'unsupported_source',
    /plain object/,
  ],
  [
    'a parsed imitation of fromFile()',
    () => unknown(JSON.parse('{"kind":"file","path":"/etc/passwd","root":null}')),
    'unsupported_source',
    /plain object/,
  ],
  ['no bytes', () => new Uint8Array(0), 'empty_source', /0 bytes/],
  ['an empty Blob', () => new Blob([]), 'empty_source', /0 bytes/],
  ['an empty stream', () => streamOf([]), 'empty_source', /without a single byte/],
  ['an empty Readable', () => Readable.from([]), 'empty_source', /without a single byte/],
  ['a Request without a body', () => new Request('http://localhost'), 'empty_source', /0 bytes/],
  ['an empty file', () => fromFile(join(root, 'empty.wav')), 'empty_source', /0 bytes/],
  ['a missing file', () => fromFile('/nowhere/a.wav'), 'file_not_found', /no file/],
  ['a directory', () => fromFile(root), 'not_a_file', /directory/],
  ['a named pipe', () => fromFile(join(root, 'pipe.wav')), 'not_a_file', /no regular file/],
  ['a device', () => fromFile('/dev/zero'), 'not_a_file', /no regular file/],
  ['a file that cannot be opened', () => fromFile(join(root, 'loop.wav')), 'file_not_readable', /ELOOP/],
  ['a path with a null byte', () => fromFile('a\0b'), 'file_not_readable', /no path can hold/],
  ['../ out of the root', () => fromFile('../secret.wav', { root }), 'outside_root', /outside/],
  [
    'an absolute path out of the root',
    () => fromFile(join(folder, 'secret.wav'), { root }),
    'outside_root',
    /outside/,
  ],
  ['a sibling of the root', () => fromFile('../root-sibling/a.wav', { root }), 'outside_root', /outside/],
  ['a link out of the root', () => fromFile('link.wav', { root }), 'outside_root', /outside/],
  ['a consumed Readable', consumedNode, 'stream_consumed', /fromStream/],
  ['a destroyed Readable', () => Readable.from(['a']).destroy(), 'stream_consumed', /fromStream/],
  ['a consumed ReadableStream', consumedWeb, 'stream_consumed', /fromStream/],
  ['a partly read ReadableStream', partlyReadWeb, 'stream_consumed', /fromStream/],
  ['a locked ReadableStream', () => LOCKED, 'stream_consumed', /fromStream/],
  ['a used Request', usedRequest, 'stream_consumed', /fromStream/],
  ['a file stream of a missing file', () => createReadStream('/nowhere/a.wav'), 'stream_failed', /cause/],
  [
    'a stream of strings',
    () => unknown(Readable.from(['a', 'b'])),
    'unsupported_source',
    /string instead of bytes/,
  ],
  [
    'a stream of objects',
    () => unknown(Readable.from([{ a: 1 }])),
    'unsupported_source',
    /object instead of bytes/,
  ],
  ['a web stream of strings', () => streamOf(['a']), 'unsupported_source', /string instead of bytes/],
  [
    'fromStream() of nothing',
    () => fromStream(() => unknown(undefined) as never),
    'unsupported_source',
    /returns/,
  ],
  [
    'fromStream() that throws',
    () =>
      fromStream(() => {
        throw new Error('no disk');
      }),
    'stream_failed',
    /cause/,
  ],
  ['a form', () => post(new FormData()), 'unsupported_source', /request\.formData\(\)/],
  ['a JSON request', () => post('{}', 'application/json'), 'unsupported_source', /request\.json\(\)/],
  ['a text request', () => post('hello'), 'unsupported_source', /content-type/],
  ['a JSON response', () => Response.json({ a: 1 }), 'unsupported_source', /response\.json\(\)/],
  [
    'a page',
    () => new Response('<p>', { headers: { 'content-type': 'text/html' } }),
    'unsupported_source',
    /content-type/,
  ],
  [
    'a failed response',
    () => new Response(new Uint8Array(9), { status: 404 }),
    'unsupported_source',
    /404.*response\.ok/,
  ],
];

describe('sources that are none', () => {
  it.each(CASES)('%s', async (_name, source, code, message) => {
    const before = emulator.requests.filter(({ status }) => status === 200).length;
    const error = await failureOf(client.transcribe(await source()));
    expect(error).toBeInstanceOf(UnsupportedSourceError);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.retryable).toBe(false);
    expect(emulator.requests.filter(({ status }) => status === 200)).toHaveLength(before);
  });

  it('reports a stream that fails in mid-upload as the stream, not as the network', async () => {
    const failing = Readable.from(
      (async function* () {
        yield new Uint8Array(50_000);
        throw new Error('the microphone was unplugged');
      })(),
    );
    const error = await failureOf(client.transcribe(failing));
    expect(error).toMatchObject({ code: 'stream_failed', ambiguous: false, retryable: false });
    expect((error.cause as Error).message).toBe('the microphone was unplugged');
  });

  it('takes a body that is no audio to Deepgram, which refuses it', async () => {
    const error = await failureOf(client.transcribe(Buffer.from('this is only text')));
    expect(error).toMatchObject({ name: 'BadRequestError', code: 'bad_request', status: 400, attempt: 1 });
    expect(error.requestId).toMatch(/./);
  });

  it.each([
    ['fromFile() without a path', () => fromFile('')],
    ['fromFile(null options)', () => fromFile('a', null as never)],
    ['fromFile() with an undefined root', () => fromFile('a', { root: undefined as never })],
    ['fromStream() of a stream', () => fromStream(Readable.from([]) as never)],
    [
      'fromStream() with a type that no header carries',
      () => fromStream(() => streamOf([]), { contentType: 'a/b\r\nx: y' }),
    ],
  ])('%s throws at once', (_name, make) => {
    expect(make).toThrow(expect.objectContaining({ name: 'BadRequestError', code: 'invalid_option' }));
  });
});

describe('a file that changes while it is read', () => {
  const open = (path: string) => (resolveSource(fromFile(path)) as UploadAudio).open();
  const readAll = async (chunks: AsyncIterable<Uint8Array>): Promise<number> => {
    let length = 0;
    for await (const chunk of chunks) length += chunk.byteLength;
    return length;
  };

  it('sends no more than the length that was announced', async () => {
    const path = join(folder, 'growing.wav');
    await writeFile(path, new Uint8Array(1000));
    const audio = await open(path);
    await appendFile(path, new Uint8Array(500));
    expect(await readAll(audio.chunks)).toBe(1000);
    await audio.close();
  });

  it('fails where it became shorter, instead of waiting for bytes that never come', async () => {
    const path = join(folder, 'shrinking.wav');
    await writeFile(path, new Uint8Array(1000));
    const audio = await open(path);
    await truncate(path, 10);
    expect(await failureOf(readAll(audio.chunks))).toMatchObject({ code: 'file_not_readable' });
    await audio.close();
  });

  it('fails with a typed error where reading fails', async () => {
    const path = join(folder, 'closed.wav');
    await writeFile(path, new Uint8Array(1000));
    const audio = await open(path);
    await audio.close();
    expect(await failureOf(readAll(audio.chunks))).toMatchObject({ code: 'file_not_readable' });
  });
});
