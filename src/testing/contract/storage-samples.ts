import { fail } from 'node:assert/strict';
import type { ListQuery, RecordInput, StorageAdapter, StoredRecord } from '../../contracts/storage.js';
import { StorageError } from '../../errors/index.js';
import type { Clause, Subject } from './runner.js';

export type StorageClause = Clause<Subject<StorageAdapter>>;

/** A version that no record comes to. It is a whole number all the same. */
export const NEVER = Number.MAX_SAFE_INTEGER;

/** Texts that not every back end can keep, and with which no record is. */
export const UNSTORABLE: readonly string[] = ['a\0', '\0', 'a\0b', 'a\ud83d', '\ude00b', '\ude00\ud83d'];

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

/** ISO time of the given millisecond of the same day. */
export function millisecond(count: number): string {
  return second(count / 1000);
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

export function isStorageError(error: unknown): boolean {
  return error instanceof StorageError;
}
