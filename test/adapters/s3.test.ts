import { get } from 'node:http';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createS3AudioStore, type S3AudioStoreOptions } from '../../src/adapters/s3/index.js';
import type { AudioStore } from '../../src/contracts/audio-store.js';
import { testAudioStoreContract } from '../../src/testing/contract/audio-store.js';
import { bytes, chunksOf, readRef, sameBytes } from '../../src/testing/contract/audio-store-samples.js';
import { type S3Server, startS3Server } from '../support/s3-server.js';
import { buildProgram } from './files-child.js';

const MEBIBYTE = 1024 * 1024;
const LATER = '2999-01-01T00:00:00.000Z';

let server: S3Server;
let client: S3Client;
beforeAll(async () => {
  server = await startS3Server();
  client = server.client();
});
afterAll(() => server.close());
afterEach(() => {
  server.pageSize = 1000;
});

let prefixes = 0;
const newPrefix = (): string => `suite/${++prefixes}/`;
const open = (prefix: string, rest: Partial<S3AudioStoreOptions> = {}): AudioStore =>
  createS3AudioStore({ client, bucket: server.bucket, prefix, ...rest });

describe.each([true, false])('presign: %s', (presign) => {
  const prefixOf = new WeakMap<AudioStore, string>();
  testAudioStoreContract(
    { describe, it },
    {
      capabilities: { shared: true, durable: true },
      members: presign ? ['url', 'purge', 'health'] : ['purge', 'health'],
      create() {
        const prefix = newPrefix();
        const store = open(prefix, { presign });
        prefixOf.set(store, prefix);
        return store;
      },
      reopen: (first) => open(prefixOf.get(first) ?? '', { presign }),
    },
  );
});

interface Answer {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly body: Buffer;
}

/** Like Deepgram: without anything but the URL. */
function fetchUrl(address: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get(address, async (response) => {
      const body = Buffer.concat(await response.toArray());
      resolve({ status: response.statusCode, type: response.headers['content-type'], body });
    }).once('error', reject);
  });
}

function url(store: AudioStore, ref: string, expiresInSeconds: number): Promise<string> {
  return store.url?.(ref, { expiresInSeconds }) ?? Promise.reject(new Error('no url()'));
}

describe('a signed URL', () => {
  it('gives the audio with its type, whoever asks', async () => {
    const store = open(newPrefix());
    const { ref } = await store.put(chunksOf(bytes(100_000)), { contentType: 'audio/ogg; codecs=opus' });
    const answer = await fetchUrl(await url(store, ref, 60));
    expect(answer).toMatchObject({ status: 200, type: 'audio/ogg; codecs=opus' });
    sameBytes(answer.body, bytes(100_000));
  });

  it('is refused when its time is over', async () => {
    const store = open(newPrefix());
    const { ref } = await store.put(chunksOf(bytes(10)));
    const address = await url(store, ref, 1);
    await vi.waitUntil(async () => (await fetchUrl(address)).status === 403, { interval: 50, timeout: 5000 });
    expect(new URL(address).searchParams.get('X-Amz-Expires')).toBe('1');
  });

  it('says what was asked for: another time, another key', async () => {
    const store = open(newPrefix());
    const { ref } = await store.put(chunksOf(bytes(10)));
    const { pathname, searchParams } = new URL(await url(store, ref, 604_800));
    expect(pathname.endsWith(`/${ref}`)).toBe(true);
    expect(searchParams.get('X-Amz-Expires')).toBe('604800');
  });

  it.each([undefined, 0, -1, 1.5, 604_801, Number.NaN, '60'])(
    'is not given for %s seconds',
    async (seconds) => {
      const store = open(newPrefix());
      const { ref } = await store.put(chunksOf(bytes(10)));
      await expect(url(store, ref, seconds as number)).rejects.toMatchObject({
        name: 'BadRequestError',
        code: 'invalid_option',
      });
    },
  );

  it('is no member of a store that gives none', () => {
    expect('url' in open('', { presign: false })).toBe(false);
    expect('url' in open('')).toBe(true);
  });
});

