import { TranscriptionError } from '../../errors/index.js';
import { isPrincipal } from '../is-principal.js';
import type { HttpSettings } from './options.js';
import { HttpProblem } from './problem.js';
import type { Principal, Scope } from './types.js';

/** @throws HttpProblem 401 where nobody asks, and 500 where that cannot be told. */
export async function principalOf(settings: HttpSettings, request: Request): Promise<Principal> {
  const principal = await asked(settings, request);
  if (principal === null || principal === undefined) {
    throw new HttpProblem({
      status: 401,
      code: 'unauthorized',
      detail: 'Say who you are: the request carries no valid credentials.',
      headers: { 'www-authenticate': 'Bearer' },
    });
  }
  if (isPrincipal(principal)) return principal;
  throw new TranscriptionError(
    'authorize() must return { userId, scopes? } or null: a text that is not empty, and a list of texts.',
    { code: 'internal' },
  );
}

/** @throws HttpProblem 403 */
export function requireScope({ scopes }: Principal, scope: Scope): void {
  if (scopes === undefined || scopes.includes(scope)) return;
  throw new HttpProblem({
    status: 403,
    code: 'forbidden',
    detail: `This needs the scope ${scope}, which you do not have.`,
  });
}

async function asked(settings: HttpSettings, request: Request): Promise<Principal | null> {
  try {
    return await settings.authorize(request);
  } catch (cause) {
    throw new TranscriptionError('authorize() has failed. Its error is the cause.', {
      code: 'internal',
      cause,
    });
  }
}
