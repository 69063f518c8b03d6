import { BadRequestError } from './errors/index.js';
import { invalidOption } from './internal/validate.js';

/** Hosts that are let through: the `allowedSources` of a region, or the `allow` of webhooks. */
export function checkHosts(name: string, entries: unknown): asserts entries is readonly string[] {
  if (!Array.isArray(entries)) throw invalidOption(name, 'an array of hosts', entries);
  // findIndex() looks at holes too.
  const wrong = entries.findIndex((entry) => !isAllowedHost(entry));
  if (wrong === -1) return;
  // The value stays out of the message here as well.
  throw new BadRequestError(
    `The option ${name}[${wrong}] must be a host, such as minio.internal, 10.0.0.5:9000, [fd00::5]:9000 or ` +
      '10.1.0.0/16. Leave out the scheme, the path, credentials and wildcards.',
    { code: 'invalid_option' },
  );
}

/**
 * An entry of them: a name or an address, each with a port or without, or a range. An entry
 * that nothing could ever match is none, because its author relies on it.
 */
function isAllowedHost(entry: unknown): entry is string {
  if (typeof entry !== 'string' || entry.length > MAX_LENGTH) return false;
  return entry.includes('/') ? isRange(entry) : isHost(entry);
}

/** A name of 253 characters, and a port. */
const MAX_LENGTH = 260;
const MAX_PORT = 65_535;

function isHost(entry: string): boolean {
  const parts = /^(\[[\da-f:.]+\]|[^\s:@[\]?#%*\\]+)(?::([1-9]\d{0,4}))?$/i.exec(entry);
  if (parts === null) return false;
  const [, host = '', port = '80'] = parts;
  const spelled = hostnameOf(host);
  if (spelled === undefined || Number(port) > MAX_PORT) return false;
  // The URL parser takes 10.1 for 10.0.0.1; here it would be a slip.
  return !/^[\d.]+$/.test(spelled) || spelled === host;
}

function isRange(entry: string): boolean {
  const parts = /^([\da-f:.]+)\/(\d{1,3})$/i.exec(entry);
  if (parts === null) return false;
  const [, network = '', prefix = ''] = parts;
  if (network.includes(':')) return Number(prefix) <= 128 && URL.canParse(`http://[${network}]`);
  return Number(prefix) <= 32 && hostnameOf(network) === network;
}

function hostnameOf(text: string): string | undefined {
  return URL.canParse(`http://${text}`) ? new URL(`http://${text}`).hostname : undefined;
}
