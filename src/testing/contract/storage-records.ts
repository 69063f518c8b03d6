import { deepEqual, equal, rejects } from 'node:assert/strict';
import { record, type StorageClause, stored } from './storage-samples.js';

interface Nested {
  list: number[];
  inner: { value: number };
}

const ODD_IDS = [
  'plain',
  'PLAIN',
  "it's",
  'say "hi"',
  "'; DROP TABLE jobs; --",
  'a/b/../c',
  'back\\slash',
  'jobs:transcripts:*',
  '100%_done',
  'with space',
  ' with space',
  '?a=1&b=2#c',
  'é',
  'e\u0301',
  '日本語 😀',
  '__proto__',
  'constructor',
  'toString',
  'x'.repeat(256),
  `${'x'.repeat(255)}y`,
];

/** Among them an own property `__proto__`, and 100 lists within one another. */
const JSON_VALUES: readonly unknown[] = [
  ...['', 'null', '12', '"quoted"', '{"a":1}', '[1]', 'true', '2026-01-01T00:00:00.000Z', 'two\nlines\ttab'],
  ...[0, -1.5, 1e21, Number.MAX_SAFE_INTEGER, true, false, null, [], {}, [[], {}], ['1', 1, null]],
  JSON.parse('{"__proto__":{"a":1},"constructor":2,"":3,"a.b":4,"$c":5}'),
  JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`),
];

const COLLECTIONS = ['transcripts', 'jobs', 'idempotency', 'outbox', 'webhooks'] as const;

const MEGABYTE = 1_000_000;

/** Single records: what comes back, and under which id. */
export const recordClauses: readonly StorageClause[] = [
  {
    rule: 'storage 2: an id that was never written is undefined',
    async check({ adapter }) {
      for (const id of ['missing', ...ODD_IDS]) equal(await adapter.get('jobs', id), undefined, id);
    },
  },
  {
    rule: 'storage 3: a record comes back whole, as it was written',
    async check({ adapter }) {
      const data = { text: 'Grüße "quoted" 😀', none: null, zero: 0, no: false, deep: [[1.5], { a: [] }] };
      const full = record('full', { userId: 'user-1', status: 'active', data });
      const bare = record('bare', { data: null });
      equal(await adapter.put(full), true);
      equal(await adapter.put(bare), true);
      deepEqual(await adapter.get('jobs', 'full'), { ...full, version: 1 });
      deepEqual(await adapter.get('jobs', 'bare'), { ...bare, version: 1 });
    },
  },
  {
    rule: 'storage 4: changing a record after it was put changes nothing in the store',
    async check({ adapter }) {
      const data: Nested = { list: [1], inner: { value: 1 } };
      const written = adapter.put(record('a', { data }));
      data.list.push(2);
      await written;
      data.inner.value = 2;
      deepEqual((await stored(adapter, 'a')).data, { list: [1], inner: { value: 1 } });
    },
  },
  {
    rule: 'storage 5: changing a record that was handed out changes nothing in the store',
    async check({ adapter }) {
      const data: Nested = { list: [1], inner: { value: 1 } };
      await adapter.put(record('a', { data }));
      ((await stored(adapter, 'a')).data as Nested).inner.value = 2;
      for (const item of (await adapter.list('jobs', {})).items) (item.data as Nested).list.push(2);
      deepEqual((await stored(adapter, 'a')).data, data);
      deepEqual((await adapter.list('jobs', {})).items[0]?.data, data);
    },
  },
  {
    rule: 'storage 6: the version counts the writes of its own record, from 1',
    async check({ adapter }) {
      for (const version of [1, 2, 3]) {
        await adapter.put(record('a'));
        equal((await stored(adapter, 'a')).version, version);
      }
      await adapter.put(record('b'));
      equal((await stored(adapter, 'b')).version, 1);
    },
  },
  {
    rule: 'storage 7: put replaces the record whole',
    async check({ adapter }) {
      await adapter.put(record('a', { userId: 'user-1', status: 'active', data: { old: 1 } }));
      const next = record('a', { createdAt: '2026-03-01T00:00:00.000Z', data: { fresh: 2 } });
      equal(await adapter.put(next), true);
      deepEqual(await adapter.get('jobs', 'a'), { ...next, version: 2 });
    },
  },
  {
    rule: 'storage 8: delete says true, then false, and nothing of the record is left',
    async check({ adapter }) {
      await adapter.put(record('a'));
      await adapter.put(record('b'));
      equal(await adapter.delete('jobs', 'a'), true);
      equal(await adapter.delete('jobs', 'a'), false);
      equal(await adapter.get('jobs', 'a'), undefined);
      deepEqual(
        (await adapter.list('jobs', {})).items.map(({ id }) => id),
        ['b'],
      );
    },
  },
  {
    rule: 'storage 9: a record written after its delete begins at version 1',
    async check({ adapter }) {
      await adapter.put(record('a'));
      await adapter.put(record('a'));
      await adapter.delete('jobs', 'a');
      await adapter.put(record('a'));
      equal((await stored(adapter, 'a')).version, 1);
    },
  },
  {
    rule: 'storage 10: the collections are apart',
    async check({ adapter }) {
      for (const collection of COLLECTIONS) {
        const written = record('a', { collection, data: collection });
        equal(await adapter.put(written, { expectedVersion: 0 }), true, collection);
      }
      for (const collection of COLLECTIONS) {
        const expected = { ...record('a', { collection, data: collection }), version: 1 };
        deepEqual(await adapter.get(collection, 'a'), expected);
      }
      equal((await adapter.list('jobs', {})).items.length, 1);
      equal(await adapter.delete('jobs', 'a'), true);
      equal((await adapter.get('transcripts', 'a'))?.data, 'transcripts');
      equal(await adapter.delete('idempotency', 'a', { expectedVersion: 1 }), true);
      equal((await adapter.get('transcripts', 'a'))?.data, 'transcripts');
    },
  },
  {
    rule: 'storage 11: ids with quotes, slashes, other scripts, 256 characters or __proto__ are ids like any other',
    async check({ adapter }) {
      for (const [index, id] of ODD_IDS.entries()) {
        equal(await adapter.put(record(id, { data: index }), { expectedVersion: 0 }), true, id);
      }
      for (const [index, id] of ODD_IDS.entries()) {
        deepEqual(await adapter.get('jobs', id), { ...record(id, { data: index }), version: 1 }, id);
      }
      const listed = (await adapter.list('jobs', {})).items.map(({ id }) => id);
      deepEqual(listed.sort(), [...ODD_IDS].sort());
      for (const id of ODD_IDS) equal(await adapter.delete('jobs', id), true, id);
    },
  },
  {
    rule: 'storage 12: a record of one megabyte comes back whole',
    async check({ adapter }) {
      const data = { text: 'ä😀 word '.repeat(MEGABYTE / 8), tail: 'end' };
      equal(await adapter.put(record('large', { data })), true);
      deepEqual((await stored(adapter, 'large')).data, data);
    },
  },
  {
    rule: 'storage 13: records that are written at the same time are all kept',
    async check({ adapter }) {
      const ids = Array.from({ length: 50 }, (_, index) => `r${index}`);
      await Promise.all(ids.map((id) => adapter.put(record(id, { data: id }))));
      for (const id of ids) equal((await stored(adapter, id)).data, id);
    },
  },
  {
    rule: 'storage 38: what JSON cannot say is left out of the data as JSON.stringify does, or refused',
    async check({ adapter }) {
      const at = new Date(Date.UTC(2026, 0, 1));
      const data = { kept: 1, gone: undefined, at, number: Number.NaN, list: [undefined, 1] };
      const taken = await adapter.put(record('a', { data })).catch(() => false);
      if (taken) deepEqual((await stored(adapter, 'a')).data, JSON.parse(JSON.stringify(data)));
      else equal(await adapter.get('jobs', 'a'), undefined);
    },
  },
  {
    rule: 'storage 39: data that JSON.stringify refuses is refused, and changes nothing',
    async check({ adapter }) {
      const circle: Record<string, unknown> = {};
      circle.self = circle;
      await adapter.put(record('a', { data: 'kept' }));
      for (const data of [circle, { big: 1n }]) {
        await rejects(async () => adapter.put(record('a', { data })));
        await rejects(async () => adapter.put(record('b', { data })));
      }
      deepEqual(await adapter.get('jobs', 'a'), { ...record('a', { data: 'kept' }), version: 1 });
      equal(await adapter.get('jobs', 'b'), undefined);
    },
  },
  {
    rule: 'storage 40: data of each type of JSON, also text that looks like JSON, comes back as that type',
    async check({ adapter }) {
      for (const [index, data] of JSON_VALUES.entries()) {
        await adapter.put(record(`r${index}`, { data }));
        deepEqual((await stored(adapter, `r${index}`)).data, data);
      }
    },
  },
];
