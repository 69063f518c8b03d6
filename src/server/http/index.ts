import { checkMethods, invalidOption } from '../../internal/validate.js';
import { Handlers } from './handlers.js';
import { type HttpOptions, resolveHttpOptions } from './options.js';
import { UserRates } from './rates.js';
import { createRoutes } from './routes/index.js';
import type { HttpClient } from './types.js';

export type { CorsOptions } from './cors.js';
export {
  DEFAULT_ALLOWED_OPTIONS,
  type HttpLimits,
  type HttpOptions,
  type MetricsSource,
  type StreamOffer,
} from './options.js';
export type { FieldProblem, Problem } from './problem.js';
export type { HttpClient, Principal, Scope } from './types.js';

/** The HTTP API, on the Fetch API's `Request` and `Response`. */
export interface HttpHandlers {
  /**
   * Answers a request: one below `basePath` by its route, others with 404. Never rejects. It needs no `this`, so that it
   * can be handed on: `Bun.serve({ fetch: handlers.fetch })`.
   */
  readonly fetch: (request: Request) => Promise<Response>;
}

/**
 * The client's four patterns as an HTTP API, for every framework that speaks `Request` and `Response`.
 *
 * ```ts
 * const handlers = createHandlers(client, { authorize: (request) => userOf(request.headers.get('cookie')) });
 * ```
 *
 * Throws a BadRequestError for options that are unknown or out of range.
 */
export function createHandlers(client: HttpClient, options: HttpOptions): HttpHandlers {
  checkMethods('client', client ?? null, ['submit', 'handleCallback', 'health']);
  if (options === undefined) throw invalidOption('authorize', 'a function', undefined);
  const settings = resolveHttpOptions(options);
  const handlers = new Handlers({
    client,
    settings,
    routes: createRoutes(settings),
    rates: new UserRates(settings.clock, settings.limits.requestsPerMinute),
  });
  return { fetch: (request) => handlers.fetch(request) };
}
