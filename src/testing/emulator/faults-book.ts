import { requireFunction, requireKeys, requireWhole, requireWithin } from '../check-options.js';
import type {
  FaultCandidate,
  FaultControls,
  FaultHandle,
  FaultRule,
  RandomFaultHandle,
  RandomFaults,
} from './fault-rules.js';
import { createRandom, newSeed } from './faults-random.js';

const MAX_SEED = 0xffff_ffff;

export interface FaultBook<Input, Fault> extends FaultControls<Input> {
  /** The fault that a request meets. Called once for each request, in their order of arrival. */
  choose(request: Omit<FaultCandidate, 'count'>): Fault | undefined;
}

export interface FaultBookOptions<Fault> {
  /** Checks what a caller handed in. Throws a TypeError or RangeError that begins with the name. */
  readonly resolve: (name: string, input: unknown) => Fault;
  /** Which requests count where a caller does not say it. */
  readonly isMeant: (request: FaultCandidate) => boolean;
}

/** Says what happens to a request. undefined: nothing. */
type FaultSource<Fault> = (request: FaultCandidate) => Fault | undefined;

export function createFaultBook<Input, Fault>(options: FaultBookOptions<Fault>): FaultBook<Input, Fault> {
  const sources = new Set<FaultSource<Fault>>();
  const counts = new Map<string, number>();

  function add(source: FaultSource<Fault>): FaultHandle {
    let hits = 0;
    const counted: FaultSource<Fault> = (request) => {
      const fault = source(request);
      if (fault) hits += 1;
      return fault;
    };
    sources.add(counted);
    return {
      get hits() {
        return hits;
      },
      remove: () => void sources.delete(counted),
    };
  }

  const rule = (chosen: FaultRule<Input>): FaultHandle => add(ruleSource(chosen, options));

  return {
    next: (fault, times = 1) => rule({ fault, times }),
    rule,
    random(plan) {
      const { seed, source } = randomSource(plan, options);
      const handle = add(source);
      return Object.defineProperty(handle, 'seed', { value: seed, enumerable: true }) as RandomFaultHandle;
    },
    clear: () => sources.clear(),
    choose(request) {
      const key = `${request.method} ${request.path}`;
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      for (const source of sources) {
        const fault = source({ ...request, count });
        if (fault) return fault;
      }
      return undefined;
    },
  };
}

function ruleSource<Input, Fault>(
  rule: FaultRule<Input>,
  { resolve, isMeant }: FaultBookOptions<Fault>,
): FaultSource<Fault> {
  requireKeys('the fault rule', rule, ['fault', 'when', 'times']);
  const { when = isMeant, times = Number.POSITIVE_INFINITY } = rule;
  const fault = resolve('fault', rule.fault);
  requireFunction('when', when);
  if (times !== Number.POSITIVE_INFINITY) requireWhole('times', times, 1, Number.MAX_SAFE_INTEGER);
  let left = times;
  return (request) => {
    if (left === 0 || !when(request)) return undefined;
    left -= 1;
    return fault;
  };
}

function randomSource<Input, Fault>(
  plan: RandomFaults<Input>,
  { resolve, isMeant }: FaultBookOptions<Fault>,
): { seed: number; source: FaultSource<Fault> } {
  requireKeys('the random faults', plan, ['seed', 'rate', 'kinds', 'when']);
  const { seed = newSeed(), rate, kinds, when = isMeant } = plan;
  requireWhole('seed', seed, 0, MAX_SEED);
  requireWithin('rate', rate, 0, 1);
  if (!Array.isArray(kinds) || kinds.length === 0) {
    throw new TypeError('kinds: must be a list of at least one fault');
  }
  requireFunction('when', when);
  const faults = kinds.map((kind, index) => resolve(`kinds[${index}]`, kind));
  const random = createRandom(seed);
  return {
    seed,
    source(request) {
      if (!when(request)) return undefined;
      // Both numbers are drawn for every request, so that a changed rate does not shift the kinds.
      const [chance, choice] = [random(), random()];
      return chance < rate ? faults[Math.floor(choice * faults.length)] : undefined;
    },
  };
}
