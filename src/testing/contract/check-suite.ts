import { requireFunction, requireKeys, requireOneOf, requireWithin } from '../check-options.js';
import type { ContractOptions, ContractRunner, ContractTime } from './runner.js';

interface Known {
  /** Options of this suite alone. */
  readonly keys?: readonly string[];
  /** Names of the capabilities, where the suite takes them. */
  readonly capabilities?: readonly string[];
}

interface SuiteOptions extends ContractOptions<never> {
  readonly create?: unknown;
  readonly capabilities?: object;
  readonly time?: ContractTime;
}

const SHARED_KEYS = ['create', 'dispose', 'timeoutMs'];

/** An option that is misspelt would leave rules out in silence. Throws a TypeError or RangeError. */
export function checkSuite(
  suite: string,
  runner: ContractRunner,
  options: SuiteOptions,
  { keys = [], capabilities }: Known,
): void {
  requireFunction(`${suite}: describe of the runner`, runner?.describe);
  requireFunction(`${suite}: it of the runner`, runner?.it);
  requireKeys(`the options of ${suite}`, options, [
    ...SHARED_KEYS,
    ...keys,
    ...(capabilities === undefined ? [] : ['capabilities', 'reopen']),
  ]);
  requireFunction('create', options.create);
  if (options.timeoutMs !== undefined) requireWithin('timeoutMs', options.timeoutMs, 1, 2 ** 31 - 1);
  if (options.time !== undefined) requireOneOf('time', options.time, ['injected', 'real']);
  if (capabilities !== undefined) checkCapabilities(options.capabilities, capabilities);
}

function checkCapabilities(stated: object | undefined, names: readonly string[]): void {
  requireKeys('capabilities', stated, names);
  const values = new Map(Object.entries(stated ?? {}));
  for (const name of names) {
    const value = values.get(name);
    if (typeof value === 'boolean') continue;
    throw new TypeError(`capabilities.${name}: must be true or false, got ${typeof value}`);
  }
}
