import { createSecretKey, type KeyObject } from 'node:crypto';
import { types } from 'node:util';
import { BadRequestError } from '../../errors/index.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { isPlainObject } from '../../internal/validate.js';

/**
 * The keys, by their names. They are copied at once.
 *
 * To change the key: add the new one to `keys` in every process that reads, then make it `current` everywhere, then
 * call `rotate()`. An old key can go when nothing is left that was written with it.
 */
export interface EncryptionKeys {
  /** The name of the key to write with. */
  readonly current: string;
  /**
   * Each key is 32 random bytes: a Uint8Array, or text of exactly 64 hexadecimal digits or of the 44 characters
   * that base64 has for them, padding included (`openssl rand -base64 32`). It is no password.
   *
   * A name is 1 to 64 of the characters A to Z, a to z, 0 to 9, `_`, `.` and `-`. It is stored in clear text with
   * everything that is written, and must not be given to another key later.
   */
  readonly keys: Readonly<Record<string, Uint8Array | string>>;
}

const KEY_BYTES = 32;
const KEY_IN_HEX = /^[0-9a-f]{64}$/i;
/** The last of 43 characters says only four bits. */
const KEY_IN_BASE64 = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
const KEY_ID = /^[A-Za-z0-9_.-]{1,64}$/;
/** Where names and keys were swapped, what looks like a name is a secret: 16 bytes have at least 22 characters. */
const LONGEST_SHOWN_NAME = 20;

export function isKeyId(value: unknown): value is string {
  return typeof value === 'string' && KEY_ID.test(value);
}

/** Keys that nothing can print. */
export class KeyRing {
  /** The name of the key to write with. */
  readonly current: string;
  readonly #keys = new Map<string, KeyObject>();
  readonly #currentKey: KeyObject;

  /** @throws BadRequestError with code `invalid_option` or `unknown_option`, which shows no key. */
  constructor(where: string, options: EncryptionKeys) {
    checkOptions(where, options, ['current', 'keys']);
    const { current, keys } = options;
    if (!isPlainObject(keys))
      throw refused('The option keys must be a plain object: names, and a key for each.');
    for (const [id, key] of Object.entries(keys)) {
      checkId(id);
      this.#keys.set(id, toKeyObject(id, key));
    }
    const currentKey = typeof current === 'string' ? this.#keys.get(current) : undefined;
    if (currentKey === undefined) throw refused('The option current must be the name of one of the keys.');
    this.current = current;
    this.#currentKey = currentKey;
  }

  get currentKey(): KeyObject {
    return this.#currentKey;
  }

  get(id: string): KeyObject | undefined {
    return this.#keys.get(id);
  }
}

function checkId(id: string): void {
  if (KEY_ID.test(id)) return;
  throw refused(
    `The name of a key in the option keys must be 1 to 64 of the characters A-Z, a-z, 0-9, _, . and -, and one of ${id.length} characters is not.`,
  );
}

function toKeyObject(id: string, key: unknown): KeyObject {
  if (types.isUint8Array(key) && key.byteLength === KEY_BYTES) return createSecretKey(key);
  const bytes = typeof key === 'string' ? fromText(key) : undefined;
  if (bytes === undefined) {
    const name = id.length <= LONGEST_SHOWN_NAME ? `'${id}'` : `with a name of ${id.length} characters`;
    throw refused(
      `The key ${name} in the option keys must be ${KEY_BYTES} bytes: a Uint8Array, 64 hexadecimal digits, or 44 characters of base64.`,
    );
  }
  const copy = createSecretKey(bytes);
  // The bytes are in a pool that other buffers share.
  bytes.fill(0);
  return copy;
}

function fromText(text: string): Buffer | undefined {
  if (KEY_IN_HEX.test(text)) return Buffer.from(text, 'hex');
  return KEY_IN_BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}

function refused(message: string): BadRequestError {
  return new BadRequestError(message, { code: 'invalid_option' });
}
