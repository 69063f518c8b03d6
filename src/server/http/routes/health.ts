import { json } from '../json.js';
import type { Route } from '../types.js';

/** `GET /health`: for load balancers, so without a principal, and without a word of where anything is. */
export const healthRoute: Route = {
  method: 'GET',
  path: '/health',
  async handle({ client }) {
    const { status, problems, checks = [] } = await client.health();
    const body = {
      status,
      // Messages may name hosts.
      problems: problems.map(({ part, code, severity }) => ({ part, code, severity })),
      checks: checks.map(({ name, state, latencyMs }) => ({ name, state, latencyMs })),
    };
    return json(body, status === 'down' ? 503 : 200);
  },
};
