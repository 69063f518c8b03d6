import { TranscriptionError } from '../../../errors/index.js';
import { defined } from '../../../internal/defined.js';
import { json } from '../json.js';
import type { HttpClient, Route, RouteCall } from '../types.js';

/** `GET /health`: for load balancers, so without a principal, and without a word of where anything is. */
export function healthRoute(): Route {
  let looking: ReturnType<typeof healthOf> | undefined;
  // Everybody may ask, as often as they like: those who ask at the same time share a look.
  const look = (client: HttpClient): ReturnType<typeof healthOf> => {
    looking ??= healthOf(client).finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const handle = async ({ client }: RouteCall): Promise<Response> => {
    const { status, problems, checks = [] } = await look(client);
    const body = {
      status,
      // Messages may name hosts.
      problems: problems.map(({ part, code, severity }) => ({ part, code, severity })),
      checks: checks.map(({ name, region, state, latencyMs }) => ({
        name,
        ...defined({ region }),
        state,
        latencyMs,
      })),
    };
    return json(body, status === 'down' ? 503 : 200);
  };
  return { method: 'GET', path: '/health', handle };
}

/** A client that is closed rejects. Whoever probes gets an answer all the same, and sends nobody here any more. */
async function healthOf(client: HttpClient): ReturnType<HttpClient['health']> {
  try {
    return await client.health();
  } catch (error) {
    if (!TranscriptionError.isInstance(error) || error.code !== 'client_closed') throw error;
    const problem = { part: 'client', code: error.code, severity: 'error' } as const;
    return { status: 'down', problems: [problem], checks: [] };
  }
}
