import type { AudioStore } from '../../contracts/audio-store.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { defined } from '../../internal/defined.js';
import { checkAdapter } from '../../internal/validate.js';
import { openSealedAudio, sealAudio } from './audio-streams.js';
import { type EncryptionKeys, KeyRing } from './key-ring.js';

/**
 * An audio store that keeps its audio encrypted in another one.
 *
 * Audio goes through in segments of 64 KiB, each of which is authenticated before any of its bytes are let out.
 * Audio that was changed, cut off or added to, or that was written with a key which is not among the keys, fails while
 * it is read, with a StorageError `decryption_failed`: what came before is authentic, and is not all of it.
 *
 * In clear text are the ref, the name of the key, and how long the audio is. The inner store gets no content type.
 * Whoever can write to it can delete audio, and can put one whole audio in the place of another.
 *
 * It gives no URLs: what is there cannot be understood by anybody else. Audio that was put before without
 * encryption cannot be opened: let the queue run empty first. Audio does not outlive its job, so it is not written
 * again for a new key: keep the old key for as long as jobs wait that were enqueued with it.
 *
 * @throws BadRequestError where an option is wrong. No message holds a key.
 */
export function encryptAudioStore(store: AudioStore, keys: EncryptionKeys): AudioStore {
  checkAdapter('store', store ?? null, ['put', 'open', 'delete']);
  const ring = new KeyRing('encryptAudioStore()', keys);
  return {
    capabilities: store.capabilities,
    async put(audio, options = {}) {
      checkOptions('put()', options, ['contentType', 'signal']);
      const { contentType: _ofPlainAudio, ...rest } = options;
      let sizeBytes = 0;
      const sealed = sealAudio(audio, ring, (bytes) => {
        sizeBytes += bytes;
      });
      const kept = await store.put(sealed, rest);
      return { ...kept, sizeBytes };
    },
    open: async (ref) => openSealedAudio(await store.open(ref), ring, `The audio ${ref}`),
    delete: async (ref) => store.delete(ref),
    ...defined({
      purge: store.purge?.bind(store),
      health: store.health?.bind(store),
      close: store.close?.bind(store),
    }),
  };
}
