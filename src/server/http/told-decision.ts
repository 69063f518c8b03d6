import type { RouteDecision, RouteFacts } from '../../contracts/index.js';

/** What an answer tells of a decision: how busy the server is concerns nobody else. */
export interface ToldDecision extends Omit<RouteDecision, 'facts'> {
  readonly facts: Omit<RouteFacts, 'load'>;
}

export function toldOf({ mode, rule, facts: { load: _load, ...facts } }: RouteDecision): ToldDecision {
  return { mode, rule, facts };
}
