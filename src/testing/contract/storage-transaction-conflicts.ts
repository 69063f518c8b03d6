import { deepEqual, equal, ok } from 'node:assert/strict';
import type { StorageAdapter } from '../../contracts/storage.js';
import { checking, everything, putting, transact, writeAll } from './storage-changes.js';
import { record, type StorageClause, second, stored } from './storage-samples.js';

const WRITERS = 20;

/** Transactions that run at the same time as others. */
export const conflictClauses: readonly StorageClause[] = [
  {
    rule: 'storage 81: who lost a record to another writer writes nothing with its old version, its successor does',
    needs: ['transact'],
    async check({ adapter }) {
      await adapter.put(record('job', { status: 'active', data: 'first worker' }));
      const lost = (await stored(adapter, 'job')).version;
      await adapter.put(record('job', { status: 'active', data: 'second worker' }), {
        expectedVersion: lost,
      });
      const { version } = await stored(adapter, 'job');
      const results = await Promise.all([
        transact(adapter, [transcriptOf('first worker'), checking('job', lost)]),
        transact(adapter, [transcriptOf('second worker'), checking('job', version)]),
        transact(adapter, [checking('job', lost), transcriptOf('first worker')]),
      ]);
      deepEqual(results, [false, true, false]);
      const { data, version: writes } = (await adapter.get('transcripts', 't')) ?? {};
      deepEqual({ data, writes }, { data: 'second worker', writes: 1 });
    },
  },
  {
    rule: 'storage 82: of 20 transactions with one expectedVersion at the same time exactly one is made, and whole',
    needs: ['transact'],
    check: ({ adapter }) => exactlyOneIsMade(() => adapter),
  },
  {
    rule: 'storage 83: of a put and a transaction with one expectedVersion at the same time exactly one holds',
    needs: ['transact'],
    async check({ adapter }) {
      for (let round = 0; round < 10; round++) {
        const id = `r${round}`;
        await adapter.put(record(id));
        const calls = [
          () => transact(adapter, [putting(record(id, { data: 'transact' }), 1)]),
          () => adapter.put(record(id, { data: 'put' }), { expectedVersion: 1 }),
        ];
        if (round % 2 === 1) calls.reverse();
        const results = await Promise.all(calls.map((call) => call()));
        equal(results.filter(Boolean).length, 1);
        const { data, version } = await stored(adapter, id);
        const expected = results[round % 2] === true ? 'transact' : 'put';
        deepEqual({ data, version }, { data: expected, version: 2 });
      }
    },
  },
  {
    rule: 'storage 84: transactions that write two records in opposite orders at the same time are all made',
    needs: ['transact'],
    check: ({ adapter }) => bothOrdersAreMade(() => adapter),
  },
  {
    rule: 'storage 85: who reads one change of a transaction finds the others, also while it is being made',
    needs: ['transact'],
    async check({ adapter, time }) {
      await writeAll(adapter, [record('a', { data: 0 }), record('b', { data: 0 })]);
      let writing = true;
      const reading = (async () => {
        // A transaction that never ends must not keep the reader for ever.
        for (let turn = 0; writing && turn < 10_000; turn++) {
          // Reads that never wait for anything outside would let nothing else happen.
          await time.settle();
          for (const [earlier, later] of [
            ['a', 'b'],
            ['b', 'a'],
          ] as const) {
            const seen = (await stored(adapter, earlier)).version;
            ok((await stored(adapter, later)).version >= seen, `${later} is older than ${earlier}`);
          }
        }
      })();
      // The rejection is seen below.
      reading.catch(() => undefined);
      try {
        for (let round = 1; round <= WRITERS; round++) {
          const order = round % 2 === 0 ? ['a', 'b'] : ['b', 'a'];
          await transact(
            adapter,
            order.map((id) => putting(record(id, { data: round }))),
          );
        }
      } finally {
        writing = false;
        await reading;
      }
    },
  },
];

function transcriptOf(worker: string) {
  return putting(record('t', { collection: 'transcripts', data: worker }));
}

/** Writers in turn take one of the adapters, all of which are on one store. */
export async function exactlyOneIsMade(adapterOf: (writer: number) => StorageAdapter): Promise<void> {
  const first = adapterOf(0);
  await first.put(record('a'));
  for (const version of [1, 2]) {
    const calls = Array.from({ length: WRITERS }, (_, writer) =>
      transact(adapterOf(writer), [
        putting(record('a', { data: writer }), version),
        putting(record(`by ${version}/${writer}`, { createdAt: second(version) })),
        putting(record('last', { data: writer, createdAt: second(9) })),
      ]),
    );
    const results = await Promise.all(calls);
    equal(results.filter(Boolean).length, 1);
    const winner = results.indexOf(true);
    for (const [id, expected] of [
      ['a', version + 1],
      ['last', version],
    ] as const) {
      const { data, version: after } = await stored(first, id);
      deepEqual({ data, after }, { data: winner, after: expected });
    }
    equal((await everything(first)).length, 2 + version);
    equal((await stored(first, `by ${version}/${winner}`)).version, 1);
  }
}

export async function bothOrdersAreMade(adapterOf: (writer: number) => StorageAdapter): Promise<void> {
  const first = adapterOf(0);
  await writeAll(first, [record('a'), record('b')]);
  const calls = Array.from({ length: WRITERS }, (_, writer) => {
    const order = writer % 4 < 2 ? ['a', 'b'] : ['b', 'a'];
    return transact(
      adapterOf(writer),
      order.map((id) => putting(record(id, { data: writer }))),
    );
  });
  deepEqual(
    await Promise.all(calls),
    Array.from(calls, () => true),
  );
  const [a, b] = [await stored(first, 'a'), await stored(first, 'b')];
  deepEqual({ a: a.version, b: b.version }, { a: 1 + WRITERS, b: 1 + WRITERS });
  equal(a.data, b.data);
}
