import { equal, ok } from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import type { AudioStore } from '../../contracts/audio-store.js';
import { AbortedError, UnsupportedSourceError } from '../../errors/index.js';
import {
  type AudioStoreClause,
  bytes,
  chunksOf,
  clear,
  failureOf,
  standingStill,
  type WatchedSource,
  watched,
} from './audio-store-samples.js';
import type { SuiteTime } from './time.js';

/** What an abort may take. It is to be heard at once, but a store may be at the other end of a network. */
const ABORT_MS = 1000;

/** Audio of more than one piece for most stores, so that some of it is written when it fails. */
function begun(): Uint8Array[] {
  return [bytes(1000), new Uint8Array(6 * 1024 * 1024), bytes(1000)];
}

/** Aborts when the source was read to where it stands still. */
async function putAborted(store: AudioStore, source: WatchedSource, time: SuiteTime): Promise<unknown> {
  const controller = new AbortController();
  const failure = failureOf(store.put(source, { signal: controller.signal }));
  await time.until('the source is read', () => source.asked === begun().length + 1);
  const abortedAt = performance.now();
  controller.abort();
  const error = await failure;
  ok(performance.now() - abortedAt < ABORT_MS, `the abort was heard within ${ABORT_MS} ms`);
  return error;
}

/** Puts that fail. */
export const failureClauses: readonly AudioStoreClause[] = [
  {
    rule: 'audio-store 19: audio without a single byte is refused with empty_source',
    async check({ adapter }) {
      for (const empty of [[], [new Uint8Array()], [new Uint8Array(), new Uint8Array()]]) {
        const error = await failureOf(adapter.put(chunksOf(...empty)));
        ok(error instanceof UnsupportedSourceError, `no UnsupportedSourceError but ${String(error)}`);
        equal(error.code, 'empty_source');
      }
    },
  },
  {
    rule: 'audio-store 20: a source that fails, at once or later, rejects the put with its own error',
    async check({ adapter }) {
      for (const chunks of [[], begun()]) {
        const broken = new Error('the microphone broke');
        const source = watched(chunks, () => Promise.reject(broken));
        equal(await failureOf(adapter.put(source)), broken);
      }
    },
  },
  {
    rule: 'audio-store 21: empty audio, and audio whose source failed, leaves nothing',
    needs: ['purge'],
    async check({ adapter }) {
      for (const chunks of [[], begun().slice(0, 1), begun()]) {
        await failureOf(adapter.put(watched(chunks, () => Promise.reject(new Error('broken')))));
      }
      await failureOf(adapter.put(chunksOf()));
      equal(await clear(adapter), 0);
    },
  },
  {
    rule: 'audio-store 22: an abort rejects the put with an AbortedError within a second, also where the source stands still',
    async check({ adapter, time }) {
      const error = await putAborted(adapter, standingStill(...begun()), time);
      ok(error instanceof AbortedError, `no AbortedError but ${String(error)}`);
    },
  },
  {
    rule: 'audio-store 23: a put whose signal has aborted rejects with an AbortedError and reads nothing',
    async check({ adapter }) {
      const source = watched([bytes(10)], () => Promise.reject(new Error('it was read')));
      const error = await failureOf(adapter.put(source, { signal: AbortSignal.abort() }));
      ok(error instanceof AbortedError, `no AbortedError but ${String(error)}`);
      equal(source.asked, 0);
    },
  },
  {
    rule: 'audio-store 24: an aborted put lets go of its source',
    async check({ adapter, time }) {
      const source = standingStill(...begun());
      await putAborted(adapter, source, time);
      await time.until('the source is returned', () => source.isReturned);
    },
  },
  {
    rule: 'audio-store 25: an aborted put leaves nothing',
    needs: ['purge'],
    async check({ adapter, time }) {
      await putAborted(adapter, standingStill(...begun()), time);
      equal(await clear(adapter), 0);
    },
  },
  {
    rule: 'audio-store 26: a signal that aborts after the put changes nothing',
    async check({ adapter }) {
      const controller = new AbortController();
      const { ref } = await adapter.put(chunksOf(bytes(1000)), { signal: controller.signal });
      controller.abort();
      await (await adapter.open(ref)).close();
    },
  },
];
