import { UnsupportedSourceError } from '../errors/index.js';
import { HostPolicy } from '../net/host-policy.js';
import { type PinnedTarget, pinnedTarget } from '../net/pinned-lookup.js';
import { type Resolve, resolveByMachine } from '../net/resolve.js';

export interface ProbeTargetsOptions {
  /** The region's `allowedSources`. */
  readonly allow?: readonly string[];
  /** Ports of all other hosts. Default: those from which Deepgram may be asked to fetch. */
  readonly ports?: readonly number[];
  /** The addresses of a name. Default: the machine's resolver. */
  readonly resolve?: Resolve;
}

/** Keeps probes out of the private network. */
export interface ProbeTargets {
  /** Judges a URL. What it returns is to be used for one connection. */
  open(url: string): PinnedTarget;
}

/** As in the guard of sources. */
const PORTS = [80, 443, 8080, 8443];

export function createProbeTargets({
  allow = [],
  ports = PORTS,
  resolve = resolveByMachine,
}: ProbeTargetsOptions = {}): ProbeTargets {
  const policy = new HostPolicy({ allow, ports: ports.map(String), refused });
  return {
    open(text) {
      const host = policy.hostOf(text);
      const { username, password } = host.url;
      if (username !== '' || password !== '') throw refused('it holds a user or a password');
      return pinnedTarget(host, policy, resolve);
    },
  };
}

function refused(reason: string): UnsupportedSourceError {
  return new UnsupportedSourceError(`The URL of the audio is not probed, because ${reason}.`, {
    code: 'forbidden_address',
  });
}
