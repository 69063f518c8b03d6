import { equal, fail, ok } from 'node:assert/strict';
import { get } from 'node:http';
import { get as getSecurely } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AudioStore } from '../../contracts/audio-store.js';
import { StorageError } from '../../errors/index.js';
import {
  type AudioStoreClause,
  bytes,
  clear,
  failureOf,
  isGone,
  purge,
  put,
  readRef,
  sameBytes,
  UNKNOWN_REF,
} from './audio-store-samples.js';

const SECOND_MS = 1000;

/** The clocks that files are dated with run a little behind. */
const BEHIND_MS = 50;

/** A whole second between what was and what comes: some stores date their audio no finer. */
async function nextSecond(): Promise<string> {
  const at = (Math.floor(Date.now() / SECOND_MS) + 1) * SECOND_MS;
  while (Date.now() < at + BEHIND_MS) await sleep(at + BEHIND_MS - Date.now());
  return new Date(at).toISOString();
}

function health(store: AudioStore): Promise<void> {
  return store.health === undefined ? fail('no health()') : store.health();
}

function url(store: AudioStore, ref: string): Promise<string> {
  return store.url === undefined ? fail('no url()') : store.url(ref, { expiresInSeconds: 60 });
}

/** Like Deepgram: without anything but the URL. */
function download(address: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const fetching = address.startsWith('https:') ? getSecurely(address) : get(address);
    fetching.once('error', reject).once('response', async (response) => {
      try {
        equal(response.statusCode, 200);
        resolve(Buffer.concat(await response.toArray()));
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** The members that a store may have. */
export const memberClauses: readonly AudioStoreClause[] = [
  {
    rule: 'audio-store 29: purge deletes what was put before the time, and tells how much that was',
    needs: ['purge'],
    async check({ adapter }) {
      const old = [await put(adapter, bytes(10)), await put(adapter, bytes(20))];
      const createdBefore = await nextSecond();
      const { ref } = await put(adapter, bytes(30));
      equal(await purge(adapter, createdBefore), 2);
      for (const gone of old) await isGone(adapter, gone.ref);
      sameBytes(await readRef(adapter, ref), bytes(30));
      equal(await purge(adapter, createdBefore), 0);
    },
  },
  {
    rule: 'audio-store 30: a purge without a time, or with one of another form, is refused and deletes nothing',
    needs: ['purge'],
    async check({ adapter }) {
      await put(adapter, bytes(10));
      const wrong = [
        undefined,
        null,
        '',
        'yesterday',
        '2999',
        '2999-01-01',
        Number.POSITIVE_INFINITY,
        new Date(),
      ];
      const queries: unknown[] = [
        undefined,
        null,
        {},
        { before: '2999-01-01T00:00:00.000Z' },
        ...wrong.map((createdBefore) => ({ createdBefore })),
      ];
      for (const query of queries) {
        const error = await failureOf((async () => adapter.purge?.(query as { createdBefore: string }))());
        ok(error instanceof StorageError, `no StorageError but ${String(error)}`);
        equal(error.code, 'invalid_option');
      }
      equal(await clear(adapter), 1);
    },
  },
  {
    rule: 'audio-store 31: health resolves before the first put and after it, also twice at the same time',
    needs: ['health'],
    async check({ adapter }) {
      equal(await health(adapter), undefined);
      await put(adapter, bytes(10));
      await Promise.all([health(adapter), health(adapter)]);
    },
  },
  {
    rule: 'audio-store 32: health leaves nothing',
    needs: ['health', 'purge'],
    async check({ adapter }) {
      await health(adapter);
      await health(adapter);
      equal(await clear(adapter), 0);
    },
  },
  {
    rule: 'audio-store 33: anybody fetches the audio from its URL',
    needs: ['url'],
    async check({ adapter }) {
      const audio = bytes(300_000);
      const { ref } = await put(adapter, audio);
      const address = await url(adapter, ref);
      sameBytes(await download(address), audio);
      sameBytes(await download(address), audio, 'the audio fetched again');
    },
  },
  {
    rule: 'audio-store 34: there is no URL of audio that is not there',
    needs: ['url'],
    async check({ adapter }) {
      const { ref } = await put(adapter, bytes(10));
      await adapter.delete(ref);
      for (const none of [UNKNOWN_REF, ref, '', '../x']) {
        const error = await failureOf(url(adapter, none));
        ok(error instanceof StorageError, `no StorageError but ${String(error)}`);
        equal(error.code, 'audio_not_found');
      }
    },
  },
];
