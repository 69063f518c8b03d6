import { equal } from 'node:assert/strict';
import { type AudioStoreClause, bytes, isGone, put, readRef, sameBytes } from './audio-store-samples.js';

/** What holds between stores on the same audio. */
export const sharingClauses: readonly AudioStoreClause[] = [
  {
    rule: 'audio-store 27: what one store puts, another one opens and deletes',
    needs: ['shared'],
    async check({ adapter, another }) {
      const second = await another();
      for (const [here, there] of [
        [adapter, second],
        [second, adapter],
      ] as const) {
        const audio = bytes(100_000);
        const { ref } = await put(here, audio);
        sameBytes(await readRef(there, ref), audio);
        equal(await there.delete(ref), true);
        await isGone(here, ref);
      }
    },
  },
  {
    rule: 'audio-store 28: audio is there again after a close',
    needs: ['durable'],
    async check({ adapter, another, end }) {
      const audio = bytes(100_000);
      const { ref } = await put(adapter, audio);
      await end(adapter);
      sameBytes(await readRef(await another(), ref), audio);
    },
  },
];
