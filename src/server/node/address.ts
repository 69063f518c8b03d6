const HOST = /^(?:[\w.~-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/** What a URL resolves, and others do not: a guard of theirs would have looked at another path. */
const REWRITTEN = /\\|\/(\.|%2e){1,2}(\/|$)/i;

/**
 * The URL of a request, which names its host and its target apart. What the target says of a host does not count:
 * neither `//other.example/path` nor `http://other.example/path` is a way to another one.
 */
export function urlOf(protocol: string, host: string | undefined, target: string): URL | undefined {
  const origin = `${protocol}://${host ?? 'localhost'}`;
  if (!HOST.test(host ?? 'localhost') || !URL.canParse(origin)) return undefined;
  if (REWRITTEN.test(target.replace(/[?#].*$/s, ''))) return undefined;
  const path = target.startsWith('/') ? target : pathOf(target);
  return new URL(origin + path);
}

/** Of `http://host/path`, as proxies are asked. */
function pathOf(target: string): string {
  if (!URL.canParse(target)) return '/';
  const { pathname, search } = new URL(target);
  return pathname.startsWith('/') ? pathname + search : '/';
}
