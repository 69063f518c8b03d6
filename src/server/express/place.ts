import { urlOf } from '../node/address.js';
import type { ExpressRequest } from './types.js';

/** As whoever asks wrote it. Undefined where it names a host that is none. */
export function publicUrl(request: ExpressRequest): URL | undefined {
  return urlOf(request.protocol, hostOf(request), request.originalUrl);
}

/** Where the router is mounted, the way a URL writes it. */
export function basePathOf({ baseUrl }: ExpressRequest): string {
  return new URL(`http://localhost${baseUrl}`).pathname.replace(/\/$/, '');
}

/** Express decides whether a proxy is believed, but Express 4 tells no port. */
function hostOf({ headers, hostname }: ExpressRequest): string | undefined {
  const [forwarded] = String(headers['x-forwarded-host'] ?? '').split(',');
  return [headers.host, forwarded?.trim()].find((host) => withoutPort(host) === hostname) ?? hostname;
}

function withoutPort(host: string | undefined): string | undefined {
  return host?.replace(/:\d+$/, '');
}
