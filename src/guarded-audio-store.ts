import type { AudioStore, OpenedAudio } from './contracts/index.js';
import { StorageError, TranscriptionError } from './errors/index.js';

/** An audio store whose failures are typed errors. It has the optional members that the store has. */
export function guardAudioStore(store: AudioStore): AudioStore {
  const guarded: AudioStore = {
    capabilities: store.capabilities,
    put: (audio, options) => guard(() => store.put(audio, options)),
    open: (ref) => guard(async () => guardReading(await store.open(ref))),
    delete: (ref) => guard(() => store.delete(ref)),
  };
  const { url, purge, health } = store;
  if (url !== undefined) guarded.url = (ref, options) => guard(() => url.call(store, ref, options));
  if (purge !== undefined) guarded.purge = (query) => guard(() => purge.call(store, query));
  if (health !== undefined) guarded.health = () => guard(() => health.call(store));
  return guarded;
}

async function guard<Value>(run: () => Promise<Value>): Promise<Value> {
  try {
    return await run();
  } catch (cause) {
    throw toStorageError(cause);
  }
}

/** What was opened may still break off while it is read. */
function guardReading(audio: OpenedAudio): OpenedAudio {
  return { ...audio, chunks: guardChunks(audio.chunks), close: (reason) => audio.close(reason) };
}

async function* guardChunks(chunks: OpenedAudio['chunks']): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (cause) {
    throw toStorageError(cause);
  }
}

function toStorageError(cause: unknown): TranscriptionError {
  if (TranscriptionError.isInstance(cause)) return cause;
  return new StorageError('The audio store failed. The cause says why; try again.', {
    code: 'storage_failed',
    retryable: true,
    cause,
  });
}
