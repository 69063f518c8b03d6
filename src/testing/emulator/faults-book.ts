import { requireFunction, requireKeys, requireWhole, requireWithin } from '../check-options.js';
import type {
  EmulatorFaults,
  FaultCandidate,
  FaultHandle,
  FaultRule,
  HttpFault,
  RandomFaultHandle,
  RandomFaults,
} from './faults.js';
import { resolveFault } from './faults-check.js';
import { createRandom, newSeed } from './faults-random.js';

const MAX_SEED = 0xffff_ffff;

export interface FaultBook extends EmulatorFaults {
  /** The fault that a request meets. Called once for each request, in their order of arrival. */
  choose(request: Omit<FaultCandidate, 'count'>): HttpFault | undefined;
}

/** Says what happens to a request. undefined: nothing. */
type FaultSource = (request: FaultCandidate) => HttpFault | undefined;

export function createFaultBook(): FaultBook {
  const sources = new Set<FaultSource>();
  const counts = new Map<string, number>();

  function add(source: FaultSource): FaultHandle {
    let hits = 0;
    const counted: FaultSource = (request) => {
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

  function rule(options: FaultRule): FaultHandle {
    requireKeys('the fault rule', options, ['fault', 'when', 'times']);
    const { when = isApiRequest, times = Number.POSITIVE_INFINITY } = options;
    const fault = resolveFault('fault', options.fault);
    requireFunction('when', when);
    if (times !== Number.POSITIVE_INFINITY) requireWhole('times', times, 1, Number.MAX_SAFE_INTEGER);
    let left = times;
    return add((request) => {
      if (left === 0 || !when(request)) return undefined;
      left -= 1;
      return fault;
    });
  }

  return {
    next: (fault, times = 1) => rule({ fault, times }),
    rule,
    random(plan) {
      const { seed, source } = randomSource(plan);
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

function randomSource(plan: RandomFaults): { seed: number; source: FaultSource } {
  requireKeys('the random faults', plan, ['seed', 'rate', 'kinds', 'when']);
  const { seed = newSeed(), rate, kinds, when = isApiRequest } = plan;
  requireWhole('seed', seed, 0, MAX_SEED);
  requireWithin('rate', rate, 0, 1);
  if (!Array.isArray(kinds) || kinds.length === 0) {
    throw new TypeError('kinds: must be a list of at least one fault');
  }
  requireFunction('when', when);
  const faults = kinds.map((kind, index) => resolveFault(`kinds[${index}]`, kind));
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

function isApiRequest({ path }: FaultCandidate): boolean {
  return path.startsWith('/v1/');
}
