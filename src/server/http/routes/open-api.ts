import { Lazy } from '../../../internal/lazy.js';
import { json } from '../json.js';
import { openApiDocument, serversOf } from '../open-api.js';
import type { HttpSettings } from '../options.js';
import type { Route } from '../types.js';

/** `GET /openapi.json`: what the API takes and answers. */
export function openApiRoute(settings: HttpSettings): Route {
  const document = new Lazy(async () => openApiDocument(settings));
  return {
    method: 'GET',
    path: '/openapi.json',
    scope: 'read',
    // Express tells the place with each request.
    handle: async ({ settings: { basePath } }) =>
      json({ ...(await document.get()), servers: serversOf(basePath) }),
  };
}
