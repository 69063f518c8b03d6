import { createHmac } from 'node:crypto';
import { BadRequestError } from '../errors/index.js';

/**
 * Signatures by the Standard Webhooks specification, version 1 with shared secrets: HMAC-SHA256 of
 * `id.timestamp.body`, in base64.
 */
export interface SignWebhookOptions {
  /** Of the message, the same for each attempt: 1 to 256 visible ASCII characters, no full stop. */
  readonly id: string;
  /** When this attempt was made, in seconds since 1970-01-01 UTC. */
  readonly timestampSeconds: number;
  readonly body: string | Uint8Array;
  /**
   * One signature for each. Two secrets at a time let a receiver change from one to the other.
   *
   * A secret is `whsec_` and the base64 of 24 to 64 bytes, or any other string of 24 to 1024 characters, whose UTF-8
   * bytes are the key: other libraries call that the raw format.
   */
  readonly secrets: readonly string[];
}

/**
 * The value of the header `webhook-signature`: `v1,<base64>` for each secret, with blanks between.
 *
 * Throws a BadRequestError `invalid_option` for a wrong id, timestamp or secret. No error holds a secret.
 */
export function signWebhook({ id, timestampSeconds, body, secrets }: SignWebhookOptions): string {
  if (!isMessageId(id)) {
    throw wrongOption('id', '1 to 256 visible ASCII characters without a full stop');
  }
  if (!Number.isSafeInteger(timestampSeconds) || timestampSeconds < 0) {
    throw wrongOption('timestampSeconds', 'a whole number of seconds since 1970');
  }
  const keys = keysOf(secrets);
  return keys.map((key) => `v1,${signatureOf(key, id, String(timestampSeconds), body)}`).join(' ');
}

/** With a full stop in it one signature would fit several messages. */
export function isMessageId(id: unknown): id is string {
  return typeof id === 'string' && /^[!-\-/-~]{1,256}$/.test(id);
}

export function signatureOf(
  key: Uint8Array,
  id: string,
  timestamp: string,
  body: string | Uint8Array,
): string {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
}

const MAX_SECRETS = 10;

/** Throws a BadRequestError where one of the secrets is none. */
export function keysOf(secrets: readonly string[], option = 'secrets'): readonly Uint8Array[] {
  if (!Array.isArray(secrets) || secrets.length === 0 || secrets.length > MAX_SECRETS) {
    throw wrongOption(option, `an array of 1 to ${MAX_SECRETS} secrets`);
  }
  return Array.from(secrets, (secret, index) => keyOf(secret, `${option}[${index}]`));
}

const PREFIX = 'whsec_';
const MIN_LENGTH = 24;
const MAX_KEY_BYTES = 64;
const MAX_RAW_LENGTH = 1024;

/** Throws a BadRequestError where the secret is none. Its message never holds what was given. */
export function keyOf(secret: unknown, option: string): Uint8Array {
  if (typeof secret !== 'string') throw wrongOption(option, SECRET);
  if (!secret.startsWith(PREFIX)) {
    if (secret.length < MIN_LENGTH || secret.length > MAX_RAW_LENGTH) throw wrongOption(option, SECRET);
    return Buffer.from(secret, 'utf8');
  }
  const text = secret.slice(PREFIX.length);
  const key = Buffer.from(text, 'base64');
  // The decoder passes over what is no base64.
  if (key.length < MIN_LENGTH || key.length > MAX_KEY_BYTES || key.toString('base64') !== text) {
    throw wrongOption(option, SECRET);
  }
  return key;
}

const SECRET =
  `${PREFIX} and the base64 of ${MIN_LENGTH} to ${MAX_KEY_BYTES} bytes, or another string of ${MIN_LENGTH} to ` +
  `${MAX_RAW_LENGTH} characters`;

/** Without the value, which is a secret or stands where one belongs. */
function wrongOption(option: string, expected: string): BadRequestError {
  return new BadRequestError(`The option ${option} must be ${expected}.`, { code: 'invalid_option' });
}
