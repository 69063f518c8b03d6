import { copyOf } from './internal/check-arguments.js';
import type { VerifyWebhookOptions, WebhookEvent } from './webhooks/index.js';

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
  // The caller may use the object again while the code is loading, which few that import the library need.
  const given = copyOf(options);
  const { verifyWebhook: verify } = await import('./webhooks/verify.js');
  return verify(given);
}
