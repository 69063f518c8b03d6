import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpOptions } from '../http/index.js';
import { urlOf } from '../node/address.js';
import { exchange } from '../node/exchange.js';
import { type ClientSource, lazyHandlers } from './lazy-handlers.js';

/** What is used of a `NextApiRequest`. */
export interface PagesRequest extends IncomingMessage {
  /** What Next's parser has left, where it was not switched off. */
  readonly body?: unknown;
}

/** What an API route exports as its default. */
export type PagesHandler = (request: PagesRequest, response: ServerResponse) => Promise<void>;

/**
 * The HTTP API as an API route of Next's Pages Router, for a catch-all such as `pages/api/speech/[...path].ts`:
 *
 * ```ts
 * export default createPagesHandler(() => client(), { basePath: '/api/speech', authorize });
 * export const config = { api: { bodyParser: false, responseLimit: false } };
 * ```
 *
 * Without `bodyParser: false` Next reads bodies first, of up to 1 MB, and audio does not survive that.
 *
 * Throws a BadRequestError for options that are unknown or out of range.
 */
export function createPagesHandler(client: ClientSource, options: HttpOptions): PagesHandler {
  const handlers = lazyHandlers(client, options);
  return async (request, response) => {
    const { fetch } = await handlers();
    const isEncrypted = 'encrypted' in request.socket && request.socket.encrypted === true;
    const url = urlOf(isEncrypted ? 'https' : 'http', request.headers.host, request.url ?? '/');
    await exchange({ incoming: request, outgoing: response, url, parsedBody: request.body }, fetch);
  };
}
