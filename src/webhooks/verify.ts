import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../contracts/index.js';
import { AuthError, BadRequestError } from '../errors/index.js';
import { bytesOf } from '../internal/bytes.js';
import { checkOptions } from '../internal/check-arguments.js';
import { systemClock } from '../internal/system-clock.js';
import { checkMethods, checkNumber } from '../internal/validate.js';
import { MAX_PAYLOAD_BYTES, type WebhookEvent } from './event.js';
import { signatureHeadersOf, type WebhookHeaders } from './headers.js';
import { parsePayload } from './parse.js';
import { isMessageId, keyOf, keysOf, signatureOf } from './signature.js';

interface CommonOptions {
  /** Of the request: a fetch `Headers`, the object of Node (`request.headers`), or entries. */
  readonly headers: WebhookHeaders;
  /** Of the request, as it came: its text or its bytes, never what was parsed of it. At most 1 MiB. */
  readonly body: string | Uint8Array | ArrayBuffer;
  /** How far the time of the message may lie in the past or the future, in seconds. Default 300. */
  readonly toleranceSeconds?: number | undefined;
  /** Default: the machine's. */
  readonly clock?: Pick<Clock, 'wallMs'> | undefined;
}

export type VerifyWebhookOptions = CommonOptions &
  (
    | {
        /**
         * `whsec_` and the base64 of 24 to 64 bytes, or any other string of 24 to 1024 characters, whose UTF-8 bytes
         * are the key.
         */
        readonly secret: string;
        readonly secrets?: undefined;
      }
    | {
        /** 1 to 10, of which one has to fit: the old one and the new one, while they are being changed. */
        readonly secrets: readonly string[];
        readonly secret?: undefined;
      }
  );

const KEYS = ['headers', 'body', 'secret', 'secrets', 'toleranceSeconds', 'clock'];
const DEFAULT_TOLERANCE_SECONDS = 300;

/**
 * For the receiver of webhooks: checks that a request came from who has the secret, and lately, and resolves to what
 * it says. The signature is that of Standard Webhooks.
 *
 * ```ts
 * const event = await verifyWebhook({ headers: request.headers, body: await request.text(), secret });
 * ```
 *
 * Rejects with the code `invalid_signature`: a BadRequestError where the request is no webhook of this library, an
 * AuthError where its signature is wrong or its time outside of the tolerance. Rejects with a BadRequestError
 * `invalid_option` for wrong options, such as a body that has been parsed. A message may come more than once, with the
 * same `id`.
 */
export async function verifyWebhook(options: VerifyWebhookOptions): Promise<WebhookEvent> {
  checkOptions('verifyWebhook()', options, KEYS);
  const { headers, body, toleranceSeconds = DEFAULT_TOLERANCE_SECONDS, clock = systemClock } = options;
  checkNumber('toleranceSeconds', toleranceSeconds, { min: 0 });
  checkMethods('clock', clock, ['wallMs']);
  const keys = verificationKeysOf(options);
  const bytes = rawBytesOf(body);
  const { id, timestamp, signatures } = signatureHeadersOf(headers);
  if (!isMessageId(id)) throw malformed('its header webhook-id is missing or no id');
  if (!/^\d{1,12}$/.test(timestamp)) throw malformed('its header webhook-timestamp is missing or no time');
  if (signatures === '') throw malformed('its header webhook-signature is missing or too long');
  checkAge(Math.floor(clock.wallMs() / 1000) - Number(timestamp), toleranceSeconds);
  const expected = keys.map((key) => signatureOf(key, id, timestamp, bytes));
  if (!hasOneOf(signatures, expected)) {
    throw forged('no signature fits. Check the secret, and that the body is handed in exactly as it came');
  }
  const payload = parsePayload(bytes);
  if (payload === undefined) throw malformed('its body is none that this version knows');
  return { id, ...payload };
}

function verificationKeysOf({ secret, secrets }: VerifyWebhookOptions): readonly Uint8Array[] {
  if (secret !== undefined && secrets !== undefined) {
    throw new BadRequestError('Give either secret or secrets, not both.', { code: 'invalid_option' });
  }
  return secrets === undefined ? [keyOf(secret, 'secret')] : keysOf(secrets);
}

function rawBytesOf(body: unknown): Uint8Array {
  const raw = typeof body === 'string' ? body : bytesOf(body);
  if (raw === undefined) {
    throw new BadRequestError(
      'The option body must be the body of the request as it came, because the signature covers its bytes. In Next.js ' +
        "it is `await request.text()`, in Express `request.body` behind `express.raw({ type: 'application/json' })`.",
      { code: 'invalid_option' },
    );
  }
  // Not turned into bytes first, which would double the memory of a body that is too long.
  const bytes = typeof raw === 'string' && raw.length <= MAX_PAYLOAD_BYTES ? Buffer.from(raw, 'utf8') : raw;
  if (typeof bytes === 'string' || bytes.byteLength > MAX_PAYLOAD_BYTES) {
    throw malformed(`its body is longer than ${MAX_PAYLOAD_BYTES} bytes`);
  }
  return bytes;
}

function checkAge(ageSeconds: number, toleranceSeconds: number): void {
  if (Math.abs(ageSeconds) <= toleranceSeconds) return;
  throw forged(
    `its time lies ${Math.abs(ageSeconds)} s in the ${ageSeconds > 0 ? 'past' : 'future'}, and ${toleranceSeconds} s ` +
      'are let through. Check the clock of this machine, and take it for a replay otherwise',
  );
}

/** Versions other than v1 are signatures of other kinds. */
function hasOneOf(signatures: string, expected: readonly string[]): boolean {
  let hasOne = false;
  for (const entry of signatures.split(' ')) {
    const [version, signature = ''] = entry.split(',', 2);
    if (version === 'v1' && expected.some((right) => isEqual(signature, right))) hasOne = true;
  }
  return hasOne;
}

function isEqual(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

function malformed(reason: string): BadRequestError {
  return new BadRequestError(`The request is refused as a webhook, because ${reason}.`, {
    code: 'invalid_signature',
  });
}

function forged(reason: string): AuthError {
  return new AuthError(`The request is refused as a webhook, because ${reason}.`, {
    code: 'invalid_signature',
  });
}
