import { isIPv6, type LookupFunction } from 'node:net';
import type { Host, HostPolicy } from './host-policy.js';
import type { Resolve } from './resolve.js';

/** What one connection is opened with. */
export interface PinnedTarget {
  readonly url: URL;
  /** Judges the addresses and hands them to the socket. Undefined where nothing is left to judge. */
  readonly lookup: LookupFunction | undefined;
}

/**
 * Hands a socket the addresses that were judged, all or the first one, as it wants them. It connects to nothing else:
 * who owns the name cannot change the address between the judgement and the connection.
 */
export function pinnedTarget(host: Host, policy: HostPolicy, resolve: Resolve): PinnedTarget {
  const { url, isSettled } = host;
  return { url, lookup: isSettled ? undefined : pinnedLookup(host, policy, resolve) };
}

function pinnedLookup(host: Host, policy: HostPolicy, resolve: Resolve): LookupFunction {
  async function find(): Promise<readonly string[]> {
    const addresses = await resolve(host.name);
    policy.checkResolved(host, addresses);
    return addresses;
  }
  return (_name, { all }, callback) => {
    const found = (addresses: readonly string[]): void => {
      const entries = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
      if (all === true) callback(null, entries);
      else callback(null, entries[0]?.address ?? '', entries[0]?.family);
    };
    find().then(found, (error: NodeJS.ErrnoException) => callback(error, all === true ? [] : ''));
  };
}
