// @ts-check
import { createHash } from 'node:crypto';

/** @import { Principal } from 'transcription-client/express' */

/**
 * Who has which token. Yours come from a database or from your sessions; the last one is for Prometheus.
 *
 * @type {readonly (readonly [token: string, principal: Principal])[]}
 */
const TOKENS = [
  ['token-of-ada', { userId: 'ada', scopes: ['transcribe', 'read', 'stream'] }],
  ['token-of-grace', { userId: 'grace', scopes: ['transcribe', 'read', 'stream'] }],
  ['token-of-prometheus', { userId: 'prometheus', scopes: ['metrics'] }],
];

// By their hashes: how long the search takes says nothing of a token.
const principals = new Map(TOKENS.map(([token, principal]) => [hashOf(token), principal]));

/**
 * @param {Request} request
 * @returns {Principal | null}
 */
export function userOf(request) {
  const token = /^Bearer (\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1];
  return token === undefined ? null : (principals.get(hashOf(token)) ?? null);
}

/** @param {string} token */
function hashOf(token) {
  return createHash('sha256').update(token).digest('base64');
}