describe('the bucket', () => {
  it('keeps the audio under the prefix, with its type where it has one', async () => {
    const prefix = newPrefix();
    const store = open(prefix);
    const typed = await store.put(chunksOf(bytes(10)), { contentType: 'audio/wav' });
    const large = await store.put(chunksOf(bytes(9 * MEBIBYTE)), { contentType: 'audio/flac' });
    const plain = await store.put(chunksOf(bytes(10)));
    const typeOf = async (ref: string) =>
      (await client.send(new HeadObjectCommand({ Bucket: server.bucket, Key: prefix + ref }))).ContentType;
    expect(await typeOf(typed.ref)).toBe('audio/wav');
    expect(await typeOf(large.ref)).toBe('audio/flac');
    expect(await typeOf(plain.ref)).not.toMatch(/^audio/);
  });

  it('may have any other prefix, or none', async () => {
    for (const prefix of ['', "a-b_c.d!e*f'(g)", 'deep/er/']) {
      const store = open(prefix);
      const { ref } = await store.put(chunksOf(bytes(10)));
      expect(server.keys()).toContain(prefix + ref);
      sameBytes(await readRef(store, ref), bytes(10));
      expect(await store.delete(ref)).toBe(true);
    }
  });

  it('is purged page by page, and only of audio of this prefix', async () => {
    const prefix = newPrefix();
    const store = open(prefix);
    const other = open(`${prefix}other/`);
    const refs = await Promise.all(
      Array.from({ length: 23 }, (_, index) => store.put(chunksOf(bytes(1 + index)))),
    );
    const elsewhere = await other.put(chunksOf(bytes(10)));
    const names = ['aud_notes.txt', `aud_${'0'.repeat(32)}.bak`, 'zzz'];
    for (const name of names) {
      await client.send(new PutObjectCommand({ Bucket: server.bucket, Key: prefix + name, Body: 'mine' }));
    }
    server.pageSize = 5;
    expect(await store.purge?.({ createdBefore: '2000-01-01T00:00:00.000Z' })).toBe(0);
    expect(await store.purge?.({ createdBefore: LATER })).toBe(refs.length);
    const left = server.keys().filter((key) => key.startsWith(prefix));
    expect(left.sort()).toEqual([`other/${elsewhere.ref}`, ...names].map((name) => prefix + name).sort());
  });

  it('is left to its client, which is not closed', async () => {
    const store = open(newPrefix());
    const { ref } = await store.put(chunksOf(bytes(10)));
    await store.close?.();
    sameBytes(await readRef(store, ref), bytes(10));
  });

  it('is read by whoever has the key, as the audio that it is', async () => {
    const prefix = newPrefix();
    const { ref } = await open(prefix).put(chunksOf(bytes(9 * MEBIBYTE)));
    const { Body } = await client.send(new GetObjectCommand({ Bucket: server.bucket, Key: prefix + ref }));
    sameBytes((await Body?.transformToByteArray()) ?? new Uint8Array(), bytes(9 * MEBIBYTE));
  });
});

