import type { IncomingMessage } from 'node:http';
import { TranscriptionError } from '../../errors/index.js';
import { redactText, secretsOfUrl } from '../../net/redact.js';

/** A function of the caller's has failed. Of what it says, the secrets of the request are left out. */
export function functionFailed(
  name: string,
  cause: unknown,
  secrets: readonly string[] = [],
): TranscriptionError {
  const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new TranscriptionError(`The function ${name} of the WebSocket bridge has failed.`, {
    code: 'internal',
    cause: new Error(redactText(text, 300, secrets)),
  });
}

const SECRET_HEADERS = ['authorization', 'cookie', 'sec-websocket-protocol'] as const;
const MIN_SECRET_LENGTH = 8;

/** What in a request may open a door: of its URL, its credentials and its cookies. The longest come first. */
export function secretsOfRequest({ url = '/', headers }: IncomingMessage): readonly string[] {
  const values = SECRET_HEADERS.flatMap((name) => headers[name] ?? []);
  const parts = values.flatMap((value) => [value, ...value.split(/[\s;,=]+/), ...value.split(/[\s;,]+/)]);
  const target = `http://bridge${url.startsWith('/') ? url : '/'}`;
  const ofUrl = URL.canParse(target) ? secretsOfUrl(target) : [];
  return [...new Set([...parts, ...ofUrl])]
    .filter((part) => part.length >= MIN_SECRET_LENGTH)
    .sort((a, b) => b.length - a.length);
}
