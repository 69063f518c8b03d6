/** What a rule can tell requests apart by. */
export interface FaultCandidate {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Requests with this method and path so far, this one included. */
  readonly count: number;
}

/** `Fault` is a fault of HTTP requests, or one or several of live streams. */
export interface FaultRule<Fault> {
  readonly fault: Fault;
  /** Default: HTTP requests to the API, that is to paths that begin with `/v1/`; all live streams. */
  readonly when?: (request: FaultCandidate) => boolean;
  /** How many requests or streams it hits. Default: all. */
  readonly times?: number;
}

export interface RandomFaults<Fault> {
  /** The same seed hits the same requests with the same faults, in their order of arrival. Default: a new one. */
  readonly seed?: number;
  /** The share of the requests or streams that is hit, from 0 to 1. */
  readonly rate: number;
  /** What they are hit with, each equally often. */
  readonly kinds: readonly Fault[];
  /** Which ones count. Default: as for a rule. */
  readonly when?: (request: FaultCandidate) => boolean;
}

export interface FaultHandle {
  /** Requests or streams hit so far. */
  readonly hits: number;
  /** Hits no more from now on. */
  remove(): void;
}

export interface RandomFaultHandle extends FaultHandle {
  /** Print it, and hand it in as `seed` to get the same faults again. */
  readonly seed: number;
}

/**
 * A request, or a live stream, meets the first fault that fits it, in the order in which the faults were set. All
 * methods throw a TypeError or RangeError that names what is wrong.
 */
export interface FaultControls<Fault> {
  /** Hits the next ones. Default: one. */
  next(fault: Fault, times?: number): FaultHandle;
  rule(rule: FaultRule<Fault>): FaultHandle;
  random(plan: RandomFaults<Fault>): RandomFaultHandle;
  /** Removes all faults. Who has met theirs keeps it. */
  clear(): void;
}
