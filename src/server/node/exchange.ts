import type { IncomingMessage, ServerResponse } from 'node:http';
import { AbortedError } from '../../errors/index.js';
import { createId } from '../../internal/ids.js';
import { type ProblemDetails, problemResponse } from '../http/problem.js';
import { BodyStream } from './body-stream.js';
import { canBeRequest, toFetchRequest } from './request.js';
import { sendResponse } from './response.js';

export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** Undefined where the request names none that it could be. */
  readonly url: URL | undefined;
  /** What a parser has made of the body, where one has read it. */
  readonly parsedBody: unknown;
}

const NO_URL: ProblemDetails = {
  status: 400,
  code: 'bad_request',
  detail: 'The header Host must name a host, such as example.com:8080, and the path have no dot segments.',
};

const NO_METHOD: ProblemDetails = {
  status: 501,
  code: 'not_implemented',
  detail: 'This server does not know the method of the request.',
};

/** Answers a request of Node's HTTP server with what a handler of the Fetch API answers. */
export async function exchange(
  { incoming, outgoing, url, parsedBody }: Exchange,
  handle: (request: Request) => Promise<Response>,
): Promise<void> {
  const refusal = url === undefined ? NO_URL : canBeRequest(incoming) ? undefined : NO_METHOD;
  if (url === undefined || refusal !== undefined) {
    return sendResponse(incoming, outgoing, problemResponse(refusal ?? NO_URL, createId('req')));
  }
  const signal = untilDisconnect(outgoing);
  const body = new BodyStream(incoming);
  const unreadBody = body.readable;
  const response = await handle(toFetchRequest(incoming, { url, signal, parsedBody, unreadBody }));
  await sendResponse(incoming, outgoing, response, () => body.abandon());
}

function untilDisconnect(outgoing: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const onClose = (): void => {
    if (outgoing.writableFinished) return;
    controller.abort(new AbortedError('The connection was closed before the answer.', { code: 'aborted' }));
  };
  // It may have been closed while other middleware was at work.
  if (outgoing.destroyed) onClose();
  else outgoing.once('close', onClose);
  return controller.signal;
}
