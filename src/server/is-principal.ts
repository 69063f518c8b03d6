import { isPlainObject } from '../internal/validate.js';
import type { BridgePrincipal } from './websocket/types.js';

/** Scopes as one text, as OAuth has them, would be searched for parts of words. */
export function isPrincipal(value: unknown): value is BridgePrincipal {
  if (!isPlainObject(value) || typeof value.userId !== 'string' || value.userId === '') return false;
  const { scopes } = value;
  return (
    scopes === undefined || (Array.isArray(scopes) && scopes.every((scope) => typeof scope === 'string'))
  );
}
