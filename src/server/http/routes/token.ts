import { json } from '../json.js';
import type { HttpSettings } from '../options.js';
import { UserRates } from '../rates.js';
import type { Route } from '../types.js';

/** `POST /token`: a short-lived token of Deepgram's, for a browser. The API key stays here. */
export function tokenRoute({ clock, limits, token: options }: HttpSettings): Route {
  const rates = new UserRates(clock, limits.tokensPerMinute);
  return {
    method: 'POST',
    path: '/token',
    scope: 'stream',
    async handle({ client, request, principal }) {
      rates.count(principal);
      const { token, expiresInSeconds } = await client.grantToken({ ...options, signal: request.signal });
      return json({ token, expiresInSeconds });
    },
  };
}
