import { isIP } from 'node:net';
import { createGlobalCheck } from './addresses.js';
import { AllowedHosts, bareHostname } from './allowed-hosts.js';

const PORTS = { 'http:': '80', 'https:': '443' } as const;

export interface HostPolicyOptions {
  /** Hosts that are let through although they are not public, as in AddressGuardOptions. */
  readonly allow: readonly string[];
  /** Ports of hosts that are not among those. */
  readonly ports: readonly string[];
  /** Plain http is for hosts that are let through. Default false. */
  readonly httpsOnly?: boolean;
  /** The error for a URL that is refused, `because ${reason}`. */
  readonly refused: (reason: string) => Error;
}

/** Where a URL leads. */
export interface Host {
  readonly url: URL;
  /** A name, or an address without brackets. */
  readonly name: string;
  readonly port: string;
  /** Judged to its end: let through by its name, or an address itself. Otherwise its addresses decide. */
  readonly isSettled: boolean;
}

/** Tells the hosts out on the Internet from those of a private network. It looks up nothing. */
export class HostPolicy {
  readonly #allowed: AllowedHosts;
  readonly #ports: ReadonlySet<string>;
  readonly #httpsOnly: boolean;
  readonly #refused: (reason: string) => Error;
  readonly #isGlobal = createGlobalCheck();

  constructor({ allow, ports, httpsOnly = false, refused }: HostPolicyOptions) {
    this.#allowed = new AllowedHosts(allow);
    this.#ports = new Set(ports);
    this.#httpsOnly = httpsOnly;
    this.#refused = refused;
  }

  /** Throws where the text alone tells that it must not be followed. */
  hostOf(text: string): Host {
    const url = this.#parse(text);
    const name = bareHostname(url);
    const port = url.port || PORTS[url.protocol as keyof typeof PORTS];
    const isAddress = isIP(name) !== 0;
    const isNamed = this.#allowed.hasName(name, port);
    const host = { url, name, port, isSettled: isNamed || isAddress };
    if (isNamed) return host;
    if (isAddress) this.checkAddresses(host, [name]);
    else if (!isName(name)) throw this.#refused('its host is neither a name nor an address');
    // A private name is looked up only where its address may be one that is let through.
    else if (!this.#allowed.hasAddresses) this.#checkAsPublic(host);
    return host;
  }

  /** The same of what a name was resolved to, which must be something. */
  checkResolved(host: Host, addresses: readonly string[]): void {
    if (addresses.length === 0) throw this.#refused('its name has no address');
    this.checkAddresses(host, addresses);
  }

  /** Throws where one of the addresses of the host must not be connected to. */
  checkAddresses(host: Host, addresses: readonly string[]): void {
    // The zone of an address, as in fe80::1%eth0, says nothing about it.
    const bare = addresses.map((address) => address.replace(/%.*$/, ''));
    const others = bare.filter((address) => !this.#allowed.hasAddress(address, host.port));
    if (bare.length > 0 && others.length === 0) return;
    this.#checkAsPublic(host);
    if (!others.every(this.#isGlobal)) throw this.#refused('it leads to an address that is not public');
  }

  #parse(text: string): URL {
    // Parsing a long name takes quadratic time.
    if (text.length > MAX_URL_LENGTH || !URL.canParse(text))
      throw this.#refused('it is no URL, or a very long one');
    const url = new URL(text);
    if (!(url.protocol in PORTS)) throw this.#refused('it is neither http nor https');
    return url;
  }

  #checkAsPublic({ url, name, port }: Host): void {
    if (isIP(name) === 0 && isPrivateName(name)) throw this.#refused('its name belongs to a private network');
    if (this.#httpsOnly && url.protocol !== 'https:') throw this.#refused('it is not https');
    if (!this.#ports.has(port)) {
      throw this.#refused(`its port ${port} is none of ${[...this.#ports].join(', ')}`);
    }
  }
}

const MAX_URL_LENGTH = 16_384;
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
