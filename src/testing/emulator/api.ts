import { randomUUID } from 'node:crypto';
import { type Answer, badRequest, failure, Refusal, type StatusResponse, success } from './answer.js';
import { type AccessControl, createAccessControl, credentialsFromHeader } from './auth.js';
import { type ListenOptions, type ListenRecord, listen } from './listen.js';
import { Slots } from './slots.js';

/** One HTTP request, whoever received it. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly body: Uint8Array;
  /** Aborted when the client is gone or the emulator closes. */
  readonly signal: AbortSignal;
  /** What the server's side learns of the request. */
  readonly record?: ListenRecord;
}

export interface ApiOptions extends Omit<ListenOptions, 'slots'> {
  readonly apiKeys: readonly string[] | undefined;
  /** How many recordings are processed at the same time. More are answered with 429. undefined: any number. */
  readonly maxConcurrent: number | undefined;
  /** How many live streams are open. Default: none. */
  readonly liveStreams?: () => number;
}

/** Deepgram's REST API without a server: a request in, an answer out. Never rejects. */
export interface Api {
  readonly access: AccessControl;
  handle(request: ApiRequest, requestId?: string): Promise<Answer>;
}

interface Route {
  readonly method: 'GET' | 'POST';
  readonly isOpen?: boolean;
  answer(request: ApiRequest, requestId: string): Promise<Answer>;
}

export function createApi(options: ApiOptions): Api {
  const access = createAccessControl(options.apiKeys, () => options.clock.wallMs());
  const slots = new Slots(options.maxConcurrent);
  const routes: Readonly<Record<string, Route>> = {
    '/v1/listen': {
      method: 'POST',
      answer: async (request, requestId) =>
        success(await listen({ ...request, requestId }, { ...options, slots }), requestId),
    },
    '/v2/listen': {
      method: 'GET',
      answer: () => Promise.reject(badRequest('/v2/listen takes WebSockets only')),
    },
    '/v1/auth/grant': {
      method: 'POST',
      answer: async ({ body }, requestId) => success(access.grant(body), requestId),
    },
    '/v1/status': {
      method: 'GET',
      isOpen: true,
      answer: async (_request, requestId) => status(slots, options.liveStreams?.() ?? 0, requestId),
    },
  };
  return {
    access,
    async handle(request, requestId = randomUUID()) {
      try {
        const route = Object.hasOwn(routes, request.path) ? routes[request.path] : undefined;
        if (!route) throw new Refusal(404, 'NOT_FOUND', `There is nothing at ${request.path}.`);
        if (request.method !== route.method) {
          throw new Refusal(405, 'METHOD_NOT_ALLOWED', `Use ${route.method}.`, { allow: route.method });
        }
        if (!route.isOpen) access.check(credentialsFromHeader(request.authorization));
        return await route.answer(request, requestId);
      } catch (error) {
        return failure(error, requestId);
      }
    },
  };
}

/** The health of a self-hosted server: 503 while it takes no more recordings. */
function status(slots: Slots, liveStreams: number, requestId: string): Answer {
  const body: StatusResponse = {
    system_health: slots.isSaturated ? 'Critical' : 'Healthy',
    active_batch_requests: slots.used,
    active_stream_requests: liveStreams,
  };
  return { ...success(body, requestId), status: slots.isSaturated ? 503 : 200 };
}
