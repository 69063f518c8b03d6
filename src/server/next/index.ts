import type { HttpOptions } from '../http/index.js';
import { type ClientSource, lazyHandlers } from './lazy-handlers.js';

export type { HttpClient, HttpLimits, HttpOptions, Principal, Scope } from '../http/index.js';
export type { ClientSource } from './lazy-handlers.js';
export { createPagesHandler, type PagesHandler, type PagesRequest } from './pages.js';

type RouteHandler = (request: Request) => Promise<Response>;

/** What a `route.ts` exports. */
export interface RouteHandlers {
  readonly GET: RouteHandler;
  readonly POST: RouteHandler;
  readonly PUT: RouteHandler;
  readonly PATCH: RouteHandler;
  readonly DELETE: RouteHandler;
  readonly HEAD: RouteHandler;
  readonly OPTIONS: RouteHandler;
}

/**
 * The HTTP API as route handlers of Next's App Router, for a catch-all such as `app/api/speech/[...path]/route.ts`:
 *
 * ```ts
 * export const { GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS } = createRouteHandlers(() => client(), {
 *   basePath: '/api/speech',
 *   authorize: (request) => userOf(request.headers.get('cookie')),
 * });
 * ```
 *
 * They need the runtime `nodejs`, which is Next's default. Where the function cannot make the client they reject with its
 * error, which Next logs and answers with 500; the next request calls it again.
 *
 * Throws a BadRequestError for options that are unknown or out of range.
 */
export function createRouteHandlers(client: ClientSource, options: HttpOptions): RouteHandlers {
  const handlers = lazyHandlers(client, options);
  const handle: RouteHandler = async (request) => (await handlers()).fetch(request);
  return {
    GET: handle,
    POST: handle,
    PUT: handle,
    PATCH: handle,
    DELETE: handle,
    HEAD: handle,
    OPTIONS: handle,
  };
}
