import type { ContractRunner } from '../../src/testing/contract/runner.js';

interface Outcome {
  readonly rules: string[];
  readonly failed: string[];
  /** Why each failed rule did. */
  readonly reasons: string[];
}

/** Runs a suite with a runner that only writes down which rules failed. */
export async function outcomeOf(declare: (runner: ContractRunner) => void): Promise<Outcome> {
  const tests: { readonly name: string; run(): Promise<void> }[] = [];
  declare({ describe: (_name, body) => body(), it: (name, run) => tests.push({ name, run }) });
  const failed: string[] = [];
  const reasons: string[] = [];
  for (const { name, run } of tests) {
    try {
      await run();
    } catch (error) {
      failed.push(name);
      reasons.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { rules: tests.map(({ name }) => name), failed, reasons };
}

/** `storage 3` of `storage 3: a record …`. */
export function numberOf(rule: string): string {
  return rule.slice(0, rule.indexOf(':'));
}

/** The names of all rules that a suite declares. */
export function rulesOf(declare: (runner: ContractRunner) => void): string[] {
  const names: string[] = [];
  declare({ describe: (_name, body) => body(), it: (name) => names.push(name) });
  return names;
}
