import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { RecordInput, StoredRecord } from '../../contracts/storage.js';
import { fromJsonRecord, toJsonRecord } from '../../records/record.js';
import { decryptionFailed, notAuthentic, unknownKey } from './failure.js';
import { isKeyId, type KeyRing } from './key-ring.js';

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** The size is for the inner storage to judge, which sees what is really stored. */
const ANY_SIZE = Number.POSITIVE_INFINITY;

/** What is stored as the data of a record. The last three are base64. */
interface SealedData {
  /** The format. */
  readonly encrypted: 1;
  readonly keyId: string;
  readonly iv: string;
  readonly tag: string;
  readonly text: string;
}

interface Envelope {
  readonly collection: string;
  readonly id: string;
  readonly userId?: string;
}

/**
 * Data of records to ciphertext and back.
 *
 * AES-256-GCM over the JSON text of the data in UTF-8, with a random IV of 12 bytes for each write and a tag of 16
 * bytes. The additional authenticated data is what JSON.stringify() makes of
 * `['transcription-client/record/1', keyId, collection, id, userId ?? null]`, in UTF-8.
 */
export class RecordCipher {
  readonly #keys: KeyRing;
  readonly #allowPlain: boolean;

  constructor(keys: KeyRing, allowPlain: boolean) {
    this.#keys = keys;
    this.#allowPlain = allowPlain;
  }

  /** Takes the text of the data at once. Throws a StorageError where a field is none, or where the data is not JSON. */
  seal(record: RecordInput): RecordInput {
    const { json, ...envelope } = toJsonRecord(record, ANY_SIZE);
    const { current: keyId, currentKey } = this.#keys;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, currentKey, iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(boundData(envelope, keyId));
    const text = cipher.update(json, 'utf8', 'base64') + cipher.final('base64');
    const tag = cipher.getAuthTag();
    const data: SealedData = {
      encrypted: 1,
      keyId,
      iv: iv.toString('base64'),
      tag: tag.toString('base64'),
      text,
    };
    return { ...envelope, data };
  }

  /** @throws StorageError with code `decryption_failed` where the data is not what was written for this record. */
  open({ data, ...envelope }: StoredRecord): StoredRecord {
    const what = `The record ${envelope.id} of ${envelope.collection}`;
    if (!isMarked(data)) {
      if (this.#allowPlain) return { ...envelope, data };
      throw decryptionFailed(
        what,
        'it is not encrypted. Where the storage was used without encryption before, set allowPlain, and call rotate().',
      );
    }
    return fromJsonRecord({ ...envelope, json: this.#decrypt(what, envelope, data) });
  }

  isCurrent({ data }: StoredRecord): boolean {
    return isMarked(data) && data.keyId === this.#keys.current;
  }

  #decrypt(what: string, envelope: Envelope, { encrypted, keyId, ...sealed }: Marked): string {
    const iv = fromBase64(sealed.iv, IV_BYTES);
    const tag = fromBase64(sealed.tag, TAG_BYTES);
    const text = fromBase64(sealed.text);
    if (encrypted !== 1 || !isKeyId(keyId) || !iv || !tag || !text) {
      throw decryptionFailed(
        what,
        'it is damaged, or was written by a newer version. Update the library, or restore it from a backup.',
      );
    }
    const key = this.#keys.get(keyId);
    if (key === undefined) throw unknownKey(what, keyId);
    const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(boundData(envelope, keyId)).setAuthTag(tag);
    try {
      return decipher.update(text, undefined, 'utf8') + decipher.final('utf8');
    } catch {
      throw notAuthentic(what, keyId);
    }
  }
}

/** Data that says of itself that it is encrypted. Of its fields nothing is known yet. */
type Marked = { readonly [Key in keyof SealedData]?: unknown };

/** Any mark at all: a format that is not ours must never pass for data that was not encrypted. */
function isMarked(data: unknown): data is Marked {
  return typeof data === 'object' && data !== null && Object.hasOwn(data, 'encrypted');
}

/** JSON tells the parts apart, whatever characters are in them. */
function boundData({ collection, id, userId }: Envelope, keyId: string): Buffer {
  return Buffer.from(
    JSON.stringify(['transcription-client/record/1', keyId, collection, id, userId ?? null]),
  );
}

/** Undefined where the text is not exactly what base64 makes of bytes: nothing else may stand for the same bytes. */
function fromBase64(text: unknown, length?: number): Buffer | undefined {
  if (typeof text !== 'string') return undefined;
  const bytes = Buffer.from(text, 'base64');
  if (length !== undefined && bytes.byteLength !== length) return undefined;
  return bytes.toString('base64') === text ? bytes : undefined;
}
