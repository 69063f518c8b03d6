import { fail } from 'node:assert/strict';
import type { RecordInput, StorageAdapter, StoredRecord } from '../../contracts/storage.js';
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
