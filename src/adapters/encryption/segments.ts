import { createCipheriv, createDecipheriv, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { decryptionFailed, notAuthentic, unknownKey } from './failure.js';
import { isKeyId, type KeyRing } from './key-ring.js';

/*
 * The format of encrypted audio, which is the STREAM construction:
 *
 *   header (104 bytes)   'TCAUDIO' and a byte 1 | name of the key, filled up with zeros to 64 bytes | salt, 32 bytes
 *   segments             ciphertext of 65536 bytes | tag, 16 bytes; the last one is shorter, and never empty
 *
 * Each audio has a key of its own, so that no nonce is used twice with one key: HKDF-SHA256 of the named key, the
 * salt, and the info 'transcription-client/audio/1', 32 bytes. Each segment is AES-256-GCM with it. The nonce is
 * 7 bytes of zero, the number of the segment from 0 in 4 bytes, big-endian, and a byte that is 1 for the last segment
 * and 0 for all others: segments that were swapped, left out or added, and an end that is not the end, are refused.
 * The header is the additional authenticated data of each segment.
 */
const MAGIC = 'TCAUDIO\x01';
const NAME_BYTES = 64;
const SALT_BYTES = 32;
const TAG_BYTES = 16;
const INFO = 'transcription-client/audio/1';
const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const COUNTER_AT = 7;
const LAST_FLAG_AT = 11;

export const HEADER_BYTES = MAGIC.length + NAME_BYTES + SALT_BYTES;
export const SEGMENT_BYTES = 64 * 1024;
export const SEALED_SEGMENT_BYTES = SEGMENT_BYTES + TAG_BYTES;

/** The size of the audio in a ciphertext of this size; undefined where there can be none in it. */
export function plainSize(sealedBytes: number): number | undefined {
  const body = sealedBytes - HEADER_BYTES;
  const tags = Math.ceil(body / SEALED_SEGMENT_BYTES) * TAG_BYTES;
  const isWhole = body % SEALED_SEGMENT_BYTES === 0 || body % SEALED_SEGMENT_BYTES > TAG_BYTES;
  return body > 0 && isWhole ? body - tags : undefined;
}

/** Makes the segments of one audio, in their order. */
export class SegmentSealer {
  readonly header: Buffer;
  readonly #key: KeyObject | Uint8Array;
  #count = 0;

  constructor(keys: KeyRing) {
    const salt = randomBytes(SALT_BYTES);
    const name = Buffer.alloc(NAME_BYTES);
    name.write(keys.current, 'latin1');
    this.header = Buffer.concat([Buffer.from(MAGIC, 'latin1'), name, salt]);
    this.#key = audioKey(keys.currentKey, salt);
  }

  seal(bytes: Uint8Array, isLast: boolean): Buffer {
    const nonce = nonceOf(this.#count, isLast);
    this.#count += 1;
    const cipher = createCipheriv(ALGORITHM, this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(this.header);
    return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  }
}

/** Opens the segments of one audio, in their order. */
export class SegmentOpener {
  readonly #what: string;
  readonly #header: Uint8Array;
  readonly #keyId: string;
  readonly #key: Uint8Array;
  #count = 0;

  /** @throws StorageError with code `decryption_failed`. */
  constructor(what: string, header: Uint8Array, keys: KeyRing) {
    this.#what = what;
    this.#header = Uint8Array.from(header);
    this.#keyId = keyIdOf(what, header);
    const key = keys.get(this.#keyId);
    if (key === undefined) throw unknownKey(what, this.#keyId);
    this.#key = audioKey(key, this.#header.subarray(HEADER_BYTES - SALT_BYTES));
  }

  /** @throws StorageError with code `decryption_failed`; then nothing of the segment is let out. */
  open(bytes: Uint8Array, isLast: boolean): Buffer {
    if (bytes.byteLength <= TAG_BYTES) throw notAuthentic(this.#what, this.#keyId);
    const end = bytes.byteLength - TAG_BYTES;
    const nonce = nonceOf(this.#count, isLast);
    this.#count += 1;
    const decipher = createDecipheriv(ALGORITHM, this.#key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(this.#header).setAuthTag(bytes.subarray(end));
    const plain = decipher.update(bytes.subarray(0, end));
    try {
      decipher.final();
    } catch {
      throw notAuthentic(this.#what, this.#keyId);
    }
    return plain;
  }
}

function keyIdOf(what: string, header: Uint8Array): string {
  const text = Buffer.from(header).toString('latin1');
  if (header.byteLength === HEADER_BYTES && text.startsWith(MAGIC)) {
    const name = text.slice(MAGIC.length, MAGIC.length + NAME_BYTES).replace(/\0+$/, '');
    if (isKeyId(name)) return name;
  }
  throw decryptionFailed(
    what,
    'it is not encrypted, damaged, or was written by a newer version. Update the library, or enqueue the audio again.',
  );
}

function audioKey(key: KeyObject, salt: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, salt, INFO, KEY_BYTES));
}

/** @throws RangeError after 2^32 segments, which are 256 TiB. */
function nonceOf(count: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(count, COUNTER_AT);
  nonce[LAST_FLAG_AT] = isLast ? 1 : 0;
  return nonce;
}
