import { show } from '../../internal/validate.js';
import { requireKeys, requireText, requireWhole } from '../check-options.js';

export interface FaultProxyTarget {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  readonly port: number;
}

export interface Target {
  readonly host: string;
  readonly port: number;
  /** The target's address, with all that belongs to it besides host and port. */
  readonly url: string;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'http:': 80,
  'https:': 443,
  'ws:': 80,
  'wss:': 443,
  'redis:': 6379,
  'rediss:': 6379,
  'postgres:': 5432,
  'postgresql:': 5432,
};

export function readTarget(target: string | FaultProxyTarget): Target {
  if (typeof target === 'string') return readUrl(target);
  requireKeys('target', target, ['host', 'port']);
  const { host = '127.0.0.1', port } = target;
  requireText('target.host', host);
  requireWhole('target.port', port, 1, 65_535);
  return { host, port, url: `tcp://${authority(host, port)}` };
}

function authority(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The address of the proxy in the form of the target's. */
export function urlThrough(target: Target, host: string, port: number): string {
  const [scheme = '', rest = ''] = target.url.split('://');
  const [place = '', ...path] = rest.split(/(?=[/?#])/);
  const user = place.slice(0, place.lastIndexOf('@') + 1);
  return `${scheme}://${user}${authority(host, port)}${path.join('')}`;
}

function readUrl(text: string): Target {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const port = url && (Number(url.port) || DEFAULT_PORTS[url.protocol]);
  if (!url?.hostname || !port || !/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    // The text may hold a password, so it is not repeated.
    throw new TypeError(
      `target: must be a URL with a host and a port, or { host, port }, got ${show(typeof text)}`,
    );
  }
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port, url: text };
}
