import { StorageError } from '../../src/errors/index.js';
import { isIsoTime } from '../../src/internal/iso-time.js';
import type { AudioStoreContractOptions } from '../../src/testing/contract/audio-store.js';
import { type AudioBackend, broken, piecesOf } from './broken-audio-store.js';
import type { BrokenAdapter } from './prove-rules.js';

const REF = /^aud_[0-9a-f]{32}$/;

/** Each violates the one rule that it stands under. */
export const brokenAudioMembers: Readonly<Record<string, BrokenAdapter<AudioStoreContractOptions>>> = {
  'audio-store 9': broken((inner) => ({
    async open(ref) {
      const { sizeBytes = 0, ...opened } = await inner.open(ref);
      return { ...opened, sizeBytes: Math.max(sizeBytes, 2) };
    },
  })),
  'audio-store 11': broken((inner, backend) => {
    // One place for all that read the same audio.
    const readers = new Map<string, AsyncGenerator<Uint8Array>>();
    return {
      async open(ref) {
        const opened = await inner.open(ref);
        const reader = readers.get(ref) ?? piecesOf(backend.find(ref).bytes);
        readers.set(ref, reader);
        return {
          ...opened,
          chunks: { [Symbol.asyncIterator]: () => ({ next: () => reader.next() }) },
          async close() {
            readers.delete(ref);
          },
        };
      },
    };
  }),
  'audio-store 12': broken((inner) => ({
    async open(ref) {
      const opened = await inner.open(ref);
      let isClosed = false;
      return {
        ...opened,
        async close() {
          if (isClosed) throw new Error('closed twice');
          isClosed = true;
        },
      };
    },
  })),
  'audio-store 15': broken((inner, backend) => ({
    async open(ref) {
      const isUnknown = REF.test(ref) && !backend.kept.has(ref) && ref.includes('0123456789abcdef');
      if (isUnknown) throw new StorageError('No such file.', { code: 'storage_failed' });
      return inner.open(ref);
    },
  })),
  'audio-store 16': broken((inner) => ({
    // A path that leads back to the audio is that audio.
    open: async (ref) => inner.open(typeof ref === 'string' ? (ref.split('/').at(-1) ?? ref) : ref),
  })),
  'audio-store 17': broken((inner) => ({
    delete: async (ref) => inner.delete(typeof ref === 'string' ? ref.trim() : ref),
  })),
  'audio-store 18': broken((inner) => {
    const deleted = new Set<string>();
    return {
      // Says true for as long as it remembers.
      async delete(ref) {
        const wasThere = await inner.delete(ref);
        if (wasThere) deleted.add(ref);
        return deleted.has(ref);
      },
    };
  }),
  'audio-store 27': owning(),
  'audio-store 28': broken((inner, backend) => ({
    async close() {
      backend.kept.clear();
      await inner.close();
    },
  })),
  'audio-store 29': broken((inner) => ({
    // Takes what was put within the last second for older.
    purge: (query) =>
      inner.purge(withTime(query, (time) => (isIsoTime(time) ? later(time, 1000) : (time as string)))),
  })),
  'audio-store 30': broken((inner) => ({
    // Takes whatever may be a date for one.
    purge: (query) => inner.purge(withTime(query, (time) => later(time, 0))),
  })),
  'audio-store 31': broken((inner, backend) => ({
    async health() {
      if (backend.kept.size > 0) throw new StorageError('Not now.', { code: 'storage_unavailable' });
      await inner.health();
    },
  })),
  'audio-store 32': broken((_inner, backend) => ({
    async health() {
      backend.keep(new Uint8Array(1));
    },
  })),
  'audio-store 33': broken((inner) => ({
    url: async (ref, options) => (await inner.url(ref, options)).slice(0, -1),
  })),
  'audio-store 34': broken((inner, backend) => ({
    url: async (ref, options) =>
      backend.kept.has(ref) ? inner.url(ref, options) : `http://127.0.0.1:9/${ref}`,
  })),
};

/** Audio is its store's own until that is closed. */
function owning(): AudioStoreContractOptions {
  const owners = new WeakMap<AudioBackend, Map<string, object>>();
  return broken((inner, backend) => {
    const owner = {};
    const owned = owners.get(backend) ?? new Map<string, object>();
    owners.set(backend, owned);
    return {
      async put(audio, options) {
        const stored = await inner.put(audio, options);
        owned.set(stored.ref, owner);
        return stored;
      },
      async open(ref) {
        if ((owned.get(ref) ?? owner) !== owner) {
          throw new StorageError('Not yours.', { code: 'audio_not_found' });
        }
        return inner.open(ref);
      },
      async close() {
        for (const [ref, itsOwner] of owned) if (itsOwner === owner) owned.delete(ref);
        await inner.close();
      },
    };
  });
}

type Query = { readonly createdBefore: string };

function withTime(query: Query, change: (time: unknown) => string): Query {
  return { ...query, createdBefore: change(query?.createdBefore) };
}

/** The time by so much later, in the form that the contract asks for; what is no time stays none. */
function later(time: unknown, ms: number): string {
  const date = new Date(time as string);
  const isTime = time !== null && !Number.isNaN(date.getTime());
  return isTime ? new Date(date.getTime() + ms).toISOString() : String(time);
}
