import type { StreamAnswer, ToldDecision } from './answers.js';
import { invalidRequest } from './body.js';
import { requireScope } from './principal.js';
import type { UserRates } from './rates.js';
import type { OwnCall } from './types.js';

/**
 * Where the browser streams to, and what opens that.
 *
 * @throws HttpProblem 403 without the scope, 429 for too many tokens, and 400 where nobody can stream here.
 */
export async function streamTicket(
  { principal, settings }: OwnCall,
  rates: UserRates,
  decision?: ToldDecision,
): Promise<StreamAnswer> {
  requireScope(principal, 'stream');
  const { stream } = settings;
  if (stream === undefined) {
    throw invalidRequest([{ field: 'mode', message: 'There is no streaming here. Use sync or async.' }]);
  }
  rates.count(principal);
  const { token, expiresInSeconds } = await stream.tokens.issue(principal);
  return { mode: 'stream', url: stream.url, token, expiresInSeconds, ...(decision && { decision }) };
}
