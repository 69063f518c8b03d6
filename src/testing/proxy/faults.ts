import { requireKeys, requireOneOf, requireWhole, requireWithin } from '../check-options.js';

/** `up`: from the client to the server. `down`: from the server to the client. */
export type FaultDirection = 'up' | 'down';

/** What goes wrong in one direction. 0 or false, the default of each, is no fault. */
export interface DirectionFaults {
  /** Milliseconds by which bytes, and the end of the stream, arrive later. */
  readonly latencyMs?: number;
  /** Up to so many milliseconds more, drawn from the seed. The order of the bytes stays. */
  readonly jitterMs?: number;
  readonly bytesPerSecond?: number;
  /** Sends chunks of at most so many bytes, each a packet of its own. */
  readonly sliceBytes?: number;
  /** Least pause between two slices, in milliseconds. 0 means 2. */
  readonly sliceGapMs?: number;
  /**
   * Swallows all bytes, those under way too, while the connection stays open. An end or a reset of the
   * connection does not get through either, until the fault is switched off.
   */
  readonly blackhole?: boolean;
  /** Passes on exactly so many more bytes of each connection, then resets it at both ends. */
  readonly resetAfterBytes?: number;
}

/** Faults that are named are switched on or off; those left out stay as they are. */
export interface ProxyFaults {
  readonly up?: DirectionFaults;
  readonly down?: DirectionFaults;
  /** Resets each new connection at once. */
  readonly refuse?: boolean;
  /**
   * The server's next so many replies, counted over all connections that the change applies to, never
   * reach the client. A reply is what comes down after something went up, until the next bytes go up:
   * with several requests under way on one connection it may be a part of an answer or several answers.
   */
  readonly dropReplies?: number;
}

export interface FaultScope {
  /** Default `all`. `later` leaves the connections that are open as they are. */
  readonly connections?: 'all' | 'later';
}

export type LaneFaults = Readonly<Required<DirectionFaults>>;

export const NO_FAULTS: LaneFaults = {
  latencyMs: 0,
  jitterMs: 0,
  bytesPerSecond: 0,
  sliceBytes: 0,
  sliceGapMs: 0,
  blackhole: false,
  resetAfterBytes: 0,
};

/** Longer waits are mistakes in the unit. */
const MAX_MS = 86_400_000;

export function mergeFaults(faults: LaneFaults, change: DirectionFaults = {}): LaneFaults {
  const named = Object.entries(change).filter(([, value]) => value !== undefined);
  return { ...faults, ...Object.fromEntries(named) };
}

export function checkFaults(faults: ProxyFaults): void {
  requireKeys('the faults', faults, ['up', 'down', 'refuse', 'dropReplies']);
  if (faults.up !== undefined) checkDirection('up', faults.up);
  if (faults.down !== undefined) checkDirection('down', faults.down);
  requireFlag('refuse', faults.refuse);
  requireCount('dropReplies', faults.dropReplies);
}

export function checkScope(scope: FaultScope): void {
  requireKeys('the scope of the faults', scope, ['connections']);
  if (scope.connections !== undefined) requireOneOf('connections', scope.connections, ['all', 'later']);
}

function checkDirection(direction: FaultDirection, faults: DirectionFaults): void {
  requireKeys(direction, faults, Object.keys(NO_FAULTS));
  for (const name of ['latencyMs', 'jitterMs', 'sliceGapMs'] as const) {
    const value = faults[name];
    if (value !== undefined) requireWithin(`${direction}.${name}`, value, 0, MAX_MS);
  }
  for (const name of ['bytesPerSecond', 'sliceBytes', 'resetAfterBytes'] as const) {
    requireCount(`${direction}.${name}`, faults[name]);
  }
  requireFlag(`${direction}.blackhole`, faults.blackhole);
}

function requireCount(name: string, value: number | undefined): void {
  if (value !== undefined) requireWhole(name, value, 0, Number.MAX_SAFE_INTEGER);
}

function requireFlag(name: string, value: boolean | undefined): void {
  if (value === undefined || typeof value === 'boolean') return;
  throw new TypeError(`${name}: must be true or false, got ${typeof value}`);
}
