import type { Clock } from '../../contracts/clock.js';
import type { LimitsAdapter } from '../../contracts/limits.js';
import { checkSuite } from './check-suite.js';
import { placeClauses } from './limits-places.js';
import { rateClauses } from './limits-rate.js';
import { LimitsRig } from './limits-rig.js';
import { waitingClauses } from './limits-waiting.js';
import { type ContractOptions, type ContractRunner, type ContractTime, runSuite } from './runner.js';

/** The limits that a rule wants to see kept. They are those of the client's option `limits`. */
export interface ContractLimits {
  /** Pre-recorded requests at the same time. */
  readonly maxConcurrent: number;
  /** Live streams at the same time. */
  readonly maxConcurrentStreams: number;
  /** Starts of pre-recorded requests in any 60 seconds. Undefined: no limit. */
  readonly requestsPerMinute: number | undefined;
  /** Callers that may wait for one key. */
  readonly maxWaiting: number;
}

export interface LimitsContractOptions extends ContractOptions<LimitsAdapter> {
  /** Default `injected`. With `real` the rules that need minutes to pass do not run. */
  readonly time?: ContractTime;
  /** An adapter that nobody holds a place of. Called once for each set of limits that a rule needs. */
  create(limits: ContractLimits, clock: Clock): LimitsAdapter | Promise<LimitsAdapter>;
}

/**
 * Checks a limits adapter against the contract, one test for each rule.
 *
 * ```ts
 * testLimitsContract({ describe, it }, {
 *   create: (limits, clock) => createMyLimits({ ...limits, clock }),
 * });
 * ```
 *
 * Throws a TypeError or RangeError for a wrong option.
 */
export function testLimitsContract(runner: ContractRunner, options: LimitsContractOptions): void {
  checkSuite('testLimitsContract()', runner, options, { keys: ['time'] });
  const time = options.time ?? 'injected';
  for (const [title, limits, clauses] of [
    ['limits contract: places', { ...DEFAULTS, maxConcurrent: 3 }, placeClauses],
    ['limits contract: waiting', { ...DEFAULTS, maxWaiting: 4 }, waitingClauses],
    ['limits contract: rate', { ...DEFAULTS, maxConcurrent: 100, requestsPerMinute: 5 }, rateClauses],
  ] as const) {
    runSuite(runner, {
      title,
      clauses,
      stated: { clock: time === 'injected' },
      time,
      options,
      open: (clock) => options.create(limits, clock),
      another: (clock) => options.create(limits, clock),
      context: (subject) => new LimitsRig(subject),
    });
  }
}

const DEFAULTS: ContractLimits = {
  maxConcurrent: 1,
  maxConcurrentStreams: 2,
  requestsPerMinute: undefined,
  maxWaiting: 1000,
};
