import type { RecordInput } from '../../src/contracts/storage.js';
import { StorageError } from '../../src/errors/index.js';
import { isStorable } from '../../src/records/record.js';
import type { StorageContractOptions } from '../../src/testing/contract/storage.js';
import { broken } from './broken-storage.js';
import type { BrokenAdapter } from './prove-rules.js';

/** A storage that makes something else of the record before it writes it. */
function writing(change: (record: RecordInput) => Partial<RecordInput>) {
  return broken((inner) => ({
    put: (record, condition) => inner.put({ ...record, ...change(record) }, condition),
  }));
}

/** As an index with short keys has it. */
function shortened(id: string): string {
  return id.length === 512 ? id.slice(0, 300) : id;
}

function storable(text: string): string {
  return text.replaceAll('\0', '').replaceAll(/\p{Surrogate}/gu, '\ufffd') || 'empty';
}

function isoOf(time: string): string {
  const moment = new Date(time);
  return Number.isNaN(moment.getTime()) ? time : moment.toISOString();
}

function withoutNul(data: unknown): unknown {
  try {
    const json = JSON.stringify(data);
    if (!json.includes('\\u0000')) return data;
    return JSON.parse(json, (_key, value) =>
      typeof value === 'string' ? value.replaceAll('\0', '') : value,
    );
  } catch {
    return data;
  }
}

function isFound({ userId = '', status = '' }: { userId?: string; status?: string }): boolean {
  return isStorable(userId) && isStorable(status);
}

/** Each violates the one rule that it stands under. */
export const brokenStorageEnvelopes: Readonly<Record<string, BrokenAdapter<StorageContractOptions>>> = {
  'storage 48': broken((inner) => ({
    get: (collection, id) => inner.get(collection, shortened(id)),
    put: (record, condition) => inner.put({ ...record, id: shortened(record.id) }, condition),
    delete: (collection, id, condition) => inner.delete(collection, shortened(id), condition),
  })),
  'storage 49': broken((inner) => ({
    list: (collection, { userId, ...query }) =>
      inner.list(collection, userId === undefined || userId.length > 255 ? query : { ...query, userId }),
  })),
  'storage 50': writing(({ id }) => ({ id: id.slice(0, 512) })),
  'storage 51': writing(({ id }) => ({ id: id === '' ? id : storable(id) })),
  'storage 52': broken((inner) => ({
    async get(collection, id) {
      if (isStorable(id)) return inner.get(collection, id);
      throw new StorageError('No text for this back end.', { code: 'storage_failed' });
    },
  })),
  'storage 53': writing(({ status }) => ({ status: storable(status) })),
  'storage 54': broken((inner) => ({
    async list(collection, query) {
      if (isFound(query)) return inner.list(collection, query);
      throw new StorageError('No text for this back end.', { code: 'storage_failed' });
    },
  })),
  'storage 55': writing(({ createdAt }) => ({ createdAt: isoOf(createdAt) })),
  'storage 56': writing(({ expiresAt }) => (expiresAt === undefined ? {} : { expiresAt: isoOf(expiresAt) })),
  'storage 57': writing(({ data }) => ({ data: withoutNul(data) })),
};
