import { checkMethods, invalidOption } from '../../internal/validate.js';
import { Handlers } from '../http/handlers.js';
import type { HttpClient } from '../http/index.js';
import { type HttpOptions, resolveHttpOptions } from '../http/options.js';
import { matchPath } from '../http/paths.js';
import { UserRates } from '../http/rates.js';
import { createRoutes } from '../http/routes/index.js';
import { exchange } from '../node/exchange.js';
import { basePathOf, publicUrl } from './place.js';
import type { ExpressHandler, RouterOptions } from './types.js';

export type { HttpClient, HttpLimits, Principal, Scope } from '../http/index.js';
export type { ExpressHandler, ExpressRequest, RouterOptions } from './types.js';

/**
 * The HTTP API of `transcription-client/http` as middleware of Express 4 or 5. What is none of its paths goes on to what
 * comes after it.
 *
 * ```ts
 * app.use('/api/speech', createRouter(client, { authorize: (_, request) => request.session.user ?? null }));
 * ```
 *
 * Throws a BadRequestError for options that are unknown or out of range.
 */
export function createRouter(client: HttpClient, options: RouterOptions): ExpressHandler {
  checkMethods('client', client ?? null, ['submit', 'handleCallback', 'health']);
  if (options === undefined) throw invalidOption('authorize', 'a function', undefined);
  const { basePath } = options as { basePath?: unknown };
  if (basePath !== undefined) throw invalidOption('basePath', 'left out: app.use() is told where', basePath);
  const settings = resolveHttpOptions(options as HttpOptions);
  const routes = createRoutes(settings);
  const rates = new UserRates(settings.clock, settings.limits.requestsPerMinute);

  return async (request, response, next) => {
    try {
      const url = publicUrl(request);
      const basePath = basePathOf(request);
      if (url !== undefined && matchPath(routes, basePath, url.pathname) === undefined) return next();
      const authorize = (asked: Request) => options.authorize(asked, request);
      const handlers = new Handlers({
        client,
        routes,
        rates,
        settings: { ...settings, basePath, authorize },
      });
      const { body: parsedBody } = request;
      await exchange({ incoming: request, outgoing: response, url, parsedBody }, (asked) =>
        handlers.fetch(asked),
      );
    } catch (error) {
      next(error);
    }
  };
}
