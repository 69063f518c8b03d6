import type { HttpMethod, Route } from './types.js';

/** The routes of one path. */
export interface PathMatch {
  readonly routes: readonly Route[];
  readonly params: Readonly<Record<string, string>>;
  /** For `Allow`. */
  readonly allow: string;
}

/** An id of more is none of ours. */
const MAX_SEGMENT = 512;

/** Undefined where there is no such path. */
export function matchPath(
  routes: readonly Route[],
  basePath: string,
  pathname: string,
): PathMatch | undefined {
  if (basePath !== '' && pathname !== basePath && !pathname.startsWith(`${basePath}/`)) return undefined;
  const segments = pathname.slice(basePath.length).split('/').slice(1);
  let found: Route[] = [];
  let params: Record<string, string> | undefined;
  for (const route of routes) {
    const fits = matchSegments(route.path.split('/').slice(1), segments);
    if (fits === undefined) continue;
    params ??= fits;
    found = [...found, route];
  }
  return params === undefined ? undefined : { routes: found, params, allow: allowOf(found) };
}

function matchSegments(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: [string, string][] = [];
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] as string;
    if (!part.startsWith(':')) {
      if (part !== segment) return undefined;
      continue;
    }
    const value = decoded(segment);
    if (value === undefined || value === '' || value.length > MAX_SEGMENT) return undefined;
    params.push([part.slice(1), value]);
  }
  return Object.fromEntries(params);
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

/** HEAD comes with GET, and OPTIONS everywhere. */
function allowOf(routes: readonly Route[]): string {
  const methods = new Set<HttpMethod | 'HEAD' | 'OPTIONS'>();
  for (const { method } of routes) {
    methods.add(method);
    if (method === 'GET') methods.add('HEAD');
  }
  return [...methods.add('OPTIONS')].join(', ');
}
