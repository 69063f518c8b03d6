import { type ErrorCode, StorageError } from '../../errors/index.js';

interface Meaning {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly advice: string;
}

const FULL: Meaning = { code: 'storage_full', retryable: true, advice: 'There is no room left: make some.' };

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EROFS: {
    code: 'storage_read_only',
    retryable: false,
    advice: 'It cannot be written: use a driver that can.',
  },
};

const UNKNOWN: Meaning = {
  code: 'storage_failed',
  retryable: true,
  advice: 'The cause says what kind of failure it was; try again.',
};

/** All that is repeated of a driver's error: its own words may hold a password, or the record that it was to write. */
const IDENTIFIER = /^(?:[A-Z]\w{0,49}|\d{1,9})$/;
const DEEPEST_CAUSE = 3;

export function driverFailed(operation: string, cause: unknown): StorageError {
  const kinds = kindsOf(cause);
  const known = kinds.map(({ code }) => MEANINGS[code ?? '']).find((meaning) => meaning !== undefined);
  const { advice, ...details } = known ?? UNKNOWN;
  return new StorageError(`The driver of unstorage failed at ${operation}. ${advice}`, {
    ...details,
    cause: rebuilt(kinds),
  });
}

export function readOnlyDriver(): StorageError {
  return new StorageError(
    'The driver of unstorage took an item and does not have it: it is read-only, or keeps nothing. ' +
      'Use a driver that can write.',
    { code: 'storage_read_only' },
  );
}

export function notDeleted(): StorageError {
  return new StorageError(
    'The driver of unstorage did not delete an item, and did not say why. Check its permissions; try again.',
    { code: 'storage_failed', retryable: true },
  );
}

export function notListing(): StorageError {
  return new StorageError(
    'The driver of unstorage does not list its keys, so that no record can be found. Use a driver that does.',
    { code: 'storage_failed' },
  );
}

export function newerFormat(key: string, format: number): StorageError {
  return new StorageError(
    `The record with the key ${key} was written by a newer release (format ${format}). Update transcription-client.`,
    { code: 'storage_schema' },
  );
}

interface Kind {
  readonly name: string;
  readonly code: string | undefined;
  readonly status: string | undefined;
}

/** Of the error and of its causes. */
function kindsOf(cause: unknown): readonly Kind[] {
  const kinds: Kind[] = [];
  for (let next = cause; next instanceof Error && kinds.length < DEEPEST_CAUSE; next = next.cause) {
    const { code, status, statusCode } = next as { code?: unknown; status?: unknown; statusCode?: unknown };
    kinds.push({
      name: identifier(next.name) ?? 'Error',
      code: identifier(code),
      status: identifier(status ?? statusCode),
    });
  }
  return kinds;
}

function identifier(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value);
  return IDENTIFIER.test(text) ? text : undefined;
}

function rebuilt(kinds: readonly Kind[]): Error {
  const texts = kinds.map(({ name, code, status }) =>
    [name, code && `code ${code}`, status && `status ${status}`].filter(Boolean).join(', '),
  );
  const cause = new Error(texts.join('; ') || 'no Error was thrown');
  const code = kinds.find((kind) => kind.code !== undefined)?.code;
  return code === undefined ? cause : Object.assign(cause, { code });
}
