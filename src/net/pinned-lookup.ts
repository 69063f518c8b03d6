import { isIPv6, type LookupFunction } from 'node:net';

/**
 * Hands a socket the addresses that `find` has judged, all or the first one, as it wants them. It connects to nothing
 * else: who owns the name cannot change the address between the judgement and the connection.
 */
export function pinnedLookup(find: () => Promise<readonly string[]>): LookupFunction {
  return (_name, { all }, callback) => {
    const found = (addresses: readonly string[]): void => {
      const entries = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
      if (all === true) callback(null, entries);
      else callback(null, entries[0]?.address ?? '', entries[0]?.family);
    };
    find().then(found, (error: NodeJS.ErrnoException) => callback(error, all === true ? [] : ''));
  };
}