describe('the options', () => {
  const base = () => ({ client, bucket: 'bucket' });

  it.each<[string, () => unknown, string]>([
    ['none', () => undefined, 'invalid_option'],
    ['no client', () => ({ bucket: 'bucket' }), 'invalid_option'],
    ['a client that is none', () => ({ ...base(), client: {} }), 'invalid_option'],
    ['the settings of a client', () => ({ ...base(), client: { region: 'eu-central-1' } }), 'invalid_option'],
    ['no bucket', () => ({ client }), 'invalid_option'],
    ['an empty bucket', () => ({ ...base(), bucket: '' }), 'invalid_option'],
    ['a prefix that is none', () => ({ ...base(), prefix: 12 }), 'invalid_option'],
    ['a prefix with a space', () => ({ ...base(), prefix: 'a b/' }), 'invalid_option'],
    ['a prefix that leads elsewhere', () => ({ ...base(), prefix: 'a/../b/' }), 'invalid_option'],
    ['a prefix that begins with a slash', () => ({ ...base(), prefix: '/a/' }), 'invalid_option'],
    ['presign as a text', () => ({ ...base(), presign: 'no' }), 'invalid_option'],
    ['parts below 5 MiB', () => ({ ...base(), partBytes: 5 * MEBIBYTE - 1 }), 'invalid_option'],
    ['a size of 0', () => ({ ...base(), maxBytes: 0 }), 'invalid_option'],
    ['more than 10000 parts', () => ({ ...base(), maxBytes: 80_001 * MEBIBYTE }), 'invalid_option'],
    ['a misspelt one', () => ({ ...base(), buckett: 'b' }), 'unknown_option'],
  ])('of the store are checked: %s', (_what, options, code) => {
    const create = createS3AudioStore as (options: unknown) => AudioStore;
    expect(() => create(options())).toThrow(expect.objectContaining({ name: 'BadRequestError', code }));
  });

  it.each<[string, unknown, string]>([
    ['null', null, 'invalid_option'],
    ['a MIME type that is none', { contentType: 'wav\r\nx-header: 1' }, 'invalid_option'],
    ['a signal that is none', { signal: {} }, 'invalid_option'],
    ['a misspelt one', { mimeType: 'audio/wav' }, 'unknown_option'],
  ])('of a put are checked: %s', async (_what, options, code) => {
    const putting = open(newPrefix()).put(chunksOf(bytes(10)), options as object);
    await expect(putting).rejects.toMatchObject({ name: 'BadRequestError', code });
  });

  it.each([undefined, null, 'audio', bytes(10), {}])('of a put: %s is no audio', async (audio) => {
    const putting = open(newPrefix()).put(audio as AsyncIterable<Uint8Array>);
    await expect(putting).rejects.toMatchObject({ code: 'unsupported_source' });
  });
});

/**
 * Puts and reads so many MiB, and tells by how many bytes the process grew meanwhile. What it holds is weighed, not
 * when the engine looks for garbage.
 */
const WEIGHED = `
import { S3Client } from '@aws-sdk/client-s3';
import { createS3AudioStore } from '@/src/adapters/s3/index.js';

const [endpoint, bucket, size] = process.argv.slice(2);
const client = new S3Client({
  endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'x' },
});
const store = createS3AudioStore({ client, bucket });
let peak = 0;
let went = 0;
function weigh(bytes) {
  const before = went;
  went += bytes;
  if (Math.floor(before / 4_194_304) === Math.floor(went / 4_194_304)) return;
  peak = Math.max(peak, process.memoryUsage.rss());
  globalThis.gc();
}
const chunk = Buffer.alloc(65_536);
async function* audio(mebibytes) {
  for (let count = 0; count < mebibytes * 16; count++) {
    weigh(65_536);
    yield chunk.fill(count);
  }
}
async function cycle(mebibytes) {
  const { ref, sizeBytes } = await store.put(audio(mebibytes));
  let read = 0;
  for await (const chunk of (await store.open(ref)).chunks) {
    weigh(chunk.byteLength);
    read += chunk.byteLength;
  }
  if (read !== sizeBytes || read !== mebibytes * 1024 * 1024) throw new Error('not whole');
  await store.delete(ref);
}
await cycle(4);
peak = 0;
const before = process.memoryUsage.rss();
await cycle(Number(size));
process.stdout.write(String(peak - before));
client.destroy();
`;

describe('a process of its own', () => {
  it('grows by less than 48 MB where 200 MiB go through it', { timeout: 60_000 }, async () => {
    const program = await buildProgram(WEIGHED);
    try {
      const grown = Number(
        await program.run([server.url, server.bucket, '200'], 'exec "$0" --expose-gc "$@"'),
      );
      console.log(`It grew by ${(grown / 1e6).toFixed(1)} MB.`);
      expect(grown).toBeLessThan(48_000_000);
    } finally {
      program.dispose();
    }
  });
});
