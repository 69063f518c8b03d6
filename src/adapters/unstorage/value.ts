import { isIsoTime } from '../../internal/iso-time.js';
import { isPlainObject } from '../../internal/validate.js';
import { isCollection, isStorable, isStorableId, type JsonRecord } from '../../records/record.js';
import { newerFormat } from './errors.js';

/** A record as it is stored. */
export interface StoredValue extends Omit<JsonRecord, 'json'> {
  readonly version: number;
  /** Orders records of the same moment. */
  readonly sequence: number;
  /** Names the write that made it, and with it its entry in the index. */
  readonly write: string;
  /** Undefined where it was cut off. */
  readonly json: string | undefined;
}

const FORMAT = 1;

/** It begins with letters, so that unstorage does not take it for JSON, from which it would drop keys. */
export function encodeValue({ json, ...envelope }: StoredValue & { readonly json: string }): string {
  return `tc${FORMAT} ${JSON.stringify({ ...envelope, length: json.length })}\n${json}`;
}

/**
 * Undefined where the value is damaged beyond its envelope.
 *
 * @throws StorageError where a newer release has written it.
 */
export function decodeValue(key: string, value: unknown): StoredValue | undefined {
  if (typeof value !== 'string') return undefined;
  const format = Number(/^tc(\d{1,9}) /.exec(value)?.[1]);
  if (format > FORMAT) throw newerFormat(key, format);
  if (format !== FORMAT) return undefined;
  const end = value.indexOf('\n');
  const header = parseHeader(value.slice(value.indexOf(' '), end));
  if (end === -1 || header === undefined) return undefined;
  const { length, ...envelope } = header;
  const json = value.slice(end + 1);
  return { ...envelope, json: json.length === length ? json : undefined };
}

type Header = Omit<StoredValue, 'json'> & { readonly length: number };

function parseHeader(text: string): Header | undefined {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isHeader(header) ? header : undefined;
}

function isHeader(value: unknown): value is Header {
  if (!isPlainObject(value)) return false;
  const { collection, id, userId, status, createdAt, expiresAt, version, sequence, write, length } = value;
  return (
    isCollection(collection) &&
    isStorableId(id) &&
    (userId === undefined || isStorable(userId)) &&
    isStorableId(status) &&
    isIsoTime(createdAt) &&
    (expiresAt === undefined || isIsoTime(expiresAt)) &&
    [version, sequence, length].every(Number.isSafeInteger) &&
    typeof write === 'string' &&
    /^[0-9a-f]{19}$/.test(write)
  );
}
