import type {
  RouteDecision,
  RouteFacts,
  RouteRule,
  RouterOptions,
  TranscriptMode,
} from '../contracts/index.js';
import { BadRequestError } from '../errors/index.js';
import { invalidOption } from '../internal/validate.js';
import { askedFor, liveAudio, longAudio, shortAudio } from './rules.js';
import { resolveThresholds } from './thresholds.js';

/** Decides the mode of a submission. The same facts always get the same answer. */
export type Router = (facts: RouteFacts) => RouteDecision;

export function createRouter(options: RouterOptions = {}): Router {
  const { syncBelowSeconds, asyncAboveSeconds, otherwise } = resolveThresholds(options);
  const rules: readonly RouteRule[] = [
    askedFor,
    ...(options.rules ?? []),
    liveAudio,
    shortAudio(syncBelowSeconds),
    longAudio(asyncAboveSeconds),
  ];
  return (facts) => {
    for (const rule of rules) {
      const mode = ask(rule, facts);
      if (mode !== undefined) return { mode: checkMode(rule.name, mode), rule: rule.name, facts };
    }
    return { mode: otherwise, rule: 'otherwise', facts };
  };
}

function ask(rule: RouteRule, facts: RouteFacts): TranscriptMode | undefined {
  try {
    return rule.decide(facts);
  } catch (cause) {
    throw new BadRequestError(`The rule ${rule.name} of router.rules failed. Its error is the cause.`, {
      code: 'invalid_option',
      cause,
    });
  }
}

function checkMode(rule: string, mode: unknown): TranscriptMode {
  if (mode === 'sync' || mode === 'async' || mode === 'stream') return mode;
  throw invalidOption(
    `router.rules (${rule})`,
    "a rule that returns 'sync', 'async', 'stream' or undefined",
    mode,
  );
}
