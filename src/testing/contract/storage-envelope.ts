import { deepEqual, equal, rejects } from 'node:assert/strict';
import type { RecordInput, StorageAdapter } from '../../contracts/storage.js';
import { ids, isStorageError, record, type StorageClause, stored, UNSTORABLE } from './storage-samples.js';

const LONGEST = 512;
const LONG_ID = 'x'.repeat(LONGEST);

/** As long as an id may be, some of them 1536 bytes of UTF-8 that no back end can make shorter. */
const LONG_IDS = [LONG_ID, `${'x'.repeat(LONGEST - 1)}y`, hanText(1), hanText(2), '😀'.repeat(LONGEST / 2)];

/** Times, but not as `toISOString()` writes them. */
const ODD_TIMES = [
  ...['', 'yesterday', '2026-01-01', '2026-01-01T00:00:00Z', '2026-01-01 00:00:00.000Z', '1767225600000'],
  ...['2026-01-01T00:00:00.000+00:00', '2026-01-01T00:00:00.000', '2026-01-01T00:00:00.000000Z'],
  ...['2026-02-30T00:00:00.000Z', '2026-01-01T24:00:00.000Z', '2026-01-01t00:00:00.000z'],
];

/** What the envelope of a record can hold. */
export const envelopeClauses: readonly StorageClause[] = [
  {
    rule: 'storage 48: ids of 512 characters of any script are ids like any other',
    async check({ adapter }) {
      for (const [index, id] of LONG_IDS.entries()) {
        equal(await adapter.put(record(id, { data: index }), { expectedVersion: 0 }), true);
      }
      for (const [index, id] of LONG_IDS.entries()) {
        deepEqual(await adapter.get('jobs', id), { ...record(id, { data: index }), version: 1 });
      }
      deepEqual((await ids(adapter, {})).sort(), [...LONG_IDS].sort());
      for (const id of LONG_IDS) equal(await adapter.delete('jobs', id, { expectedVersion: 1 }), true);
    },
  },
  {
    rule: 'storage 49: a userId of 512 characters is kept, and found by a list',
    async check({ adapter }) {
      const [first, second] = [hanText(3), `${hanText(3).slice(1)}x`];
      await adapter.put(record('a', { userId: first }));
      await adapter.put(record('b', { userId: second }));
      deepEqual(await adapter.get('jobs', 'a'), { ...record('a', { userId: first }), version: 1 });
      deepEqual(await ids(adapter, { userId: first }), ['a']);
      deepEqual(await ids(adapter, { userId: second }), ['b']);
    },
  },
  {
    rule: 'storage 50: an id of no characters, or of more than 512, is refused with a StorageError',
    async check({ adapter }) {
      await adapter.put(record(LONG_ID, { data: 'kept' }));
      for (const id of ['', `${LONG_ID}x`, `${LONG_ID}${LONG_ID}`]) await refuses(adapter, record(id));
      equal((await stored(adapter, LONG_ID)).data, 'kept');
      equal((await ids(adapter, {})).length, 1);
    },
  },
  {
    rule: 'storage 51: an id with NUL or half of a surrogate pair is refused with a StorageError',
    async check({ adapter }) {
      await writeLookalikes(adapter);
      for (const id of UNSTORABLE) await refuses(adapter, record(id));
      await findLookalikes(adapter);
    },
  },
  {
    rule: 'storage 52: for an id that no record can have get is undefined, and delete says false',
    async check({ adapter }) {
      await writeLookalikes(adapter);
      for (const id of [...UNSTORABLE, '', `${LONG_ID}x`]) {
        equal(await adapter.get('jobs', id), undefined);
        equal(await adapter.delete('jobs', id), false);
        for (const expectedVersion of [0, 1]) {
          equal(await adapter.delete('jobs', id, { expectedVersion }), false);
        }
      }
      await findLookalikes(adapter);
    },
  },
  {
    rule: 'storage 53: a userId or status with NUL or half of a surrogate pair is refused with a StorageError',
    async check({ adapter }) {
      await adapter.put(record('a', { userId: 'user-1', data: 'kept' }));
      for (const text of UNSTORABLE) {
        await refuses(adapter, record('a', { userId: text }));
        await refuses(adapter, record('b', { status: text }));
      }
      const kept = { ...record('a', { userId: 'user-1', data: 'kept' }), version: 1 };
      deepEqual((await adapter.list('jobs', {})).items, [kept]);
    },
  },
  {
    rule: 'storage 54: a list by a userId or status that no record can have is empty',
    async check({ adapter }) {
      for (const [index, text] of ['a', 'b', 'a\ufffd', '\ufffd'].entries()) {
        await adapter.put(record(`r${index}`, { userId: text, status: text }));
      }
      for (const text of UNSTORABLE) {
        for (const query of [{ userId: text }, { status: text }, { userId: 'a', status: text }]) {
          const { items, nextCursor } = await adapter.list('jobs', { ...query, limit: 1 });
          deepEqual({ items, nextCursor }, { items: [], nextCursor: undefined });
        }
      }
    },
  },
  {
    rule: 'storage 55: a createdAt that is not as toISOString() writes it is refused with a StorageError',
    check: ({ adapter }) => refusesTimes(adapter, (createdAt) => ({ createdAt })),
  },
  {
    rule: 'storage 56: an expiresAt that is not as toISOString() writes it is refused with a StorageError',
    check: ({ adapter }) => refusesTimes(adapter, (expiresAt) => ({ expiresAt })),
  },
  {
    rule: 'storage 57: NUL and halves of surrogate pairs in the data come back as they were written',
    async check({ adapter }) {
      const data = [...UNSTORABLE, '\\u0000', { 'key\0': '\0', '\ud83d': 1 }];
      await adapter.put(record('a', { data }));
      deepEqual((await stored(adapter, 'a')).data, data);
      deepEqual((await adapter.list('jobs', {})).items[0]?.data, data);
    },
  },
];

/** 512 characters, another text for each seed: drawn, so that they cannot be compressed. */
function hanText(seed: number): string {
  let state = seed;
  return Array.from({ length: LONGEST }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return String.fromCharCode(0x4e00 + (state % 20_000));
  }).join('');
}

async function refuses(adapter: StorageAdapter, unfit: RecordInput): Promise<void> {
  await rejects(async () => adapter.put(unfit), isStorageError);
}

async function refusesTimes(
  adapter: StorageAdapter,
  fields: (time: string) => Partial<RecordInput>,
): Promise<void> {
  await adapter.put(record('a', { data: 'kept' }));
  for (const time of ODD_TIMES) {
    await rejects(async () => adapter.put(record('a', fields(time))), isStorageError, `time ${time}`);
    await rejects(async () => adapter.put(record('b', fields(time))), isStorageError, `time ${time}`);
  }
  deepEqual((await adapter.list('jobs', {})).items, [{ ...record('a', { data: 'kept' }), version: 1 }]);
}

/** What back ends make of a text that they cannot keep: cut short, or with another character in its place. */
const LOOKALIKES = ['a', 'b', 'ab', 'a\ufffd', '\ufffd', '\ufffdb', LONG_ID];

async function writeLookalikes(adapter: StorageAdapter): Promise<void> {
  for (const id of LOOKALIKES) await adapter.put(record(id));
}

async function findLookalikes(adapter: StorageAdapter): Promise<void> {
  equal((await ids(adapter, {})).length, LOOKALIKES.length);
  for (const id of LOOKALIKES) equal((await stored(adapter, id)).version, 1);
}
