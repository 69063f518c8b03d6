import { type ErrorCode, StorageError, TranscriptionError } from '../../errors/index.js';
import { redactText } from '../../net/redact.js';

interface Meaning {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly message: string;
}

interface Result extends Meaning {
  /** SQLite's name of the result. */
  readonly name: string;
  /** The message that SQLite gives with it. */
  readonly text: string;
}

const BUSY: Meaning = {
  code: 'storage_unavailable',
  retryable: true,
  message:
    'The SQLite database was locked by another writer for too long. Try again, or raise busyTimeoutMs.',
};

const READ_ONLY: Meaning = {
  code: 'storage_read_only',
  retryable: false,
  message: 'The SQLite database cannot be written. Check the permissions of the file and of its folder.',
};

const FULL: Meaning = {
  code: 'storage_full',
  retryable: true,
  message: 'The disk of the SQLite database is full. Make room and try again.',
};

/** SQLite's primary result codes. */
const RESULTS: Readonly<Record<number, Result>> = {
  3: { ...READ_ONLY, name: 'SQLITE_PERM', text: 'access permission denied' },
  5: { ...BUSY, name: 'SQLITE_BUSY', text: 'database is locked' },
  6: { ...BUSY, name: 'SQLITE_LOCKED', text: 'database table is locked' },
  8: { ...READ_ONLY, name: 'SQLITE_READONLY', text: 'attempt to write a readonly database' },
  10: {
    name: 'SQLITE_IOERR',
    text: 'disk I/O error',
    code: 'storage_unavailable',
    retryable: true,
    message: 'The SQLite database could not be read or written: the disk failed or is full. Check the disk.',
  },
  11: {
    name: 'SQLITE_CORRUPT',
    text: 'database disk image is malformed',
    code: 'storage_corrupt',
    retryable: false,
    message: 'The SQLite database is damaged. Restore it from a backup, or start with a new file.',
  },
  13: { ...FULL, name: 'SQLITE_FULL', text: 'database or disk is full' },
  14: {
    name: 'SQLITE_CANTOPEN',
    text: 'unable to open database file',
    code: 'storage_unavailable',
    retryable: false,
    message:
      'The SQLite database cannot be opened. Check the path: the file and its folder must be there and writable.',
  },
  15: { ...BUSY, name: 'SQLITE_PROTOCOL', text: 'locking protocol' },
  18: {
    name: 'SQLITE_TOOBIG',
    text: 'string or blob too big',
    code: 'record_too_large',
    retryable: false,
    message: 'The record is larger than SQLite takes. Split the audio.',
  },
  26: {
    name: 'SQLITE_NOTADB',
    text: 'file is not a database',
    code: 'storage_corrupt',
    retryable: false,
    message: 'The file is no SQLite database, or is damaged. Check the path, or start with a new file.',
  },
};

/** SQLITE_IOERR_SHMSIZE: there was no room for the file that processes share. */
const NO_ROOM_TO_SHARE = 4874;

const CLOSED: Meaning = {
  code: 'storage_unavailable',
  retryable: false,
  message: 'The SQLite database was closed by its owner. Make a new adapter with an open one.',
};

const UNKNOWN: Meaning = {
  code: 'storage_failed',
  retryable: false,
  message: 'The SQLite database failed. The cause says why.',
};

export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code !== undefined && RESULTS[code]?.message === BUSY.message;
}

export function toSqliteError(error: unknown): TranscriptionError {
  if (TranscriptionError.isInstance(error)) return error;
  const { code, retryable, message } = meaningOf(error);
  return new StorageError(message, { code, retryable, cause: bare(error) });
}

export function readOnlyError(cause: unknown): StorageError {
  const { code, retryable, message } = READ_ONLY;
  return new StorageError(message, { code, retryable, cause: bare(cause) });
}

function meaningOf(error: unknown): Meaning {
  const { errcode, code } = fieldsOf(error);
  if (errcode === NO_ROOM_TO_SHARE || code === 'SQLITE_IOERR_SHMSIZE') return FULL;
  const primary = primaryCode(error);
  if (primary !== undefined) return RESULTS[primary] ?? UNKNOWN;
  return isClosed(error) ? CLOSED : UNKNOWN;
}

/** The three libraries tell it in different ways. */
function primaryCode(error: unknown): number | undefined {
  const { errcode, code, message } = fieldsOf(error);
  // The upper bits tell more of the same.
  if (typeof errcode === 'number') return errcode & 0xff;
  // better-sqlite3 has names, such as SQLITE_BUSY_SNAPSHOT. @photostructure/sqlite tells nothing but the message
  // where all() fails.
  const found = Object.entries(RESULTS).find(
    ([, { name, text }]) => code === name || String(code).startsWith(`${name}_`) || message === text,
  );
  return found === undefined ? undefined : Number(found[0]);
}

function isClosed(error: unknown): boolean {
  const { code, message } = fieldsOf(error);
  // better-sqlite3 has no code for it.
  return code === 'ERR_INVALID_STATE' || message === 'The database connection is not open';
}

/** Without whatever else a library hangs on its errors. */
function bare(error: unknown): Error {
  const { code, message } = fieldsOf(error);
  const cause = new Error(redactText(typeof message === 'string' ? message : 'unknown'));
  return typeof code === 'string' ? Object.assign(cause, { code }) : cause;
}

function fieldsOf(error: unknown): { errcode?: unknown; code?: unknown; message?: unknown } {
  return error ?? {};
}
