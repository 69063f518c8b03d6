import type {
  RouteDecision,
  RouteFacts,
  RouteRule,
  RouterOptions,
  TranscriptMode,
} from '../contracts/index.js';
import { BadRequestError } from '../errors/index.js';
import { invalidOption } from '../internal/validate.js';
import { checkRules } from './router-options.js';
import { builtInRules } from './rules.js';
import { resolveThresholds } from './thresholds.js';

/** Decides the mode of a submission. The same facts always get the same answer. */
export type Router = (facts: RouteFacts) => RouteDecision;

/** @throws BadRequestError where the function `router.rules` fails or returns no rules. */
export function createRouter(options: RouterOptions = {}): Router {
  const thresholds = resolveThresholds(options);
  const rules = compose(options.rules, builtInRules(thresholds));
  return (given) => {
    const facts = Object.freeze({ ...given, load: Object.freeze({ ...given.load }) });
    for (const rule of rules) {
      const mode = ask(rule, facts);
      if (mode !== undefined) return { mode: checkMode(rule.name, mode), rule: rule.name, facts };
    }
    return { mode: thresholds.otherwise, rule: 'otherwise', facts };
  };
}

function compose(rules: RouterOptions['rules'], builtIn: readonly RouteRule[]): readonly RouteRule[] {
  if (typeof rules === 'function') return composeBy(rules, builtIn);
  const [askedFor, ...others] = builtIn as [RouteRule, ...RouteRule[]];
  return [askedFor, ...(rules ?? []), ...others];
}

function composeBy(
  choose: Extract<RouterOptions['rules'], (...parameters: never) => unknown>,
  builtIn: readonly RouteRule[],
): readonly RouteRule[] {
  let chosen: readonly RouteRule[];
  try {
    chosen = choose(builtIn);
  } catch (cause) {
    throw failed('The function router.rules', cause);
  }
  checkRules(chosen ?? null);
  return [...chosen];
}

function ask(rule: RouteRule, facts: RouteFacts): TranscriptMode | undefined {
  try {
    return rule.decide(facts);
  } catch (cause) {
    throw failed(`The rule ${rule.name} of router.rules`, cause);
  }
}

function failed(what: string, cause: unknown): BadRequestError {
  return new BadRequestError(`${what} failed. Its error is the cause.`, { code: 'invalid_option', cause });
}

function checkMode(rule: string, mode: unknown): TranscriptMode {
  if (mode === 'sync' || mode === 'async' || mode === 'stream') return mode;
  // An async function has returned a promise, which may fail.
  Promise.resolve(mode).catch(() => undefined);
  throw invalidOption(
    `router.rules (${rule})`,
    "a rule that returns 'sync', 'async', 'stream' or undefined",
    mode,
  );
}
