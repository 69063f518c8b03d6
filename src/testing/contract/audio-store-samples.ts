import { equal, fail, ok } from 'node:assert/strict';
import type { OpenedAudio } from '../../contracts/audio-source.js';
import type { AudioStore, StoredAudio } from '../../contracts/audio-store.js';
import { StorageError } from '../../errors/index.js';
import type { Clause, Subject } from './runner.js';

export type AudioStoreClause = Clause<Subject<AudioStore>>;

export const REF = /^aud_[0-9a-f]{32}$/;

/** Looks like a ref, and no store has it. */
export const UNKNOWN_REF = `aud_${'0123456789abcdef'.repeat(2)}`;

/** Bytes of which no two long stretches are alike, so that nothing is left out or exchanged unseen. */
export function bytes(length: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed;
  for (let index = 0; index < words.length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = state;
  }
  return new Uint8Array(words.buffer.slice(0, length));
}

export async function* chunksOf(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield chunk;
}

export function put(store: AudioStore, audio: Uint8Array): Promise<StoredAudio> {
  return store.put(chunksOf(audio));
}

/** All that an opened audio delivers. */
export async function read({ chunks, close }: OpenedAudio): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  try {
    for await (const chunk of chunks) parts.push(chunk);
  } finally {
    await close();
  }
  return Buffer.concat(parts);
}

export async function readRef(store: AudioStore, ref: string): Promise<Uint8Array> {
  return read(await store.open(ref));
}

/** Compares without printing what is compared. */
export function sameBytes(actual: Uint8Array, expected: Uint8Array, what = 'the audio'): void {
  equal(actual.byteLength, expected.byteLength, `${what}: its length`);
  ok(Buffer.compare(actual, expected) === 0, `${what}: its bytes`);
}

export async function isGone(store: AudioStore, ref: string): Promise<void> {
  const error = await failureOf(store.open(ref));
  ok(error instanceof StorageError, `no StorageError but ${String(error)}`);
  equal(error.code, 'audio_not_found');
}

/** What the promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  const settled = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  return settled === undefined ? fail('it resolved') : settled.error;
}

/** Deletes all audio of a store that can purge, and tells how much there was. */
export async function clear(store: AudioStore): Promise<number> {
  return purge(store, '9999-01-01T00:00:00.000Z');
}

export async function purge(store: AudioStore, createdBefore: string): Promise<number> {
  return store.purge === undefined ? fail('no purge()') : store.purge({ createdBefore });
}

export interface WatchedSource extends AsyncIterable<Uint8Array> {
  /** How often it was asked for a chunk. */
  readonly asked: number;
  /** It was let go of before its end. */
  readonly isReturned: boolean;
}

/** A source that gives the chunks, and then does what `then` does. */
export function watched(chunks: readonly Uint8Array[], then: () => Promise<never>): WatchedSource {
  let asked = 0;
  let isReturned = false;
  return {
    get asked() {
      return asked;
    },
    get isReturned() {
      return isReturned;
    },
    [Symbol.asyncIterator]: () => ({
      async next() {
        const value = chunks[asked++];
        return value === undefined ? then() : { done: false, value };
      },
      async return() {
        isReturned = true;
        return { done: true, value: undefined };
      },
    }),
  };
}

/** A source that stands still after its chunks. */
export function standingStill(...chunks: Uint8Array[]): WatchedSource {
  return watched(chunks, () => new Promise(() => undefined));
}
