import { lookup } from 'node:dns/promises';
import { BlockList, isIP, isIPv4 } from 'node:net';
import { NetworkError, UnsupportedSourceError } from '../errors/index.js';

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

const PORTS = { 'http:': '80', 'https:': '443' } as const;

export interface AddressGuardOptions {
  /**
   * Hosts that are let through although they are not public: names, addresses, or ranges such as
   * `10.1.0.0/16`, each with `:port` where only that port is meant.
   */
  readonly allow?: readonly string[];
  /**
   * True lets names through that this machine does not know: for a server on this machine, which does not know
   * them either. Default false.
   */
  readonly passUnknownNames?: boolean;
  /** The addresses of a name. Default: the machine's resolver. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>;
}

/** Rejects with an UnsupportedSourceError, code `forbidden_address`, where a URL leads into a private network. */
export type AddressGuard = (url: string) => Promise<void>;

export function createAddressGuard({
  allow = [],
  passUnknownNames = false,
  resolve = resolveByMachine,
}: AddressGuardOptions = {}): AddressGuard {
  const allowed = new AllowedHosts(allow);
  const isGlobal = createGlobalCheck();
  return async (text) => {
    const url = parseWebUrl(text);
    const hostname = bareHostname(url);
    const port = url.port || PORTS[url.protocol as keyof typeof PORTS];
    if (allowed.hasName(hostname, port)) return;
    const isAddress = isIP(hostname) !== 0;
    if (!isAddress && !isName(hostname)) throw refused('its host is neither a name nor an address');
    // A private name is looked up only where its address may be one that is let through.
    const isPrivate = !isAddress && isPrivateName(hostname);
    if (isPrivate && !allowed.hasAddresses) throw refused(PRIVATE_NAME);
    const addresses = isAddress ? [hostname] : await addressesOf(hostname, resolve, passUnknownNames);
    const others = addresses.filter((address) => !allowed.hasAddress(address, port));
    if (addresses.length > 0 && others.length === 0) return;
    if (isPrivate) throw refused(PRIVATE_NAME);
    if (!USUAL_PORTS.has(port)) throw refused(`its port ${port} is none of ${[...USUAL_PORTS].join(', ')}`);
    if (!others.every(isGlobal)) throw refused('it leads to an address that is not public');
  };
}

const PRIVATE_NAME = 'its name belongs to a private network';

/** Those that Deepgram takes for callbacks too. */
const USUAL_PORTS: ReadonlySet<string> = new Set(['80', '443', '8080', '8443']);

/** True for addresses that are out on the Internet and carry no other address inside. */
function createGlobalCheck(): (address: string) => boolean {
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

function addRange(list: BlockList, range: string): void {
  const [network = '', prefix = ''] = range.split('/');
  list.addSubnet(network, Number(prefix), isIPv4(network) ? 'ipv4' : 'ipv6');
}

/** What the owner of a private network lets through. */
class AllowedHosts {
  /** Ranges or single addresses are among the entries. */
  readonly hasAddresses: boolean;
  /** `host` for every port, `host:port` for one. */
  readonly #names = new Set<string>();
  readonly #ranges = new BlockList();

  constructor(entries: readonly string[]) {
    let addresses = 0;
    for (const entry of entries) {
      if (entry.includes('/')) addRange(this.#ranges, entry);
      else this.#names.add(normalHost(entry));
      if (entry.includes('/') || isIP(bareHostname(new URL(`http://${entry}`))) !== 0) addresses += 1;
    }
    this.hasAddresses = addresses > 0;
  }

  hasName(hostname: string, port: string): boolean {
    const host = isIP(hostname) === 6 ? `[${hostname}]` : hostname;
    return this.#names.has(host) || this.#names.has(`${host}:${port}`);
  }

  hasAddress(address: string, port: string): boolean {
    return this.#ranges.check(address, isIPv4(address) ? 'ipv4' : 'ipv6') || this.hasName(address, port);
  }
}

/** As the URL parser spells it. A port that is named stays, also the one that the parser leaves out. */
function normalHost(entry: string): string {
  const port = /:\d+$/.exec(entry)?.[0] ?? '';
  return `${new URL(`http://${entry}`).hostname.replace(/\.$/, '')}${port}`;
}

const MAX_URL_LENGTH = 16_384;

function parseWebUrl(text: string): URL {
  // Parsing a long name takes quadratic time.
  if (text.length > MAX_URL_LENGTH || !URL.canParse(text)) throw refused('it is no URL, or a very long one');
  const url = new URL(text);
  if (!(url.protocol in PORTS)) throw refused('it is neither http nor https');
  return url;
}

/** The parser has turned decimal, octal and hexadecimal addresses into their usual form. */
function bareHostname(url: URL): string {
  const hostname = url.hostname.replace(/\.$/, '');
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

const MAX_NAME_LENGTH = 253;

/** Some resolvers take what is none, such as `127.1..`, for an address. */
function isName(hostname: string): boolean {
  if (hostname.length > MAX_NAME_LENGTH) return false;
  const labels = hostname.split('.');
  return labels.every((label) => label !== '') && !/^(\d+|0x[\da-f]*)$/.test(labels.at(-1) ?? '');
}

/**
 * Names that public DNS does not have. Source: RFC 6761, RFC 6762 (with its appendix G), RFC 8375, ICANN's
 * `.internal`, and `.svc` as Kubernetes has it.
 */
const PRIVATE_NAMES =
  /(^|\.)(localhost|localdomain|local|internal|intranet|private|corp|home|lan|svc|home\.arpa)$/;

function isPrivateName(hostname: string): boolean {
  return !hostname.includes('.') || PRIVATE_NAMES.test(hostname);
}

/** Who owns a name can give another answer at any time; only the server that connects can close that gap. */
async function addressesOf(
  hostname: string,
  resolve: (hostname: string) => Promise<readonly string[]>,
  passUnknownNames: boolean,
): Promise<readonly string[]> {
  try {
    const addresses = await resolve(hostname);
    return addresses.map((address) => address.replace(/%.*$/, ''));
  } catch (cause) {
    if (passUnknownNames) return [];
    // The server may have a resolver of its own, which knows private names.
    if (UNKNOWN.has((cause as NodeJS.ErrnoException).code ?? '')) throw refused('its name is not known here');
    throw new NetworkError(
      "The name in the URL of the audio could not be looked up, as this region's sources must be. Try again.",
      { code: 'network', retryable: true, cause },
    );
  }
}

const UNKNOWN: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'EINVAL']);

async function resolveByMachine(hostname: string): Promise<readonly string[]> {
  const found = await lookup(hostname, { all: true, verbatim: true });
  return found.map(({ address }) => address);
}

function refused(reason: string): UnsupportedSourceError {
  return new UnsupportedSourceError(
    `The URL of the audio is refused, because ${reason}. Where it is meant all the same, name its host in ` +
      "the region's allowedSources.",
    { code: 'forbidden_address' },
  );
}
