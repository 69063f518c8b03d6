import { NetworkError, UnsupportedSourceError } from '../errors/index.js';
import { HostPolicy } from './host-policy.js';
import { type Resolve, resolveByMachine } from './resolve.js';

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
  readonly resolve?: Resolve;
}

/** An UnsupportedSourceError, code `forbidden_address`, where a URL leads into a private network. */
export interface AddressGuard {
  (url: string): Promise<void>;
  /** Throws where the URL alone tells that, as by an address. It looks up no name. */
  checkText(url: string): void;
}

/** Those that Deepgram takes for callbacks too. */
const USUAL_PORTS = ['80', '443', '8080', '8443'];

export function createAddressGuard({
  allow = [],
  passUnknownNames = false,
  resolve = resolveByMachine,
}: AddressGuardOptions = {}): AddressGuard {
  const policy = new HostPolicy({ allow, ports: USUAL_PORTS, refused });
  const guard = async (text: string): Promise<void> => {
    const host = policy.hostOf(text);
    if (host.isSettled) return;
    policy.checkAddresses(host, await addressesOf(host.name, resolve, passUnknownNames));
  };
  return Object.assign(guard, { checkText: (text: string) => void policy.hostOf(text) });
}

/** Who owns a name can give another answer at any time; only the server that connects can close that gap. */
async function addressesOf(
  hostname: string,
  resolve: Resolve,
  passUnknownNames: boolean,
): Promise<readonly string[]> {
  try {
    return await resolve(hostname);
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

function refused(reason: string): UnsupportedSourceError {
  return new UnsupportedSourceError(
    `The URL of the audio is refused, because ${reason}. Where it is meant all the same, name its host in ` +
      "the region's allowedSources.",
    { code: 'forbidden_address' },
  );
}
