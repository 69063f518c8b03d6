import type { JobWebhook, WebhookOptions, WebhookSecrets } from '../contracts/webhook.js';
import { BadRequestError } from '../errors/index.js';
import { defined } from '../internal/defined.js';
import { checkBoolean, checkKeys, checkPlainObject } from '../internal/validate.js';
import type { WebhookTargets } from '../webhooks/index.js';
import { keysOf } from '../webhooks/signature.js';
import type { JobWebhookData } from './record.js';

/**
 * The webhook of a job as its record holds it.
 *
 * @throws BadRequestError where the URL is refused, or where nothing signs the messages.
 */
export function toWebhookData(
  webhook: JobWebhook,
  targets: WebhookTargets,
  clientSecret: WebhookOptions['secret'],
): JobWebhookData {
  checkPlainObject('webhook', webhook);
  checkKeys('webhook', webhook, ['url', 'secret', 'includeText']);
  checkBoolean('webhook.includeText', webhook.includeText);
  const { url, secret, includeText } = webhook;
  targets.check(url);
  if (secret !== undefined) keysOf(listOf(secret), 'webhook.secret');
  else if (clientSecret === undefined) throw noSecret();
  const secrets = secret === undefined ? undefined : listOf(secret);
  return { url, ...defined({ secrets, includeText }) };
}

/** Those of the job, or of the client for its user. */
export async function secretsOf(
  { secrets }: JobWebhookData,
  clientSecret: WebhookOptions['secret'],
  userId: string | undefined,
): Promise<readonly string[]> {
  if (secrets !== undefined) return secrets;
  const found = typeof clientSecret === 'function' ? await clientSecret(defined({ userId })) : clientSecret;
  if (found === undefined) throw noSecret();
  return listOf(found);
}

function listOf(secrets: WebhookSecrets): readonly string[] {
  return typeof secrets === 'string' ? [secrets] : secrets;
}

function noSecret(): BadRequestError {
  return new BadRequestError(
    'A webhook needs a secret, with which its receiver knows that it comes from you. Set webhooks.secret of the ' +
      'client, or the secret of the webhook.',
    { code: 'invalid_option' },
  );
}
