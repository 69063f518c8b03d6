import { type ErrorCode, StorageError, TranscriptionError } from '../../errors/index.js';

interface Meaning {
  readonly code: ErrorCode;
  readonly retryable?: boolean;
  readonly advice: string;
}

const FULL: Meaning = {
  code: 'storage_full',
  retryable: true,
  advice: 'The disk is full: make room, with purge() for one.',
};
const READ_ONLY: Meaning = {
  code: 'storage_read_only',
  advice:
    'This process may not do that there: check the rights of the folder, and how its file system is mounted.',
};
const TOO_MANY_OPEN: Meaning = {
  code: 'storage_unavailable',
  retryable: true,
  advice: 'Too many files are open: try again later, or raise the limit.',
};

const MEANINGS: ReadonlyMap<unknown, Meaning> = new Map([
  ['ENOSPC', FULL],
  ['EDQUOT', FULL],
  ['EROFS', READ_ONLY],
  ['EACCES', READ_ONLY],
  ['EPERM', READ_ONLY],
  ['EMFILE', TOO_MANY_OPEN],
  ['ENFILE', TOO_MANY_OPEN],
]);

/** What an error of the file system means for the audio. Our own errors stay as they are. */
export function fileError(what: string, cause: unknown): TranscriptionError {
  if (TranscriptionError.isInstance(cause)) return cause;
  const errno = errnoOf(cause);
  const {
    code,
    retryable = false,
    advice,
  } = MEANINGS.get(errno) ?? {
    code: 'storage_failed',
    advice: 'Check the disk.',
  };
  return new StorageError(`${what} (${errno ?? 'unknown error'}). ${advice}`, { code, retryable, cause });
}

export function errnoOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** What the file system does, with typed failures. */
export async function typed<Value>(what: string, doing: Promise<Value>): Promise<Value> {
  try {
    return await doing;
  } catch (error) {
    throw fileError(what, error);
  }
}
