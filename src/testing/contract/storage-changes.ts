import { fail } from 'node:assert/strict';
import type {
  RecordInput,
  StorageAdapter,
  StorageChange,
  StorageCollection,
  StoredRecord,
  WriteCondition,
} from '../../contracts/storage.js';
import { record } from './storage-samples.js';

export function transact(adapter: StorageAdapter, changes: readonly StorageChange[]): Promise<boolean> {
  return adapter.transact?.(changes) ?? fail('the adapter has no transact()');
}

/** The change that puts a record, as the conditions of `put()` have it. */
export function putting(written: RecordInput, expectedVersion?: number): StorageChange {
  return { type: 'put', record: written, ...conditionOf(expectedVersion) };
}

/** The change that deletes a job. */
export function deleting(id: string, expectedVersion?: number): StorageChange {
  return { type: 'delete', collection: 'jobs', id, ...conditionOf(expectedVersion) };
}

/** The change that asks for the version of a job. */
export function checking(id: string, expectedVersion: number): StorageChange {
  return { type: 'check', collection: 'jobs', id, condition: { expectedVersion } };
}

function conditionOf(expectedVersion: number | undefined): { condition?: WriteCondition } {
  return expectedVersion === undefined ? {} : { condition: { expectedVersion } };
}

export const COLLECTIONS: readonly StorageCollection[] = [
  'transcripts',
  'jobs',
  'idempotency',
  'outbox',
  'webhooks',
];

/** All that the lists of a store hold, up to 1000 records of each kind. */
export async function everything(adapter: StorageAdapter): Promise<StoredRecord[]> {
  const all: StoredRecord[] = [];
  for (const collection of COLLECTIONS) {
    all.push(...(await adapter.list(collection, { limit: 1000 })).items);
  }
  return all;
}

/** Records of many, a millisecond apart. */
export function manyRecords(count: number): RecordInput[] {
  const start = Date.UTC(2026, 0, 1);
  return Array.from({ length: count }, (_, index) =>
    record(`r${index}`, { createdAt: new Date(start + index).toISOString(), data: index }),
  );
}

/** Records of one transaction, and calls at the same time where there are no transactions. */
const CHUNK = 400;
const CALLS = 50;

/** Writes records in the fewest steps that the adapter has. */
export async function writeAll(adapter: StorageAdapter, records: readonly RecordInput[]): Promise<void> {
  const canTransact = adapter.transact !== undefined;
  const size = canTransact ? CHUNK : CALLS;
  for (let start = 0; start < records.length; start += size) {
    const some = records.slice(start, start + size);
    const puts = some.map((one) => putting(one));
    await (canTransact ? transact(adapter, puts) : Promise.all(some.map((one) => adapter.put(one))));
  }
}
