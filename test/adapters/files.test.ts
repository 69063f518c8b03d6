import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createFileAudioStore } from '../../src/adapters/files/index.js';
import type { AudioStore } from '../../src/contracts/audio-store.js';
import { testAudioStoreContract } from '../../src/testing/contract/audio-store.js';
import { bytes, chunksOf } from '../../src/testing/contract/audio-store-samples.js';

const base = mkdtempSync(join(tmpdir(), 'transcription-client-files-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

let folders = 0;
function newFolder(): string {
  return join(base, String(++folders));
}

const directories = new WeakMap<AudioStore, string>();
function open(directory: string, shared: boolean): AudioStore {
  const store = createFileAudioStore({ directory, shared });
  directories.set(store, directory);
  return store;
}

describe.each([true, false])('shared: %s', (shared) => {
  testAudioStoreContract(
    { describe, it },
    {
      capabilities: { shared, durable: true },
      members: ['purge', 'health'],
      create: () => open(newFolder(), shared),
      reopen: (first) => open(directories.get(first) ?? '', shared),
    },
  );
});

const LATER = '2999-01-01T00:00:00.000Z';

describe('a purge', () => {
  it('clears what crashed puts left an hour ago, and leaves younger ones to those who write them', async () => {
    const directory = newFolder();
    mkdirSync(directory, { mode: 0o700 });
    const store = createFileAudioStore({ directory });
    const { ref } = await store.put(chunksOf(bytes(100)));
    const [old, young] = [`aud_${'1'.repeat(32)}.part`, `aud_${'2'.repeat(32)}.part`];
    for (const name of [old, young]) writeFileSync(join(directory, name), 'half');
    const now = Date.now() / 1000;
    utimesSync(join(directory, old), now - 3700, now - 3700);
    utimesSync(join(directory, young), now - 3500, now - 3500);

    expect(await store.purge?.({ createdBefore: new Date(Date.now() - 4_000_000).toISOString() })).toBe(0);
    expect(readdirSync(directory).sort()).toEqual([ref, old, young].sort());
    expect(await store.purge?.({ createdBefore: LATER })).toBe(1);
    expect(readdirSync(directory)).toEqual([young]);
  });
});

describe('the options', () => {
  it.each<[string, unknown, string]>([
    ['none', undefined, 'invalid_option'],
    ['no directory', {}, 'invalid_option'],
    ['an empty directory', { directory: '' }, 'invalid_option'],
    ['a directory with a NUL', { directory: 'a\0b' }, 'invalid_option'],
    ['a URL', { directory: new URL('file:///tmp') }, 'invalid_option'],
    ['shared as a text', { directory: 'a', shared: 'yes' }, 'invalid_option'],
    ['a size of 0', { directory: 'a', maxBytes: 0 }, 'invalid_option'],
    ['a misspelt one', { directory: 'a', maxByte: 1 }, 'unknown_option'],
  ])('of the store are checked: %s', (_what, options, code) => {
    const create = createFileAudioStore as (options: unknown) => AudioStore;
    expect(() => create(options)).toThrow(expect.objectContaining({ name: 'BadRequestError', code }));
  });

  it.each<[string, unknown, string]>([
    ['null', null, 'invalid_option'],
    ['a MIME type that is none', { contentType: 'wav\r\nx-header: 1' }, 'invalid_option'],
    ['a signal that is none', { signal: {} }, 'invalid_option'],
    ['a misspelt one', { mimeType: 'audio/wav' }, 'unknown_option'],
  ])('of a put are checked: %s', async (_what, options, code) => {
    const store = createFileAudioStore({ directory: newFolder() });
    const putting = store.put(chunksOf(bytes(10)), options as object);
    await expect(putting).rejects.toMatchObject({ name: 'BadRequestError', code });
  });

  it.each([undefined, null, 'audio', bytes(10), [bytes(10)], {}])(
    'of a put: %s is no audio',
    async (audio) => {
      const store = createFileAudioStore({ directory: newFolder() });
      await expect(store.put(audio as AsyncIterable<Uint8Array>)).rejects.toMatchObject({
        name: 'UnsupportedSourceError',
        code: 'unsupported_source',
      });
    },
  );

  it('set the largest audio', async () => {
    const directory = newFolder();
    const store = createFileAudioStore({ directory, maxBytes: 1000 });
    const { ref } = await store.put(chunksOf(bytes(600), bytes(400)));
    await expect(store.put(chunksOf(bytes(600), bytes(401)))).rejects.toMatchObject({
      name: 'StorageError',
      code: 'payload_too_large',
      retryable: false,
    });
    expect(readdirSync(directory)).toEqual([ref]);
  });
});
