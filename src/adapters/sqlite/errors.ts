import { type ErrorCode, StorageError, TranscriptionError } from '../../errors/index.js';
import { redactText } from '../../net/redact.js';

/** SQLite's primary result codes, which the three libraries tell in different ways. */
const CODES: Readonly<Record<string, number>> = {
  SQLITE_BUSY: 5,
  SQLITE_LOCKED: 6,
  SQLITE_READONLY: 8,
  SQLITE_IOERR: 10,
  SQLITE_CORRUPT: 11,
  SQLITE_FULL: 13,
  SQLITE_CANTOPEN: 14,
  SQLITE_TOOBIG: 18,
  SQLITE_NOTADB: 26,
};

interface Meaning {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly message: string;
}

const MEANINGS: Readonly<Record<number, Meaning>> = {
  5: {
    code: 'storage_unavailable',
    retryable: true,
    message:
      'The SQLite database was locked by another writer for too long. Try again, or raise busyTimeoutMs.',
  },
  8: {
    code: 'storage_read_only',
    retryable: false,
    message: 'The SQLite database cannot be written. Check the permissions of the file and of its folder.',
  },
  10: {
    code: 'storage_unavailable',
    retryable: true,
    message: 'The SQLite database could not be read or written: the disk failed. Check the disk.',
  },
  11: {
    code: 'storage_corrupt',
    retryable: false,
    message: 'The SQLite database is damaged. Restore it from a backup, or start with a new file.',
  },
  13: {
    code: 'storage_full',
    retryable: true,
    message: 'The disk of the SQLite database is full. Make room and try again.',
  },
  14: {
    code: 'storage_unavailable',
    retryable: false,
    message: 'The SQLite database cannot be opened. Check the path, its folder and the permissions.',
  },
  18: {
    code: 'record_too_large',
    retryable: false,
    message: 'The record is larger than SQLite takes. Split the audio.',
  },
  26: {
    code: 'storage_corrupt',
    retryable: false,
    message: 'The file is no SQLite database, or is damaged. Check the path, or start with a new file.',
  },
};

const UNKNOWN: Meaning = {
  code: 'storage_failed',
  retryable: false,
  message: 'The SQLite database failed. The cause says why.',
};

export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === CODES.SQLITE_BUSY || code === CODES.SQLITE_LOCKED;
}

export function toSqliteError(error: unknown): TranscriptionError {
  if (TranscriptionError.isInstance(error)) return error;
  const code = primaryCode(error);
  const { message, ...details } = MEANINGS[code === CODES.SQLITE_LOCKED ? 5 : (code ?? -1)] ?? UNKNOWN;
  return new StorageError(message, { ...details, cause: bare(error) });
}

function primaryCode(error: unknown): number | undefined {
  const { errcode, code } = (error ?? {}) as { errcode?: unknown; code?: unknown };
  // The upper bits tell more of the same.
  if (typeof errcode === 'number') return errcode & 0xff;
  if (typeof code !== 'string') return undefined;
  // better-sqlite3: SQLITE_BUSY_SNAPSHOT and the like.
  const name = Object.keys(CODES).find((known) => code === known || code.startsWith(`${known}_`));
  return name === undefined ? undefined : CODES[name];
}

/** Without whatever else a library hangs on its errors. */
function bare(error: unknown): Error {
  const text = error instanceof Error ? error.message : 'unknown';
  const cause = new Error(redactText(text));
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? Object.assign(cause, { code }) : cause;
}
