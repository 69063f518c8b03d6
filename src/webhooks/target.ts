import { BadRequestError } from '../errors/index.js';
import { type Host, HostPolicy } from '../net/host-policy.js';
import { type PinnedTarget, pinnedTarget } from '../net/pinned-lookup.js';
import { type Resolve, resolveByMachine } from '../net/resolve.js';

export interface WebhookTargetsOptions {
  /**
   * Hosts that are let through although they are not public, are asked by plain http or have another port: names,
   * addresses, or ranges such as `10.1.0.0/16`, each with `:port` where only that port is meant. Default: none.
   */
  readonly allow?: readonly string[];
  /** Ports of all other hosts. Default 443 and 80. */
  readonly ports?: readonly number[];
  /** The addresses of a name. Default: the machine's resolver. */
  readonly resolve?: Resolve;
}

/** Keeps webhooks out of the private network. */
export interface WebhookTargets {
  /**
   * Judges a URL by its text, and looks up nothing: for the moment in which it is handed in.
   *
   * Throws a BadRequestError `forbidden_address`, which names neither the host nor the path.
   */
  check(url: string): void;
  /** Judges a URL as check() does. What it returns is to be used for one connection. */
  open(url: string): PinnedTarget;
}

export function createWebhookTargets({
  allow = [],
  ports = [443, 80],
  resolve = resolveByMachine,
}: WebhookTargetsOptions = {}): WebhookTargets {
  const policy = new HostPolicy({ allow, ports: ports.map(String), httpsOnly: true, refused });
  const hostOf = (text: unknown): Host => {
    if (typeof text !== 'string') throw refused('it is no text');
    const host = policy.hostOf(text);
    const { username, password, href } = host.url;
    if (username !== '' || password !== '') throw refused('it holds a user or a password');
    if (href.includes('#')) throw refused('it holds a fragment');
    return host;
  };
  return {
    check: (text) => void hostOf(text),
    open(text) {
      return pinnedTarget(hostOf(text), policy, resolve);
    },
  };
}

function refused(reason: string): BadRequestError {
  return new BadRequestError(
    `The URL of the webhook is refused, because ${reason}. Where it is meant all the same, name its host in ` +
      'webhooks.allow.',
    { code: 'forbidden_address' },
  );
}
