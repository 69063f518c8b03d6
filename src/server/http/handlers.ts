import { TranscriptionError, toTranscriptionError } from '../../errors/index.js';
import { claimUnlessAborted } from '../../internal/abort.js';
import { createId } from '../../internal/ids.js';
import { corsHeaders, preflightHeaders } from './cors.js';
import type { HttpSettings } from './options.js';
import { matchPath, type PathMatch } from './paths.js';
import { principalOf, requireScope } from './principal.js';
import { detailsOf, HttpProblem, problemResponse } from './problem.js';
import type { UserRates } from './rates.js';
import type { HttpClient, Route, RouteCall } from './types.js';

interface Parts {
  readonly client: HttpClient;
  readonly settings: HttpSettings;
  readonly routes: readonly Route[];
  readonly rates: UserRates;
}

/** Ids that others give to a request, such as a proxy's. */
const GIVEN_ID = /^[\w.:-]{1,128}$/;

/** Finds the route of a request, and answers whatever happens. */
export class Handlers {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Never rejects. */
  async fetch(request: Request): Promise<Response> {
    const requestId = requestIdOf(request);
    const url = new URL(request.url);
    const { routes, settings } = this.#parts;
    const match = matchPath(routes, settings.basePath, url.pathname);
    let response: Response;
    try {
      response = await this.#answer(request, url, match, requestId);
    } catch (error) {
      const isGone = request.signal.aborted && !(error instanceof HttpProblem);
      response = this.#failed(isGone ? clientGone() : error, match, requestId);
    }
    response.headers.set('x-request-id', requestId);
    response.headers.set('x-content-type-options', 'nosniff');
    for (const [name, value] of Object.entries(corsHeaders(settings.cors, request))) {
      if (name === 'vary') response.headers.append(name, value);
      else response.headers.set(name, value);
    }
    return request.method === 'HEAD' ? withoutBody(response) : response;
  }

  async #answer(
    request: Request,
    url: URL,
    match: PathMatch | undefined,
    requestId: string,
  ): Promise<Response> {
    if (match === undefined) throw notFound();
    const { client, settings, rates } = this.#parts;
    if (request.method === 'OPTIONS') return optionsResponse(settings, match.allow);
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const route = match.routes.find((candidate) => candidate.method === method);
    if (route === undefined) throw notAllowed(match.allow);
    const call: RouteCall = { client, settings, request, url, params: match.params, requestId };
    if (route.scope === undefined) return untilGone(route.handle(call), request);
    const principal = await principalOf(settings, request);
    if (request.bodyUsed) throw bodyRead();
    requireScope(principal, route.scope);
    rates.count(principal);
    return untilGone(route.handle({ ...call, principal }), request);
  }

  #failed(error: unknown, match: PathMatch | undefined, requestId: string): Response {
    const details = detailsOf(error);
    if (details.status >= 500) {
      const cause = toTranscriptionError(details.cause ?? error);
      this.#parts.settings.onError(cause, { requestId, route: match?.routes[0]?.path ?? '' });
    }
    return problemResponse(details, requestId);
  }
}

/** A storage that hangs must not hold what nobody waits for. What sends audio ends by the signal of its own. */
function untilGone(answer: Promise<Response>, { method, signal }: Request): Promise<Response> {
  const discard = ({ body }: Response): void => void body?.cancel().catch(() => undefined);
  return method === 'POST' ? answer : claimUnlessAborted(answer, signal, discard);
}

/** Nobody sees it, and it is no failure of the server's. */
function clientGone(): HttpProblem {
  return new HttpProblem({ status: 499, code: 'aborted', detail: 'Whoever asked has gone.' });
}

function bodyRead(): TranscriptionError {
  return new TranscriptionError(
    'authorize() has read the body of the request. Let it read request.clone().',
    {
      code: 'internal',
    },
  );
}

function requestIdOf(request: Request): string {
  const given = request.headers.get('x-request-id');
  return given !== null && GIVEN_ID.test(given) ? given : createId('req');
}

function optionsResponse(settings: HttpSettings, allow: string): Response {
  return new Response(null, { status: 204, headers: { allow, ...preflightHeaders(settings.cors, allow) } });
}

function withoutBody(response: Response): Response {
  // A stream of events must not go on for nobody.
  void response.body?.cancel().catch(() => undefined);
  return new Response(null, { status: response.status, headers: response.headers });
}

function notFound(): HttpProblem {
  return new HttpProblem({ status: 404, code: 'not_found', detail: 'There is no such route.' });
}

function notAllowed(allow: string): HttpProblem {
  return new HttpProblem({
    status: 405,
    code: 'method_not_allowed',
    detail: `This route takes ${allow}.`,
    headers: { allow },
  });
}
