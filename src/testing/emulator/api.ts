import { randomUUID } from 'node:crypto';
import { type Answer, failure, Refusal, success } from './answer.js';
import { type AccessControl, createAccessControl, credentialsFromHeader } from './auth.js';
import { type ListenOptions, listen } from './listen.js';

/** One HTTP request, whoever received it. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly body: Uint8Array;
  /** Aborted when the client is gone or the emulator closes. After the answer: when the emulator closes. */
  readonly signal: AbortSignal;
}

export interface ApiOptions extends ListenOptions {
  readonly apiKeys: readonly string[] | undefined;
}

/** Deepgram's REST API without a server: a request in, an answer out. Never rejects. */
export interface Api {
  readonly access: AccessControl;
  handle(request: ApiRequest, requestId?: string): Promise<Answer>;
}

export function createApi(options: ApiOptions): Api {
  const access = createAccessControl(options.apiKeys);
  const routes: Record<string, (request: ApiRequest, requestId: string) => Promise<object>> = {
    '/v1/listen': (request, requestId) => listen({ ...request, requestId }, options),
    '/v1/auth/grant': async (request) => access.grant(request.body),
  };
  return {
    access,
    async handle(request, requestId = randomUUID()) {
      try {
        const route = routes[request.path];
        if (!route) throw new Refusal(404, 'NOT_FOUND', `There is nothing at ${request.path}.`);
        if (request.method !== 'POST') {
          throw new Refusal(405, 'METHOD_NOT_ALLOWED', 'Use POST.', { allow: 'POST' });
        }
        access.check(credentialsFromHeader(request.authorization));
        return success(await route(request, requestId), requestId);
      } catch (error) {
        return failure(error, requestId);
      }
    },
  };
}
