import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { requireKeys, requireOneOf, requireText, requireWhole } from '../check-options.js';
import { createRandom, newSeed } from '../emulator/faults-random.js';
import { ProxiedConnection } from './connection.js';
import {
  checkFaults,
  checkScope,
  type FaultDirection,
  type FaultScope,
  type LaneFaults,
  mergeFaults,
  NO_FAULTS,
  type ProxyFaults,
} from './faults.js';
import { resetSocket } from './lane.js';
import { type FaultProxyTarget, readTarget, urlThrough } from './target.js';

export interface FaultProxyOptions {
  /** Where connections go: `{ host, port }`, or a URL such as `redis://127.0.0.1:6379/0`. */
  readonly target: string | FaultProxyTarget;
  /** Default: a free port. */
  readonly port?: number;
  /** Where the proxy listens. Default `127.0.0.1`. */
  readonly host?: string;
  /** Decides the jitter: a whole number of 32 bits. Default: a new one, to be read from `seed`. */
  readonly seed?: number;
}

/** Bytes of one direction since the start, over all connections. */
export interface ProxyTraffic {
  readonly received: number;
  /** Passed on. What was received and not sent is still held, or was swallowed. */
  readonly sent: number;
}

export interface ProxyConnections {
  /** Connections that are open at either end. */
  readonly live: number;
  /** Connections since the start, without those that were refused. */
  readonly accepted: number;
  readonly refused: number;
  readonly up: ProxyTraffic;
  readonly down: ProxyTraffic;
}

/** A running TCP proxy whose faults are switched on and off while connections run. */
export interface FaultProxy {
  /** The target's URL with the proxy's host and port; `tcp://host:port` if the target was not a URL. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly seed: number;
  /** A snapshot. */
  readonly connections: ProxyConnections;
  /**
   * Switches faults on, or off with 0 or false. Faults that are not named stay as they are.
   *
   * Throws a TypeError or RangeError for an unknown fault or a wrong value.
   */
  set(faults: ProxyFaults, scope?: FaultScope): void;
  /** Resets all open connections, at both ends, now. */
  reset(): void;
  /**
   * Ends the stream in one direction of all open connections, now. The other direction goes on; what still
   * comes in the ended one is swallowed.
   */
  halfClose(direction: FaultDirection): void;
  /**
   * Switches all faults off, for open and later connections. What latency held goes on at once; bytes
   * that were swallowed do not come back.
   */
  heal(): void;
  /** Ends all connections. May be called twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const KEYS = ['target', 'port', 'host', 'seed'] as const;

/**
 * Starts a TCP proxy in front of a server (Redis, PostgreSQL, the emulator), to see what an application
 * does when the network fails. Each connection holds at most about 300 kB in each direction; then the proxy
 * stops reading, as a slow network would.
 *
 * ```ts
 * const proxy = await startFaultProxy({ target: 'redis://127.0.0.1:6379' });
 * proxy.set({ down: { latencyMs: 200, jitterMs: 50 } });
 * proxy.heal();
 * ```
 *
 * Rejects with a TypeError or RangeError for a wrong option, and with an Error if it cannot listen. That
 * the target cannot be reached shows to each client as a reset.
 */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  requireKeys('the options of startFaultProxy()', options, KEYS);
  const { port: wantedPort = 0, host = '127.0.0.1', seed = newSeed() } = options;
  const target = readTarget(options.target);
  requireWhole('port', wantedPort, 0, 65_535);
  requireText('host', host);
  requireWhole('seed', seed, 0, 2 ** 32 - 1);

  const open = new Set<ProxiedConnection>();
  const traffic = { up: { received: 0, sent: 0 }, down: { received: 0, sent: 0 } };
  const counts = { accepted: 0, refused: 0 };
  const seeds = createRandom(seed);
  const randomSource = (): (() => number) => createRandom(Math.floor(seeds() * 2 ** 32));
  let faults: Record<FaultDirection, LaneFaults> = { up: NO_FAULTS, down: NO_FAULTS };
  let replies = { left: 0 };
  let refuse = false;
  let closed: Promise<void> | undefined;

  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (refuse) {
      counts.refused++;
      client.on('error', () => {});
      resetSocket(client);
      return;
    }
    counts.accepted++;
    accept(client);
  });

  function accept(client: Socket): void {
    const connection: ProxiedConnection = new ProxiedConnection({
      client,
      server: connect({ host: target.host, port: target.port, allowHalfOpen: true }),
      faults,
      replies,
      random: { up: randomSource(), down: randomSource() },
      traffic,
      onClosed: () => void open.delete(connection),
    });
    open.add(connection);
  }

  function set(change: ProxyFaults, scope: FaultScope = {}): void {
    checkFaults(change);
    checkScope(scope);
    faults = { up: mergeFaults(faults.up, change.up), down: mergeFaults(faults.down, change.down) };
    refuse = change.refuse ?? refuse;
    const budget = change.dropReplies === undefined ? undefined : { left: change.dropReplies };
    replies = budget ?? replies;
    if (scope.connections === 'later') return;
    for (const connection of open) connection.apply(change, budget);
  }

  function close(): Promise<void> {
    closed ??= new Promise((resolve) => {
      server.close(() => resolve());
      for (const connection of open) connection.destroy();
      open.clear();
    });
    return closed;
  }

  await listen(server, wantedPort, host);
  const { port } = server.address() as AddressInfo;
  return {
    url: urlThrough(target, host, port),
    host,
    port,
    seed,
    get connections() {
      return { live: open.size, ...counts, up: { ...traffic.up }, down: { ...traffic.down } };
    },
    set,
    reset() {
      for (const connection of open) connection.reset();
    },
    halfClose(direction) {
      requireOneOf('the direction', direction, ['up', 'down']);
      for (const connection of open) connection.halfClose(direction);
    },
    heal: () => set({ up: NO_FAULTS, down: NO_FAULTS, refuse: false, dropReplies: 0 }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException): void => {
      const reason = cause.code === 'EADDRINUSE' ? 'the port is taken' : (cause.code ?? 'unknown error');
      reject(new Error(`The fault proxy cannot listen at ${host}, port ${port}: ${reason}.`, { cause }));
    };
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve();
    });
  });
}
