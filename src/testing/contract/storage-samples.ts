import { fail } from 'node:assert/strict';
import type { ListQuery, RecordInput, StorageAdapter, StoredRecord } from '../../contracts/storage.js';
import type { Clause, Subject } from './runner.js';

export type StorageClause = Clause<Subject<StorageAdapter>>;

/** A job record with every field that must be there. */
export function record(id: string, rest: Partial<RecordInput> = {}): RecordInput {
  return {
    collection: 'jobs',
    id,
    status: 'completed',
    createdAt: '2026-01-01T00:00:00.000Z',
    data: { id },
    ...rest,
  };
}

/** ISO time of the given second of a day. */
export function second(count: number): string {
  return new Date(Date.UTC(2026, 0, 1) + count * 1000).toISOString();
}

/** The job with this id, which must be there. */
export async function stored(adapter: StorageAdapter, id: string): Promise<StoredRecord> {
  return (await adapter.get('jobs', id)) ?? fail(`the record ${id} is gone`);
}

/** Six records, a second apart: odd and even users, the older three active. */
export async function writeMixed(adapter: StorageAdapter): Promise<void> {
  for (let index = 0; index < 6; index++) {
    await adapter.put(
      record(`r${index}`, {
        userId: index % 2 === 1 ? 'odd' : 'even',
        status: index < 3 ? 'active' : 'completed',
        createdAt: second(index),
      }),
    );
  }
}

export async function ids(adapter: StorageAdapter, query: ListQuery): Promise<string[]> {
  return (await adapter.list('jobs', query)).items.map(({ id }) => id);
}
