import { type AudioStore, StorageError } from 'transcription-client';
import { describe, expect, it } from 'vitest';
import { guardAudioStore } from '../../src/guarded-audio-store.js';
import { failureOf } from '../support/client.js';

const REF = 'aud_00000000000000000000000000000000';

function storeOf(fail: () => never): Required<Omit<AudioStore, 'close'>> {
  return {
    capabilities: { shared: true, durable: true },
    put: fail,
    open: fail,
    delete: fail,
    url: fail,
    purge: fail,
    health: fail,
  };
}

async function* noAudio(): AsyncGenerator<Uint8Array> {}

const CALLS: Record<string, (store: AudioStore) => Promise<unknown> | undefined> = {
  put: (store) => store.put(noAudio()),
  open: (store) => store.open(REF),
  delete: (store) => store.delete(REF),
  url: (store) => store.url?.(REF, { expiresInSeconds: 1 }),
  purge: (store) => store.purge?.({ createdBefore: '2026-01-01T00:00:00.000Z' }),
  health: (store) => store.health?.(),
};

describe('a guarded audio store', () => {
  it.each(Object.keys(CALLS))('makes what %s throws a typed error, and passes on ours', async (member) => {
    const call = CALLS[member] as (store: AudioStore) => Promise<unknown>;
    const foreign = new Error('gone');
    const throwing = guardAudioStore(
      storeOf(() => {
        throw foreign;
      }),
    );
    expect(throwing.capabilities).toEqual({ shared: true, durable: true });
    const error = await failureOf(call(throwing));
    expect(error).toMatchObject({ name: 'StorageError', code: 'storage_failed', retryable: true });
    expect(error.cause).toBe(foreign);
    const own = new StorageError('No room.', { code: 'storage_full' });
    const refusing = guardAudioStore(storeOf((() => Promise.reject(own)) as () => never));
    expect(await failureOf(call(refusing))).toBe(own);
  });

  it('makes an error while the audio is read a typed one, and closes what was opened', async () => {
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1);
      throw new Error('connection lost');
    }
    const reasons: unknown[] = [];
    const opened = {
      chunks: breaking(),
      sizeBytes: 2,
      close: async (reason: unknown) => void reasons.push(reason),
    };
    const store = guardAudioStore({ ...storeOf(undefined as never), open: async () => opened });
    const audio = await store.open(REF);
    expect(audio.sizeBytes).toBe(2);
    const reading = (async () => {
      for await (const chunk of audio.chunks) expect(chunk).toHaveLength(1);
    })();
    expect(await failureOf(reading)).toMatchObject({ code: 'storage_failed', retryable: true });
    await audio.close('done');
    expect(reasons).toEqual(['done']);
  });

  it('has the optional members that the store has, bound to it', async () => {
    class Store implements AudioStore {
      readonly capabilities = { shared: false, durable: false };
      readonly #seconds = 7;
      put = () => Promise.reject(new Error());
      open = () => Promise.reject(new Error());
      delete = async () => false;
      async url(ref: string): Promise<string> {
        return `https://example.com/${ref}?${this.#seconds}`;
      }
    }
    const store = guardAudioStore(new Store());
    expect([store.purge, store.health, store.close]).toEqual([undefined, undefined, undefined]);
    expect(await store.url?.('a', { expiresInSeconds: 1 })).toBe('https://example.com/a?7');
  });
});
