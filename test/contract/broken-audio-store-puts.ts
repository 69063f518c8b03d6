import { AbortedError, StorageError, TranscriptionError } from '../../src/errors/index.js';
import type { AudioStoreContractOptions } from '../../src/testing/contract/audio-store.js';
import { type Audio, type AudioBackend, broken, collect } from './broken-audio-store.js';
import type { BrokenAdapter } from './prove-rules.js';

/** Keeps the bytes that `keep` makes of the audio. */
function keeping(keep: (audio: Audio, signal: AbortSignal | undefined) => Promise<Uint8Array>) {
  return broken((_inner, backend) => ({
    async put(audio, { signal } = {}) {
      const bytes = await keep(audio, signal);
      return { ref: backend.keep(bytes), sizeBytes: bytes.byteLength };
    },
  }));
}

/** Changes what the source delivers before a sound store gets it. */
function reading(change: (audio: Audio) => Audio) {
  return broken((inner) => ({ put: (audio, options) => inner.put(change(audio), options) }));
}

interface FailedPut {
  readonly backend: AudioBackend;
  /** Its signal had aborted before. */
  readonly wasAborted: boolean;
}

/** Rejects with what `change` makes of the error of a put. */
function failing(change: (error: unknown, put: FailedPut) => unknown) {
  return broken((inner, backend) => ({
    async put(audio, options) {
      const wasAborted = options?.signal?.aborted === true;
      try {
        return await inner.put(audio, options);
      } catch (error) {
        throw change(error, { backend, wasAborted });
      }
    },
  }));
}

/** The audio, whose chunks go through a function, and which lets go as it is let go of. */
function mapped(audio: Audio, map: (chunk: Uint8Array) => Uint8Array): Audio {
  return {
    [Symbol.asyncIterator]() {
      const iterator = audio[Symbol.asyncIterator]();
      return {
        async next() {
          const step = await iterator.next();
          return step.done ? step : { done: false, value: map(step.value) };
        },
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}

/** All copies of the chunks, one by one. */
async function chunksOf(audio: Audio, signal: AbortSignal | undefined): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  await collect(
    mapped(audio, (chunk) => {
      chunks.push(Uint8Array.from(chunk));
      return chunk;
    }),
    signal,
  );
  return chunks;
}

const MEBIBYTE = 1024 * 1024;

/** Each violates the one rule that it stands under. */
export const brokenAudioPuts: Readonly<Record<string, BrokenAdapter<AudioStoreContractOptions>>> = {
  'audio-store 1': broken(() => ({ capabilities: { shared: true, durable: false } })),
  'audio-store 2': keeping(async (audio, signal) => {
    const bytes = await collect(audio, signal);
    // What is text to it loses what is none.
    return bytes.byteLength === 1024 ? Buffer.from(Buffer.from(bytes).toString('utf8')) : bytes;
  }),
  'audio-store 3': keeping(async (audio, signal) => {
    const chunks = await chunksOf(audio, signal);
    return Buffer.concat(chunks.length > 1000 ? chunks.reverse() : chunks);
  }),
  'audio-store 4': reading((audio) =>
    mapped(audio, (chunk) => (chunk.byteLength > 8 * MEBIBYTE ? chunk.subarray(0, -1) : chunk)),
  ),
  'audio-store 5': reading((audio) =>
    mapped(audio, (chunk) => (chunk.buffer.byteLength === 3000 ? new Uint8Array(chunk.buffer) : chunk)),
  ),
  'audio-store 6': broken((inner) => ({
    async put(audio, options) {
      const chunks: Uint8Array[] = [];
      const { ref, sizeBytes } = await inner.put(
        mapped(audio, (chunk) => {
          chunks.push(chunk);
          return chunk;
        }),
        options,
      );
      if (chunks.length !== 3 || chunks[0] !== chunks[1]) return { ref, sizeBytes };
      return inner.put(
        (async function* () {
          yield* chunks;
        })(),
      );
    },
  })),
  'audio-store 7': keeping(async (audio, signal) => {
    const chunks = await chunksOf(audio, signal);
    const end = chunks.findIndex((chunk, index) => index > 0 && chunk.byteLength === 0);
    return Buffer.concat(end === -1 ? chunks : chunks.slice(0, end));
  }),
  'audio-store 8': broken((inner) => ({
    async put(audio, options) {
      const { ref, sizeBytes } = await inner.put(audio, options);
      return { ref, sizeBytes: sizeBytes > 100_000 ? 100_000 : sizeBytes };
    },
  })),
  'audio-store 10': broken((_inner, backend) => {
    let underWay = 0;
    return {
      async put(audio, { signal } = {}) {
        underWay += 1;
        const others = underWay - 1;
        try {
          const bytes = await collect(audio, signal);
          // One buffer for all that is under way.
          return { ref: backend.keep(others > 10 ? bytes.fill(0) : bytes), sizeBytes: bytes.byteLength };
        } finally {
          underWay -= 1;
        }
      },
    };
  }),
  'audio-store 13': broken((inner, backend) => ({
    async put(audio, options) {
      const { ref, sizeBytes } = await inner.put(audio, options);
      if (sizeBytes !== 10) return { ref, sizeBytes };
      const kept = backend.find(ref);
      backend.kept.delete(ref);
      const other = ref.replace('aud_', 'audio_');
      backend.kept.set(other, kept);
      return { ref: other, sizeBytes };
    },
  })),
  'audio-store 14': broken((inner, backend) => ({
    // Says the same for the same audio, as a store does that names audio by its content.
    async put(audio, options) {
      const { ref, sizeBytes } = await inner.put(audio, options);
      if (sizeBytes !== 1000) return { ref, sizeBytes };
      const { bytes } = backend.find(ref);
      const same = [...backend.kept].find(
        ([other, kept]) => other !== ref && Buffer.compare(kept.bytes, bytes) === 0,
      );
      if (same === undefined) return { ref, sizeBytes };
      backend.kept.delete(ref);
      return { ref: same[0], sizeBytes };
    },
  })),
  'audio-store 19': failing((error) =>
    (error as { code?: unknown }).code === 'empty_source'
      ? new StorageError('No audio.', { code: 'storage_failed' })
      : error,
  ),
  'audio-store 20': failing((error) =>
    TranscriptionError.isInstance(error)
      ? error
      : new StorageError('The source failed.', { code: 'storage_failed', cause: error }),
  ),
  'audio-store 21': failing((error, { backend }) => {
    if (!(error instanceof AbortedError)) backend.keep(new Uint8Array(1));
    return error;
  }),
  'audio-store 22': failing((error, { wasAborted }) =>
    error instanceof AbortedError && !wasAborted ? new Error('Aborted.') : error,
  ),
  'audio-store 23': broken((inner) => ({
    async put(audio, options) {
      if (options?.signal?.aborted) await audio[Symbol.asyncIterator]().next();
      return inner.put(audio, options);
    },
  })),
  'audio-store 24': reading((audio) => ({
    [Symbol.asyncIterator]() {
      const iterator = audio[Symbol.asyncIterator]();
      return { next: () => iterator.next() };
    },
  })),
  'audio-store 25': failing((error, { backend }) => {
    if (error instanceof AbortedError) backend.keep(new Uint8Array(1));
    return error;
  }),
  'audio-store 26': broken((inner) => ({
    async put(audio, options) {
      const stored = await inner.put(audio, options);
      options?.signal?.addEventListener('abort', () => void inner.delete(stored.ref));
      return stored;
    },
  })),
};
