import { setTimeout as sleep } from 'node:timers/promises';
import { startFaultProxy } from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createS3AudioStore } from '../../src/adapters/s3/index.js';
import type { AudioStore } from '../../src/contracts/audio-store.js';
import { bytes, chunksOf, failureOf } from '../../src/testing/contract/audio-store-samples.js';
import { shown } from '../support/leaks.js';
import { CREDENTIALS, type S3Answer, type S3Server, startS3Server } from '../support/s3-server.js';

const UNKNOWN_REF = `aud_${'0'.repeat(32)}`;
const LATER = '2999-01-01T00:00:00.000Z';

let server: S3Server;
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(async () => {
  process.on('unhandledRejection', note);
  server = await startS3Server();
});
afterEach(async () => {
  await server.close();
  // Node tells of them after the turn in which they happened.
  await sleep(5);
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
});

/** What each of the calls rejects with, or resolves to. */
async function endsOf(store: AudioStore, ref: string): Promise<Record<string, unknown>> {
  const ends: Record<string, unknown> = {};
  for (const [name, call] of Object.entries({
    put: () => store.put(chunksOf(bytes(1000))),
    open: () => store.open(ref),
    delete: () => store.delete(ref),
    url: () => store.url?.(ref, { expiresInSeconds: 60 }),
    purge: () => store.purge?.({ createdBefore: LATER }),
    health: () => store.health?.(),
  })) {
    ends[name] = await Promise.resolve(call()).catch((error: unknown) => error);
  }
  return ends;
}

describe('what S3 refuses', () => {
  const ADVICE = /Check the credentials .* s3:PutObject, s3:GetObject, s3:DeleteObject/;
  const cases: [string, S3Answer, string, boolean, RegExp][] = [
    ['access', { status: 403, code: 'AccessDenied' }, 'storage_unavailable', false, ADVICE],
    ['a token', { status: 400, code: 'ExpiredToken' }, 'storage_unavailable', false, ADVICE],
    [
      'the region',
      { status: 400, code: 'AuthorizationHeaderMalformed' },
      'storage_unavailable',
      false,
      /region/,
    ],
    ['the bucket', { status: 404, code: 'NoSuchBucket' }, 'storage_unavailable', false, /no such bucket/],
    ['for a moment', { status: 503, code: 'SlowDown' }, 'storage_unavailable', true, /Try again later/],
    [
      'for its own fault',
      { status: 500, code: 'InternalError' },
      'storage_unavailable',
      true,
      /Try again later/,
    ],
    [
      'for its own fault',
      { status: 502, code: 'BadGateway' },
      'storage_unavailable',
      true,
      /Try again later/,
    ],
    ['for haste', { status: 429, code: 'TooManyRequests' }, 'storage_unavailable', true, /Try again later/],
    [
      'for being slow',
      { status: 400, code: 'RequestTimeout' },
      'storage_unavailable',
      true,
      /Try again later/,
    ],
    ['for lack of room', { status: 507, code: 'XMinioStorageFull' }, 'storage_full', true, /Make room/],
    ['what it does not know', { status: 501, code: 'NotImplemented' }, 'storage_failed', false, /cause/],
    ['something else', { status: 400, code: 'InvalidRequest' }, 'storage_failed', false, /cause/],
  ];

  it.each(cases)(
    'is told by its code and what to do: %s, %o',
    async (_what, answer, code, retryable, advice) => {
      const client = server.client({ maxAttempts: 1 });
      const store = createS3AudioStore({ client, bucket: server.bucket });
      const { ref } = await store.put(chunksOf(bytes(1000)));
      server.fail = () => answer;
      // Two of them ask with HEAD, whose answer tells no code: what only a code tells is not known there.
      // Two of them ask with HEAD, whose answer tells no code: what only a code tells is not known there.
      const { delete: deleted, url, ...others } = await endsOf(store, ref);
      for (const [call, error] of Object.entries(others)) {
        expect(error, call).toMatchObject({ name: 'StorageError', code, retryable });
        expect((error as Error).message, call).toMatch(advice);
      }
      expect(url).toMatchObject({ name: 'StorageError' });
      if (answer.status === 404) expect(deleted).toBe(false);
      else expect(deleted).toMatchObject({ name: 'StorageError' });
    },
  );

  it('is told by s3rver itself: a bucket that is none, a key that is none', async () => {
    const none = createS3AudioStore({ client: server.client(), bucket: 'no-such-bucket' });
    const noBucket = { name: 'StorageError', code: 'storage_unavailable', retryable: false };
    await expect(none.put(chunksOf(bytes(10)))).rejects.toMatchObject(noBucket);
    await expect(none.open(UNKNOWN_REF)).rejects.toMatchObject(noBucket);
    await expect(none.health?.()).rejects.toMatchObject(noBucket);

    const stranger = server.client({ credentials: { accessKeyId: 'AKIASTRANGER', secretAccessKey: 'x' } });
    const store = createS3AudioStore({ client: stranger, bucket: server.bucket });
    // Lists are not s3rver's here.
    const { purge: _purge, ...refused } = await endsOf(store, UNKNOWN_REF);
    for (const [call, error] of Object.entries(refused)) {
      expect(error, call).toMatchObject({
        name: 'StorageError',
        code: 'storage_unavailable',
        retryable: false,
      });
    }
  });

  it('is told where there are no credentials', async () => {
    const client = server.client({
      credentials: async () => {
        throw Object.assign(new Error('Could not load credentials'), { name: 'CredentialsProviderError' });
      },
    });
    const ends = await endsOf(createS3AudioStore({ client, bucket: server.bucket }), UNKNOWN_REF);
    for (const [call, error] of Object.entries(ends)) {
      expect(error, call).toMatchObject({
        name: 'StorageError',
        code: 'storage_unavailable',
        retryable: false,
      });
      expect((error as Error).message, call).toMatch(ADVICE);
    }
  });
});

