import { equal, match, notEqual } from 'node:assert/strict';
import {
  type AudioStoreClause,
  bytes,
  isGone,
  put,
  REF,
  readRef,
  sameBytes,
  UNKNOWN_REF,
} from './audio-store-samples.js';

/** What is no ref, some of it made of one that is. */
function noRefs(ref: string): unknown[] {
  return [
    '',
    ' ',
    '.',
    '..',
    '../x',
    'aud_..',
    `aud_${'/..'.repeat(10)}`,
    `../${ref}`,
    `./${ref}`,
    `x/../${ref}`,
    `${ref}/`,
    `${ref}\0`,
    `${ref}\n`,
    `${ref}?`,
    ` ${ref}`,
    `${ref}0`,
    ref.slice(0, -1),
    ref.slice(4),
    ref.toUpperCase(),
    `AUD_${ref.slice(4)}`,
    encodeURIComponent(`../${ref}`),
    'x'.repeat(1_000_000),
    `aud_${'0'.repeat(1_000_000)}`,
    undefined,
    null,
    12,
    {},
    [ref],
  ];
}

/** Refs, and what there is no more. */
export const refClauses: readonly AudioStoreClause[] = [
  {
    rule: 'audio-store 13: a ref is aud_ and 32 hexadecimal digits',
    async check({ adapter }) {
      for (let index = 0; index < 20; index++) match((await put(adapter, bytes(10))).ref, REF);
    },
  },
  {
    rule: 'audio-store 14: the same audio put twice has two refs, and each goes by itself',
    async check({ adapter }) {
      const audio = bytes(1000);
      const [first, second] = [await put(adapter, audio), await put(adapter, audio)];
      notEqual(first.ref, second.ref);
      equal(await adapter.delete(first.ref), true);
      sameBytes(await readRef(adapter, second.ref), audio);
    },
  },
  {
    rule: 'audio-store 15: open of a ref that nobody has rejects with audio_not_found',
    async check({ adapter }) {
      await isGone(adapter, UNKNOWN_REF);
      await put(adapter, bytes(10));
      await isGone(adapter, UNKNOWN_REF);
    },
  },
  {
    rule: 'audio-store 16: open of what is no ref rejects with audio_not_found',
    async check({ adapter }) {
      const { ref } = await put(adapter, bytes(10));
      for (const none of noRefs(ref)) await isGone(adapter, none as string);
    },
  },
  {
    rule: 'audio-store 17: delete of a ref that nobody has, or of what is none, is false and deletes nothing',
    async check({ adapter }) {
      const audio = bytes(1000);
      const { ref } = await put(adapter, audio);
      for (const none of [UNKNOWN_REF, ...noRefs(ref)]) equal(await adapter.delete(none as string), false);
      sameBytes(await readRef(adapter, ref), audio);
    },
  },
  {
    rule: 'audio-store 18: delete says true, then false, and open rejects with audio_not_found',
    async check({ adapter }) {
      const { ref } = await put(adapter, bytes(1000));
      equal(await adapter.delete(ref), true);
      equal(await adapter.delete(ref), false);
      await isGone(adapter, ref);
    },
  },
];
