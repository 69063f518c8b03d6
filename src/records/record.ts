import type { RecordInput, StorageChange, StorageCollection, StoredRecord } from '../contracts/storage.js';
import { StorageError } from '../errors/index.js';
import { defined } from '../internal/defined.js';
import { isIsoTime } from '../internal/iso-time.js';
import { isWellFormed, show } from '../internal/validate.js';
import { type JsonChange, type JsonRecord, jsonOf, withJson } from './json.js';

export { isIsoTime } from '../internal/iso-time.js';
export type { JsonChange, JsonRecord } from './json.js';

const COLLECTIONS: ReadonlySet<string> = new Set<StorageCollection>([
  'transcripts',
  'jobs',
  'idempotency',
  'outbox',
  'webhooks',
]);

const LONGEST_NAME = 512;
/** The largest record that an adapter takes unless it is told otherwise: JSON text of 64 MiB. */
const DEFAULT_MAX_RECORD_BYTES = 64 * 1024 * 1024;

/**
 * Text of the record's data, taken at once: the caller's objects may change later.
 *
 * @throws StorageError where a field is none, or where the data is not JSON or too large.
 */
export function toJsonRecord(record: RecordInput, maxBytes?: number): JsonRecord {
  return checked(record, jsonOf(record), maxBytes);
}

/** The record with its own fields alone. Throws as toJsonRecord(). */
export function checkRecord(record: JsonRecord, maxBytes?: number): JsonRecord {
  return checked(record, record.json, maxBytes);
}

function checked(record: Envelope, json: string, maxBytes = DEFAULT_MAX_RECORD_BYTES): JsonRecord {
  checkEnvelope(record);
  const { collection, id, userId, status, createdAt, expiresAt } = record;
  checkSize(id, json, maxBytes);
  // By hand: each transcript comes by here.
  const written: JsonRecord = { collection, id, status, createdAt, json };
  if (userId === undefined && expiresAt === undefined) return written;
  return { ...written, ...defined({ userId, expiresAt }) };
}

/** Throws as toJsonRecord(). */
export function toJsonChanges(changes: readonly StorageChange[], maxBytes?: number): readonly JsonChange[] {
  // In one step, and by hand: some calls write a thousand records.
  return changes.map((change) => {
    if (change.type !== 'put') return withJson(change);
    const { record, condition } = change;
    const written = { type: 'put', record: toJsonRecord(record, maxBytes) } as const;
    return condition === undefined ? written : { ...written, condition: { ...condition } };
  });
}

export function checkChanges(changes: readonly JsonChange[], maxBytes?: number): readonly JsonChange[] {
  return changes.map((change) =>
    change.type === 'put' ? { ...change, record: checkRecord(change.record, maxBytes) } : change,
  );
}

export function fromJsonRecord({
  json,
  ...envelope
}: JsonRecord & { readonly version: number }): StoredRecord {
  return { ...envelope, data: parseJson(envelope.id, json) };
}

/** Text that every back end can keep and find again. What is none was never stored. */
export function isStorable(text: unknown): text is string {
  return typeof text === 'string' && !text.includes('\0') && isWellFormed(text);
}

export function isStorableId(id: unknown): id is string {
  return isStorable(id) && id.length > 0 && id.length <= LONGEST_NAME;
}

export function isCollection(value: unknown): value is StorageCollection {
  return typeof value === 'string' && COLLECTIONS.has(value);
}

type Envelope = Omit<JsonRecord, 'json'>;

function checkEnvelope(record: Envelope): void {
  const { collection, id, userId, status, createdAt, expiresAt } = record;
  if (!isCollection(collection)) throw unfit('collection', 'one of the collections', collection);
  if (!isStorableId(id)) throw unfit('id', 'text of 1 to 512 characters, none of them NUL', id);
  if (userId !== undefined && !(isStorable(userId) && userId.length <= LONGEST_NAME)) {
    throw unfit('userId', 'text of at most 512 characters, none of them NUL', userId);
  }
  if (!isStorableId(status)) throw unfit('status', 'text of 1 to 512 characters, none of them NUL', status);
  if (!isIsoTime(createdAt)) throw unfit('createdAt', 'a time as toISOString() writes it', createdAt);
  if (expiresAt !== undefined && !isIsoTime(expiresAt)) {
    throw unfit('expiresAt', 'a time as toISOString() writes it', expiresAt);
  }
}

function unfit(field: string, expected: string, value: unknown): StorageError {
  return new StorageError(`The ${field} of a record must be ${expected}, and is ${show(value)}.`, {
    code: 'invalid_option',
  });
}

function checkSize(id: string, json: string, maxBytes: number): void {
  // A character takes three bytes of UTF-8 at most.
  if (json.length * 3 <= maxBytes) return;
  const bytes = Buffer.byteLength(json);
  if (bytes <= maxBytes) return;
  throw new StorageError(
    `The record ${id} has ${bytes} bytes, and the storage takes ${maxBytes}. Raise maxRecordBytes (maxBytes of the ` +
      'storage in memory), or split the audio.',
    { code: 'record_too_large' },
  );
}

function parseJson(id: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // The parser's error would quote the record.
    throw corruptRecord(id);
  }
}

export function corruptRecord(id: string): StorageError {
  return new StorageError(
    `The record ${id} is damaged: what is stored is no JSON. Restore it from a backup, or delete it.`,
    { code: 'storage_corrupt' },
  );
}
