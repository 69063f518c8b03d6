import { BlockList, isIP, isIPv4 } from 'node:net';
import { addRange } from './addresses.js';

/** What the owner of a private network lets through. */
export class AllowedHosts {
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

/** The parser has turned decimal, octal and hexadecimal addresses into their usual form. */
export function bareHostname(url: URL): string {
  const hostname = url.hostname.replace(/\.$/, '');
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
