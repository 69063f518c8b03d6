import type { IncomingHttpHeaders } from 'node:http';

export interface OriginRule {
  readonly allowedOrigins: ReadonlySet<string> | undefined;
  readonly requireOrigin: boolean;
}

/** A page of somebody else's could otherwise connect with the cookies of its visitor. */
export function isOriginAllowed(
  { origin, host }: IncomingHttpHeaders,
  { allowedOrigins, requireOrigin }: OriginRule,
): boolean {
  if (origin === undefined) return !requireOrigin;
  return allowedOrigins === undefined ? isSameHost(origin, host) : allowedOrigins.has(origin);
}

/** The scheme is not known here: a proxy may have taken the TLS off. */
function isSameHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  const asked = `${page.protocol}//${host}`;
  return page.host !== '' && URL.canParse(asked) && new URL(asked).host === page.host;
}
