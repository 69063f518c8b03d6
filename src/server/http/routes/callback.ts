import type { CallbackResult } from '../../../contracts/index.js';
import { raceAbort } from '../../../internal/abort.js';
import { HttpProblem } from '../problem.js';
import type { Route, RouteCall } from '../types.js';

/**
 * `POST /callback`: where Deepgram hands in results. They carry their own secret, so that no principal is needed, and
 * they are JSON whatever their content type says.
 */
export const callbackRoute: Route = {
  method: 'POST',
  path: '/callback',
  async handle(call) {
    const { httpStatus } = await handled(call);
    return new Response(null, { status: httpStatus, headers: { 'cache-control': 'no-store' } });
  },
};

async function handled({ client, request }: RouteCall): Promise<CallbackResult> {
  try {
    return await raceAbort(client.handleCallback({ body: request.body }), request.signal);
  } catch (cause) {
    // Whatever it is: with a status of 5xx Deepgram comes again, and the result is not lost.
    throw new HttpProblem({
      status: 503,
      code: 'callback_failed',
      detail: 'The callback cannot be taken now. Come again later.',
      headers: { 'retry-after': '30' },
      cause,
    });
  }
}
