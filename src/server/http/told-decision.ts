import type { RouteDecision } from '../../contracts/index.js';
import type { ToldDecision } from './answers.js';

export function toldOf({ mode, rule, facts: { load: _load, ...facts } }: RouteDecision): ToldDecision {
  return { mode, rule, facts };
}
