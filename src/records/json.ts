import type { RecordInput, StorageChange, WriteCondition } from '../contracts/storage.js';
import { StorageError } from '../errors/index.js';

/** A record whose data is text: what every back end keeps. */
export interface JsonRecord extends Omit<RecordInput, 'data'> {
  readonly json: string;
}

/** As StorageChange, with the data as text. */
export type JsonChange =
  | { readonly type: 'put'; readonly record: JsonRecord; readonly condition?: WriteCondition | undefined }
  | Exclude<StorageChange, { type: 'put' }>;

/** Text of the data. Throws a StorageError where JSON cannot say it. */
export function jsonOf({ id, data }: RecordInput): string {
  try {
    return JSON.stringify(data) ?? 'null';
  } catch {
    // The error of JSON.stringify names what the record holds.
    throw new StorageError(`The record ${id} cannot be stored, because JSON cannot say what it holds.`, {
      code: 'storage_failed',
    });
  }
}

/** A copy: the caller may change what it has handed in. Throws as jsonOf(). */
export function withJson(change: StorageChange): JsonChange {
  const condition = change.condition === undefined ? {} : { condition: { ...change.condition } };
  if (change.type !== 'put') return { ...change, ...condition } as JsonChange;
  const { record } = change;
  return { ...change, ...condition, record: { ...record, json: jsonOf(record) } };
}
