import { audioNotFound } from '../../audio/stored-refs.js';
import { type ErrorDetails, StorageError, TranscriptionError } from '../../errors/index.js';
import { redactText } from '../../net/redact.js';

interface Meaning extends Pick<ErrorDetails, 'code' | 'retryable'> {
  readonly advice: string;
}

const NO_BUCKET: Meaning = {
  code: 'storage_unavailable',
  advice: 'There is no such bucket: check its name, and the region and endpoint of the client, or make it.',
};
const NO_ACCESS: Meaning = {
  code: 'storage_unavailable',
  advice:
    'Check the credentials of the client, the clock of this machine, and that they grant s3:PutObject, ' +
    's3:GetObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucket.',
};
const WRONG_REGION: Meaning = {
  code: 'storage_unavailable',
  advice: 'The bucket is elsewhere: check the region and the endpoint of the client.',
};
const FULL: Meaning = {
  code: 'storage_full',
  retryable: true,
  advice: 'Make room, with purge() for one, or raise the quota.',
};
const PASSING: Meaning = {
  code: 'storage_unavailable',
  retryable: true,
  advice: 'Try again later; where it lasts, check the network and the endpoint of the client.',
};
const OTHER: Meaning = { code: 'storage_failed', advice: 'The cause says what failed.' };

const BY_NAME: ReadonlyMap<string, Meaning> = new Map([
  ['NoSuchBucket', NO_BUCKET],
  ['AuthorizationHeaderMalformed', WRONG_REGION],
  ['PermanentRedirect', WRONG_REGION],
  ['CredentialsProviderError', NO_ACCESS],
  ['ExpiredToken', NO_ACCESS],
  ['InvalidToken', NO_ACCESS],
  ['TokenRefreshRequired', NO_ACCESS],
  // A completed upload is gone where the answer was lost and the request was sent again.
  ['NoSuchUpload', PASSING],
  ['RequestTimeout', PASSING],
  ['TimeoutError', PASSING],
]);

const BY_STATUS: ReadonlyMap<number, Meaning> = new Map([
  [301, WRONG_REGION],
  [307, PASSING],
  [401, NO_ACCESS],
  [403, NO_ACCESS],
  [408, PASSING],
  [409, PASSING],
  [429, PASSING],
  [501, OTHER],
  [507, FULL],
]);

/** What an error of the SDK means for the audio. Our own errors stay as they are. */
export function s3Error(what: string, error: unknown): TranscriptionError {
  if (TranscriptionError.isInstance(error)) return error;
  const facts = factsOf(error);
  if (isMissing(facts)) return audioNotFound();
  const { code, retryable = false, advice } = meaningOf(facts);
  const shown = [facts.name, facts.status].filter((fact) => fact !== undefined).join(', ');
  return new StorageError(`${what} (${shown}). ${advice}`, { code, retryable, cause: causeOf(error) });
}

/** What the SDK does, with typed failures. */
export async function typed<Value>(what: string, doing: Promise<Value>): Promise<Value> {
  try {
    return await doing;
  } catch (error) {
    throw s3Error(what, error);
  }
}

interface Facts {
  readonly name: string;
  readonly status: number | undefined;
  /** The connection failed, or something on its way. */
  readonly isNetwork: boolean;
}

/** What Node calls a failure of the network. Its `ERR_…` are mistakes, but for this one. */
const ERRNO = /^(E(?!RR_)[A-Z_]+|ERR_STREAM_PREMATURE_CLOSE)$/;

function factsOf(error: unknown): Facts {
  const { name, code, $metadata, $retryable } = (error ?? {}) as Record<string, unknown>;
  const status = ($metadata as { httpStatusCode?: unknown } | undefined)?.httpStatusCode;
  const errno = typeof code === 'string' && ERRNO.test(code) ? code : undefined;
  const said = typeof name === 'string' && /^[\w.-]{1,80}$/.test(name) ? name : 'unknown error';
  return {
    name: said === 'Error' && errno !== undefined ? errno : said,
    status: typeof status === 'number' ? status : undefined,
    isNetwork: errno !== undefined || $retryable !== undefined,
  };
}

/** The answer to a HEAD has no body, and so no better name. */
function isMissing({ name }: Facts): boolean {
  return name === 'NoSuchKey' || name === 'NotFound';
}

function meaningOf({ name, status, isNetwork }: Facts): Meaning {
  const known = BY_NAME.get(name) ?? (status === undefined ? undefined : BY_STATUS.get(status));
  if (known !== undefined) return known;
  return isNetwork || (status ?? 0) >= 500 ? PASSING : OTHER;
}

const SIGNATURE = /\b(signature|credential|x-amz-[\w-]+|awsaccesskeyid|authorization)(\s*[=:]\s*)[^\s,&]+/gi;

/** Built anew: the SDK hangs the answer on its errors, and the answer the request with its credentials. */
function causeOf(error: unknown): Error {
  const { name = 'Error', message = '' } = (error ?? {}) as { name?: unknown; message?: unknown };
  const text = redactText(`${String(name)}: ${String(message)}`);
  return new Error(text.replace(SIGNATURE, '$1$2***'));
}
