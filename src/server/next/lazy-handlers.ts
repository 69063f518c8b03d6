import { invalidOption } from '../../internal/validate.js';
import { createHandlers, type HttpClient, type HttpHandlers, type HttpOptions } from '../http/index.js';
import { resolveHttpOptions } from '../http/options.js';

/** A client, or what makes one when the first request comes: `next build` has no keys and no databases. */
export type ClientSource = HttpClient | (() => HttpClient | Promise<HttpClient>);

/**
 * Checks the options now, and makes the handlers when they are asked for. Where the client cannot be made they are not,
 * and the next request tries again.
 */
export function lazyHandlers(source: ClientSource, options: HttpOptions): () => Promise<HttpHandlers> {
  if (typeof source !== 'function') {
    const handlers = Promise.resolve(createHandlers(source, options));
    return () => handlers;
  }
  if (options === undefined) throw invalidOption('authorize', 'a function', undefined);
  resolveHttpOptions(options);
  let made: Promise<HttpHandlers> | undefined;
  const make = async (): Promise<HttpHandlers> => createHandlers(await source(), options);
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
