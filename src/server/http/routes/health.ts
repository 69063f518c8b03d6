import { TranscriptionError } from '../../../errors/index.js';
import { json } from '../json.js';
import type { HttpClient, Route } from '../types.js';

/** `GET /health`: for load balancers, so without a principal, and without a word of where anything is. */
export const healthRoute: Route = {
  method: 'GET',
  path: '/health',
  async handle({ client }) {
    const { status, problems, checks = [] } = await healthOf(client);
    const body = {
      status,
      // Messages may name hosts.
      problems: problems.map(({ part, code, severity }) => ({ part, code, severity })),
      checks: checks.map(({ name, state, latencyMs }) => ({ name, state, latencyMs })),
    };
    return json(body, status === 'down' ? 503 : 200);
  },
};

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
