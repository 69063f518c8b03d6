import type { Secret } from '../contracts/index.js';
import { AuthError, TranscriptionError } from '../errors/index.js';

/** What authorises one connection. */
export type Credentials =
  | { readonly kind: 'key'; readonly apiKey: string }
  | { readonly kind: 'token'; readonly accessToken: string };

/** What must not show anywhere. */
export function secretOf(credentials: Credentials): string {
  return credentials.kind === 'key' ? credentials.apiKey : credentials.accessToken;
}

/** Asked once for each connection, so that tokens may be short-lived. */
export type CredentialsProvider = () => Promise<Credentials>;

export interface CredentialOptions {
  readonly apiKey: Secret | undefined;
  readonly accessToken: Secret | undefined;
  /** Read at the time of the call. */
  readonly environment: () => {
    readonly apiKey?: string | undefined;
    readonly accessToken?: string | undefined;
  };
}

/** Options come before the environment: there the token before the key, in the environment the key before the token. */
export function createCredentialsProvider(options: CredentialOptions): CredentialsProvider {
  return async () => {
    if (options.accessToken !== undefined) return token(await read(options.accessToken, 'accessToken'));
    if (options.apiKey !== undefined) return key(await read(options.apiKey, 'apiKey'));
    const { apiKey, accessToken } = options.environment();
    if (apiKey) return key(await read(apiKey, 'DEEPGRAM_API_KEY'));
    if (accessToken) return token(await read(accessToken, 'DEEPGRAM_ACCESS_TOKEN'));
    throw new AuthError(
      'No Deepgram credentials. Set DEEPGRAM_API_KEY, or pass apiKey or accessToken to new TranscriptionClient().',
      { code: 'missing_credentials' },
    );
  };
}

function key(apiKey: string): Credentials {
  return { kind: 'key', apiKey };
}

function token(accessToken: string): Credentials {
  return { kind: 'token', accessToken };
}

async function read(secret: Secret, name: string): Promise<string> {
  const value = typeof secret === 'string' ? secret : await call(secret, name);
  if (typeof value === 'string' && value.trim() !== '') return headerSafe(value.trim(), name);
  throw new AuthError(`${name} is empty. Pass a Deepgram key or token, or a function that returns one.`, {
    code: 'missing_credentials',
  });
}

/** What a header cannot carry would fail later, in a message that shows the secret. */
function headerSafe(value: string, name: string): string {
  if (/^[\x21-\x7e]+$/.test(value)) return value;
  throw new AuthError(
    `${name} contains spaces, line breaks or other characters that no Deepgram key has. Copy it again.`,
    { code: 'invalid_credentials' },
  );
}

/** A function that fails may have a bad moment, unlike one that returns a wrong value: it is worth another call. */
async function call(secret: () => string | Promise<string>, name: string): Promise<string> {
  try {
    return await secret();
  } catch (cause) {
    if (TranscriptionError.isInstance(cause)) throw cause;
    throw new AuthError(`The function ${name} failed. Its error is the cause.`, {
      code: 'missing_credentials',
      retryable: true,
      cause,
    });
  }
}
