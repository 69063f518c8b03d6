import { deepEqual, equal, fail } from 'node:assert/strict';
import {
  type AudioStoreClause,
  bytes,
  chunksOf,
  put,
  read,
  readRef,
  sameBytes,
} from './audio-store-samples.js';

const MEBIBYTE = 1024 * 1024;

/** Larger than what most stores take in one piece. */
const LARGE = 9 * MEBIBYTE + 1;

/** What was put is what is opened. */
export const byteClauses: readonly AudioStoreClause[] = [
  {
    rule: 'audio-store 2: audio comes back as it was put, whatever the values of its bytes',
    async check({ adapter }) {
      const audio = Uint8Array.from({ length: 1024 }, (_, index) => (index < 512 ? index : 1023 - index));
      const { ref } = await put(adapter, audio);
      sameBytes(await readRef(adapter, ref), audio);
    },
  },
  {
    rule: 'audio-store 3: many small chunks come back in their order',
    async check({ adapter }) {
      const chunks = Array.from({ length: 2000 }, (_, index) => bytes(1 + (index % 97), index));
      const { ref } = await adapter.put(chunksOf(...chunks));
      sameBytes(await readRef(adapter, ref), Buffer.concat(chunks));
    },
  },
  {
    rule: 'audio-store 4: one chunk of 9 MiB comes back whole',
    async check({ adapter }) {
      const audio = bytes(LARGE);
      const { ref } = await put(adapter, audio);
      sameBytes(await readRef(adapter, ref), audio);
    },
  },
  {
    rule: 'audio-store 5: a chunk that is a part of a larger buffer is that part alone',
    async check({ adapter }) {
      const buffer = bytes(3000);
      const { ref } = await put(adapter, buffer.subarray(1000, 2000));
      sameBytes(await readRef(adapter, ref), buffer.slice(1000, 2000));
    },
  },
  {
    rule: 'audio-store 6: a source may use the buffer of a chunk again when it is asked for the next one',
    async check({ adapter }) {
      const buffer = new Uint8Array(1000);
      const { ref } = await adapter.put(
        (async function* () {
          for (const seed of [1, 2, 3]) {
            buffer.set(bytes(1000, seed));
            yield buffer;
          }
        })(),
      );
      sameBytes(await readRef(adapter, ref), Buffer.concat([1, 2, 3].map((seed) => bytes(1000, seed))));
    },
  },
  {
    rule: 'audio-store 7: chunks without a byte, first, last and among others, are nothing',
    async check({ adapter }) {
      const none = new Uint8Array();
      const { ref, sizeBytes } = await adapter.put(
        chunksOf(none, bytes(10, 1), none, none, bytes(10, 2), none),
      );
      equal(sizeBytes, 20);
      sameBytes(await readRef(adapter, ref), Buffer.concat([bytes(10, 1), bytes(10, 2)]));
    },
  },
  {
    rule: 'audio-store 8: put tells the size of the audio',
    async check({ adapter }) {
      equal((await put(adapter, bytes(1))).sizeBytes, 1);
      equal((await adapter.put(chunksOf(bytes(100_000), bytes(23)))).sizeBytes, 100_023);
    },
  },
  {
    rule: 'audio-store 9: an opened audio tells the right size, or none',
    async check({ adapter }) {
      for (const size of [1, 100_023]) {
        const { ref } = await put(adapter, bytes(size));
        const opened = await adapter.open(ref);
        await opened.close();
        if (opened.sizeBytes !== undefined) equal(opened.sizeBytes, size);
      }
    },
  },
  {
    rule: 'audio-store 10: twelve puts at the same time keep their audio apart',
    async check({ adapter }) {
      const audios = Array.from({ length: 12 }, (_, index) => bytes(5000 + index, index));
      const stored = await Promise.all(
        audios.map((audio) => adapter.put(chunksOf(audio.subarray(0, 2000), audio.subarray(2000)))),
      );
      equal(new Set(stored.map(({ ref }) => ref)).size, audios.length);
      for (const [index, { ref }] of stored.entries()) {
        sameBytes(await readRef(adapter, ref), audios[index] ?? fail());
      }
    },
  },
  {
    rule: 'audio-store 11: audio that is opened twice at the same time is whole each time',
    async check({ adapter }) {
      const audio = bytes(600_000);
      const { ref } = await put(adapter, audio);
      const both = await Promise.all([adapter.open(ref), adapter.open(ref)]);
      for (const copy of await Promise.all(both.map(read))) sameBytes(copy, audio);
    },
  },
  {
    rule: 'audio-store 12: opened audio can be closed unread, in the middle, and twice, and is opened anew after that',
    async check({ adapter }) {
      const audio = bytes(600_000);
      const { ref } = await put(adapter, audio);
      const unread = await adapter.open(ref);
      deepEqual([await unread.close(), await unread.close(new Error('no more'))], [undefined, undefined]);
      const begun = await adapter.open(ref);
      for await (const chunk of begun.chunks) {
        sameBytes(chunk, audio.slice(0, chunk.byteLength));
        break;
      }
      deepEqual([await begun.close(), await begun.close()], [undefined, undefined]);
      sameBytes(await readRef(adapter, ref), audio);
    },
  },
];
