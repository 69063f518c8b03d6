import { BlockList, isIP, isIPv4 } from 'node:net';

/**
 * IPv4 addresses that are not out on the Internet.
 * Source: the IANA registry of special-purpose IPv4 addresses, and 168.63.129.16, at which Azure serves each
 * machine of its own.
 */
const NOT_GLOBAL_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
] as const;

/** The only block of IPv6 that is given out; whatever lies outside is not global. */
const GLOBAL_V6 = '2000::/3';

/**
 * Parts of that block which carry an IPv4 address inside (Teredo, 6to4) or are reserved. NAT64, mapped and
 * compatible addresses lie outside of it.
 */
const NOT_GLOBAL_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'] as const;

/** True for addresses that are out on the Internet and carry no other address inside. */
export function createGlobalCheck(): (address: string) => boolean {
  const notGlobal4 = blockList(NOT_GLOBAL_V4);
  const global6 = blockList([GLOBAL_V6]);
  const notGlobal6 = blockList(NOT_GLOBAL_V6);
  return (address) => {
    if (isIPv4(address)) return !notGlobal4.check(address, 'ipv4');
    return isIP(address) === 6 && global6.check(address, 'ipv6') && !notGlobal6.check(address, 'ipv6');
  };
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) addRange(list, range);
  return list;
}

/** `10.1.0.0/16` and the like. */
export function addRange(list: BlockList, range: string): void {
  const [network = '', prefix = ''] = range.split('/');
  list.addSubnet(network, Number(prefix), isIPv4(network) ? 'ipv4' : 'ipv6');
}
