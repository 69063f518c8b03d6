import { StorageError } from '../errors/index.js';
import { isIsoTime } from '../internal/iso-time.js';
import { isPlainObject, show } from '../internal/validate.js';

const REF = /^aud_[0-9a-f]{32}$/;

/** What is none names nothing, and never becomes a part of a path. */
export function isRef(ref: unknown): ref is string {
  return typeof ref === 'string' && REF.test(ref);
}

export function audioNotFound(): StorageError {
  return new StorageError(
    'There is no audio under this ref. It was deleted, or it is in another store: hand the audio in again.',
    { code: 'audio_not_found' },
  );
}

/**
 * The time of a purge, in milliseconds. One that is misspelt, or undefined by mistake, must delete nothing.
 *
 * @throws StorageError with code `invalid_option`.
 */
export function purgeTime(query: { readonly createdBefore: string }): number {
  const isKnown = isPlainObject(query) && Object.keys(query).every((key) => key === 'createdBefore');
  if (isKnown && isIsoTime(query.createdBefore)) return Date.parse(query.createdBefore);
  throw new StorageError(
    'purge() takes an object with createdBefore, a time as toISOString() writes it, and got ' +
      `${isKnown ? show(query.createdBefore) : show(query)}. Nothing was deleted.`,
    { code: 'invalid_option' },
  );
}
