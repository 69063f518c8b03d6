import type { Clock } from '../../contracts/clock.js';
import type { LimitsAdapter } from '../../contracts/limits.js';
import { requireFunction } from '../check-options.js';
import { checkSuite } from './check-suite.js';
import { placeClauses } from './limits-places.js';
import { rateClauses } from './limits-rate.js';
import { LimitsRig } from './limits-rig.js';
import { sharedPlaceClauses, sharedRateClauses } from './limits-sharing.js';
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
  /**
   * For limits that several processes share: one more adapter of the back end of the given one, with the same
   * limits. Without it the rules about sharing do not run.
   */
  reopen?(first: LimitsAdapter, limits: ContractLimits, clock: Clock): LimitsAdapter | Promise<LimitsAdapter>;
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
  checkSuite('testLimitsContract()', runner, options, { keys: ['time', 'reopen'] });
  if (options.reopen !== undefined) requireFunction('reopen', options.reopen);
  const time = options.time ?? 'injected';
  for (const [title, limits, clauses] of [
    ['limits contract: places', { ...DEFAULTS, maxConcurrent: 3 }, [...placeClauses, ...sharedPlaceClauses]],
    ['limits contract: waiting', { ...DEFAULTS, maxWaiting: 4 }, waitingClauses],
    [
      'limits contract: rate',
      { ...DEFAULTS, maxConcurrent: 100, requestsPerMinute: 5 },
      [...rateClauses, ...sharedRateClauses],
    ],
  ] as const) {
    runSuite(runner, {
      title,
      clauses,
      stated: { clock: time === 'injected', shared: options.reopen !== undefined },
      time,
      options,
      open: (clock) => options.create(limits, clock),
      another: (clock, first) => options.reopen?.(first, limits, clock) ?? options.create(limits, clock),
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
