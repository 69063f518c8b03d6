import { expect, it } from 'vitest';
import type { ContractOptions, ContractRunner } from '../../src/testing/contract/runner.js';
import { numberOf, outcomeOf, rulesOf } from './failed-rules.js';

/** How to open an adapter that violates one rule. */
export type BrokenAdapter<Options> = Options & {
  /** Rules that say what the violated one says, and more. */
  readonly alsoFails?: readonly string[];
};

type Suite<Options> = (runner: ContractRunner, options: Options) => void;

/** How long a broken adapter may leave a rule waiting. */
const TIMEOUT_MS = 1500;

/**
 * Declares the tests that prove a suite: each of its rules has a broken adapter, which violates that rule and
 * keeps all others. `complete` states all capabilities, so that all rules are declared.
 */
export function proveRules<Options extends ContractOptions<never>>(
  suite: Suite<Options>,
  complete: Options,
  broken: Readonly<Record<string, BrokenAdapter<Options>>>,
): void {
  it('has a broken adapter for each rule', () => {
    const rules = rulesOf((runner) => suite(runner, complete)).map(numberOf);
    expect(Object.keys(broken).sort(byNumber)).toEqual(rules.sort(byNumber));
  });

  it('numbers its rules from 1, without a gap, and names each once', () => {
    const rules = rulesOf((runner) => suite(runner, complete));
    const numbers = rules.map((rule) => Number(numberOf(rule).split(' ')[1])).sort((a, b) => a - b);
    expect(numbers).toEqual(rules.map((_, index) => index + 1));
    expect(new Set(rules.map((rule) => rule.slice(rule.indexOf(':')))).size).toBe(rules.length);
  });

  it('passes a sound adapter with all capabilities', async () => {
    expect((await outcomeOf((runner) => suite(runner, complete))).reasons).toEqual([]);
  });

  it.concurrent.each(Object.entries(broken))(
    'catches a violation of %s, and nothing else',
    async (rule, { alsoFails = [], ...options }) => {
      const { failed, reasons } = await outcomeOf((runner) =>
        suite(runner, { timeoutMs: TIMEOUT_MS, ...options } as unknown as Options),
      );
      expect(failed.map(numberOf).sort(byNumber), reasons.join('\n')).toEqual(
        [rule, ...alsoFails].sort(byNumber),
      );
    },
  );
}

function byNumber(left: string, right: string): number {
  return left.localeCompare(right, 'en', { numeric: true });
}
