import { randomBytes } from 'node:crypto';
import type { AudioStore, OpenedAudio, RecordInput, StorageAdapter } from 'transcription-client';
import { UnsupportedSourceError } from 'transcription-client';
import { expect } from 'vitest';
import type { EncryptionKeys } from '../../src/adapters/encryption/index.js';
import { StorageError } from '../../src/errors/index.js';
import { raceAbort, throwIfAborted } from '../../src/internal/abort.js';
import { createId } from '../../src/internal/ids.js';
import { shown } from '../support/leaks.js';

export const OLD_KEY = randomBytes(32);
export const NEW_KEY = randomBytes(32);
export const oldKeys: EncryptionKeys = { current: 'old', keys: { old: OLD_KEY } };
/** Both can be read. */
export const newKeys: EncryptionKeys = { current: 'new', keys: { old: OLD_KEY, new: NEW_KEY } };

export function record(id: string, rest: Partial<RecordInput> = {}): RecordInput {
  return {
    collection: 'jobs',
    id,
    status: 'completed',
    createdAt: '2026-01-01T00:00:00.000Z',
    data: { id },
    ...rest,
  };
}

/** The same bytes as text in every way that something may print them. */
function textsOf(key: Uint8Array): string[] {
  const bytes = Buffer.from(key);
  const texts = (['hex', 'base64', 'base64url', 'latin1'] as const).map((encoding) =>
    bytes.toString(encoding),
  );
  const numbers = [...bytes];
  const spacedHex = numbers.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return [...texts, spacedHex, numbers.join(','), numbers.slice(0, 8).join(', ')];
}

export function expectNoKeys(value: unknown, keys: readonly Uint8Array[] = [OLD_KEY, NEW_KEY]): void {
  const text = shown(value);
  for (const secret of keys.flatMap(textsOf)) expect(text.includes(secret)).toBe(false);
}

/** Hands out the error, which holds no key. */
export async function failureOf(run: () => Promise<unknown>): Promise<unknown> {
  const error = await run().then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expectNoKeys(error);
  return error;
}

export async function expectRefused(run: () => Promise<unknown>, what = ''): Promise<StorageError> {
  const error = await failureOf(run);
  expect(error, what).toBeInstanceOf(StorageError);
  expect((error as StorageError).code, what).toBe('decryption_failed');
  return error as StorageError;
}

interface TestAudioStore extends AudioStore {
  /** What is stored, by ref. */
  readonly files: Map<string, Uint8Array>;
  /** Opened audio that was not closed. */
  readonly opened: Set<object>;
}

/** The size of the chunks is given, and has nothing to do with what was written. */
export function createTestAudioStore(chunkSize = 10_000): TestAudioStore {
  const files = new Map<string, Uint8Array>();
  const opened = new Set<object>();
  return {
    capabilities: { shared: false, durable: false },
    files,
    opened,
    async put(audio, { signal } = {}) {
      const parts: Uint8Array[] = [];
      const iterator = audio[Symbol.asyncIterator]();
      try {
        for (;;) {
          throwIfAborted(signal);
          const step = await raceAbort(iterator.next(), signal);
          if (step.done === true) break;
          parts.push(Uint8Array.from(step.value));
        }
      } catch (error) {
        await iterator.return?.();
        throw error;
      }
      const bytes = Buffer.concat(parts);
      if (bytes.byteLength === 0) throw new UnsupportedSourceError('No bytes.', { code: 'empty_source' });
      const ref = createId('aud');
      files.set(ref, bytes);
      return { ref, sizeBytes: bytes.byteLength };
    },
    async open(ref) {
      const bytes = files.get(ref);
      if (bytes === undefined) throw new StorageError('No such audio.', { code: 'audio_not_found' });
      const token = {};
      opened.add(token);
      return {
        chunks: cut(bytes, chunkSize),
        sizeBytes: bytes.byteLength,
        close: async () => void opened.delete(token),
      };
    },
    delete: async (ref) => files.delete(ref),
    purge: async () => files.size,
    health: async () => undefined,
    close: async () => files.clear(),
  };
}

/** All chunks in one buffer, which the next one overwrites. */
export async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(size);
  for (let offset = 0; offset < bytes.byteLength; offset += size) {
    const part = bytes.subarray(offset, offset + size);
    buffer.set(part);
    yield buffer.subarray(0, part.byteLength);
  }
}

/** All that an opened audio delivers. */
export async function bytesOf(opened: OpenedAudio): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of opened.chunks) parts.push(Uint8Array.from(chunk));
  return Buffer.concat(parts);
}

/** Each call takes some turns of the event loop, so that others come in between. */
export function slow(inner: StorageAdapter, random = (): number => 0.5): StorageAdapter {
  const wait = async (): Promise<void> => {
    for (let turns = Math.floor(random() * 4); turns > 0; turns--) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  };
  return {
    ...inner,
    async get(...parameters) {
      await wait();
      return inner.get(...parameters);
    },
    async put(...parameters) {
      await wait();
      return inner.put(...parameters);
    },
    async list(...parameters) {
      await wait();
      return inner.list(...parameters);
    },
  };
}
