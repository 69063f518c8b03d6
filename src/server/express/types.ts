import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpOptions, Principal } from '../http/index.js';

/** What is used of a request of Express 4 or 5. */
export interface ExpressRequest extends IncomingMessage {
  readonly originalUrl: string;
  /** The path that the router is mounted at. */
  readonly baseUrl: string;
  /** As the setting `trust proxy` lets proxies say. */
  readonly protocol: string;
  readonly hostname: string | undefined;
  /** What a parser of bodies has left, such as `express.json()`. */
  readonly body?: unknown;
}

/** For `app.use()`. Never rejects. */
export type ExpressHandler = (
  request: ExpressRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>;

/** Those of `createHandlers()`. The base path is where the router is mounted. */
export interface RouterOptions extends Omit<HttpOptions, 'authorize' | 'basePath'> {
  /**
   * Says who asks. Null: 401. What it throws: 500, without details. Asked for every route but `/callback` and `/health`.
   * The second argument is Express's request, with what other middleware has found out, such as `request.session`.
   */
  // biome-ignore lint/suspicious/noExplicitAny: middleware adds what it likes.
  readonly authorize: (request: Request, expressRequest: any) => Principal | null | Promise<Principal | null>;
}
