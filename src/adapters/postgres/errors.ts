import { type ErrorCode, StorageError, TranscriptionError } from '../../errors/index.js';
import { redactText } from '../../net/redact.js';

interface Meaning {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly message: string;
}

const UNREACHABLE: Meaning = {
  code: 'storage_unavailable',
  retryable: true,
  message: 'PostgreSQL cannot be reached, or broke off the connection. Check that it runs, and try again.',
};

const REFUSED: Meaning = {
  code: 'storage_unavailable',
  retryable: false,
  message:
    'PostgreSQL refused the connection or the table. Check the user, the password, the database, the schema and the rights.',
};

const FULL: Meaning = {
  code: 'storage_full',
  retryable: true,
  message: 'PostgreSQL has no room left. Make room and try again.',
};

const NOT_UTF8: Meaning = {
  code: 'storage_schema',
  retryable: false,
  message:
    'The PostgreSQL database cannot keep every character. Use one that was made with the encoding UTF8.',
};

/** By SQLSTATE, the whole of it before its class, which is its first two characters. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  '08': UNREACHABLE,
  '57': UNREACHABLE,
  '57014': {
    code: 'storage_unavailable',
    retryable: true,
    message: 'PostgreSQL cancelled the statement. Try again, or raise its statement_timeout.',
  },
  '55P03': {
    code: 'storage_unavailable',
    retryable: true,
    message:
      'PostgreSQL waited too long for the lock of another writer. Try again, or raise its lock_timeout.',
  },
  '58': {
    code: 'storage_unavailable',
    retryable: true,
    message: 'PostgreSQL could not read or write its files. Check its disk and its log.',
  },
  '22021': NOT_UTF8,
  '22P05': NOT_UTF8,
  '28': REFUSED,
  '3D000': REFUSED,
  '3F000': REFUSED,
  '42501': REFUSED,
  '53100': FULL,
  '53200': FULL,
  '53': {
    code: 'storage_unavailable',
    retryable: true,
    message:
      'PostgreSQL has no connection left. Try again, or lower maxConnections of all processes together.',
  },
  '40': {
    code: 'storage_unavailable',
    retryable: true,
    message: 'PostgreSQL could not bring the write into an order with others. Try again.',
  },
  '25006': {
    code: 'storage_read_only',
    retryable: true,
    message: 'PostgreSQL takes no writes: it is a standby or read-only. Connect to the primary server.',
  },
  '54': {
    code: 'record_too_large',
    retryable: false,
    message: 'The record is larger, or nested deeper, than PostgreSQL takes. Split the audio.',
  },
  XX001: {
    code: 'storage_corrupt',
    retryable: false,
    message: 'The PostgreSQL database is damaged. Restore it from a backup.',
  },
  XX002: {
    code: 'storage_corrupt',
    retryable: false,
    message: 'An index of the PostgreSQL database is damaged. Run REINDEX on the table of records.',
  },
  '42P01': {
    code: 'storage_schema',
    retryable: false,
    message: 'The table of records is gone. Restore it, or restart the process, which makes a new one.',
  },
  '42703': {
    code: 'storage_schema',
    retryable: false,
    message: 'The table of records is not one of this library. Choose another name with the option table.',
  },
};

const UNREADABLE: Meaning = {
  code: 'storage_unavailable',
  retryable: false,
  message:
    'The connection string cannot be read. Write signs such as # / ? @ in its user and password as %23 %2F %3F %40.',
};

const UNKNOWN: Meaning = {
  code: 'storage_failed',
  retryable: false,
  message: 'PostgreSQL refused the statement. The cause names its error code.',
};

/** Messages of these classes, the last one being of triggers, quote what is stored. */
const QUOTES_DATA = /^(?:2[123]|P0)/;

export function toPostgresError(error: unknown): TranscriptionError {
  if (TranscriptionError.isInstance(error)) return error;
  const state = sqlState(error);
  const { message, ...details } = meaningOf(error, state);
  return new StorageError(message, { ...details, cause: bare(error, state) });
}

function meaningOf(error: unknown, state: string | undefined): Meaning {
  if (state !== undefined) return MEANINGS[state] ?? MEANINGS[state.slice(0, 2)] ?? UNKNOWN;
  const { code } = (error ?? {}) as { code?: unknown };
  return error instanceof URIError || code === 'ERR_INVALID_URL' ? UNREADABLE : UNREACHABLE;
}

/** Two writers that wait for each other: one of them is ended, and has to begin again. */
export function isConflict(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01';
}

/** False where the server answered, and its connection can be used again. */
export function isBroken(error: unknown): boolean {
  const state = sqlState(error);
  return state === undefined || state.startsWith('08') || state.startsWith('57P');
}

/** Undefined where the failure is not the server's answer. */
export function sqlState(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]+$/.test(code) ? code : undefined;
}

/** Without the details of pg, which hold records, queries and addresses. */
function bare(error: unknown, state: string | undefined): Error {
  const { code } = (error ?? {}) as { code?: unknown };
  const cause = new Error(safeText(error, state));
  return typeof code === 'string' ? Object.assign(cause, { code }) : cause;
}

function safeText(error: unknown, state: string | undefined): string {
  if (!(error instanceof Error)) return 'unknown';
  if (state !== undefined && QUOTES_DATA.test(state)) return `PostgreSQL error ${state}`;
  // Of a type parser that a pool was given: it quotes what it cannot parse.
  return error instanceof SyntaxError ? error.name : redactText(error.message);
}