describe('no error', () => {
  it('holds a credential, a signed URL, or audio', async () => {
    const secrets = [
      CREDENTIALS.secretAccessKey,
      'AWS4-HMAC-SHA256',
      'abcdef0123456789',
      'session-token-of-the-caller',
      'the-words-of-the-caller',
    ];
    await using proxy = await startFaultProxy({ target: server.url });
    const client = server.client({
      endpoint: proxy.url,
      maxAttempts: 1,
      credentials: { ...CREDENTIALS, sessionToken: 'session-token-of-the-caller' },
    });
    const store = createS3AudioStore({ client, bucket: server.bucket });
    const { ref } = await store.put(chunksOf(bytes(1000)));
    const message =
      'Refused: https://audio.example/x?X-Amz-Algorithm=AWS4-HMAC-SHA256&amp;X-Amz-Signature=abcdef0123456789 and ' +
      'Authorization: AWS4-HMAC-SHA256 Credential=S3RVER/20260101/us-east-1/s3/aws4_request, Signature=abcdef0123456789';
    const texts: string[] = [];
    for (const answer of [
      { status: 403, code: 'AccessDenied', message },
      { status: 500, code: 'InternalError', message },
      { status: 400, code: 'Odd', message },
    ]) {
      server.fail = () => answer;
      for (const error of Object.values(await endsOf(store, ref))) texts.push(shown(error));
    }
    server.fail = undefined;
    proxy.set({ refuse: true });
    proxy.reset();
    for (const error of Object.values(await endsOf(store, ref))) texts.push(shown(error));
    texts.push(shown(await failureOf(store.put(chunksOf(Buffer.from('the-words-of-the-caller'))))));
    texts.push(shown(store));
    for (const secret of secrets) expect(texts.filter((text) => text.includes(secret))).toEqual([]);
  });
});

describe('a package that is missing', () => {
  afterEach(() => {
    vi.doUnmock('@aws-sdk/client-s3');
    vi.doUnmock('@aws-sdk/lib-storage');
    vi.doUnmock('@aws-sdk/s3-request-presigner');
    vi.resetModules();
  });

  it.each<[string, (store: AudioStore) => Promise<unknown>]>([
    ['@aws-sdk/client-s3', (store) => store.open(UNKNOWN_REF)],
    ['@aws-sdk/lib-storage', (store) => store.put(chunksOf(bytes(10)))],
    [
      '@aws-sdk/s3-request-presigner',
      (store) => store.url?.(UNKNOWN_REF, { expiresInSeconds: 1 }) ?? Promise.reject(),
    ],
  ])('is named: %s', async (name, call) => {
    const client = server.client();
    server.fail = (operation) => (operation === 'HEAD object' ? { status: 200, code: 'OK' } : undefined);
    vi.resetModules();
    vi.doMock(name, () => {
      throw new Error('Cannot find package');
    });
    const { createS3AudioStore: create } = await import('../../src/adapters/s3/index.js');
    const error = await failureOf(call(create({ client, bucket: server.bucket })));
    expect(error).toMatchObject({ name: 'StorageError', code: 'storage_failed', retryable: false });
    expect((error as Error).message).toContain(`npm install ${name}`);
    expect((error as Error).cause).toBeInstanceOf(Error);
  });
});
