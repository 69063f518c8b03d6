import { createRouteHandlers } from 'transcription-client/next';
import { createStreamTokens } from 'transcription-client/websocket';
import { speechClient } from '@/lib/speech';
import { visitorOf } from '@/lib/visitor';

const { BRIDGE_URL = 'ws://127.0.0.1:3001/stream' } = process.env;

export const { GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS } = createRouteHandlers(speechClient, {
  basePath: '/api/speech',
  authorize: (request) => {
    const userId = visitorOf(request.headers.get('cookie'));
    return userId === undefined ? null : { userId };
  },
  // The page shows words as they are written, and where they pause.
  callOptions: { smart_format: true, utterances: true },
  limits: { requestsPerMinute: 300 },
  stream: {
    url: BRIDGE_URL,
    tokens: { issue: (principal) => streamTokens().issue(principal) },
  },
  onError: ({ code, message }, { requestId, route }) => console.error(requestId, route, code, message),
});

/** bridge.mjs takes them by the same secret. A build has none. */
function streamTokens() {
  const { STREAM_SECRET } = process.env;
  if (STREAM_SECRET === undefined) throw new Error('STREAM_SECRET is not set. npm start sets it.');
  return createStreamTokens({ secret: STREAM_SECRET });
}
