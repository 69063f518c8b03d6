import { StorageError } from '../../errors/index.js';

/** What it is that cannot be read, such as `The record job_1`. */
export function decryptionFailed(what: string, why: string): StorageError {
  return new StorageError(`${what} cannot be decrypted: ${why}`, { code: 'decryption_failed' });
}

export function unknownKey(what: string, keyId: string): StorageError {
  return decryptionFailed(
    what,
    `it was written with the key '${keyId}', which is not among the keys. Add that key again.`,
  );
}

/** Which of these it is cannot be told: that is what authentication means. */
export function notAuthentic(what: string, keyId: string): StorageError {
  return decryptionFailed(
    what,
    `it is damaged, it was put in the place of another, or the key '${keyId}' is not the one that wrote it. Check the key, or restore it from a backup.`,
  );
}
