// @ts-check
import express from 'express';
import { createRouter } from 'transcription-client/express';
import { userOf } from './users.mjs';

/** @import { Express } from 'express' */
/** @import { TranscriptionClient } from 'transcription-client' */
/** @import { RouterOptions } from 'transcription-client/express' */

/**
 * The API without its server, so that tests and other apps can mount it.
 *
 * @param {TranscriptionClient} client
 * @param {Pick<RouterOptions, 'metrics' | 'stream'>} options
 * @returns {Express}
 */
export function createApp(client, options) {
  const app = express();
  app.disable('x-powered-by');
  const speech = createRouter(client, {
    ...options,
    authorize: userOf,
    // What costs money is decided here: a request may set none of these.
    callOptions: { model: 'nova-3', smart_format: true },
    limits: { maxAudioBytes: 100_000_000, requestsPerMinute: 600 },
    token: { ttlSeconds: 30 },
    onError: (error, { requestId, route }) =>
      console.error(`${requestId} ${route} ${error.code} ${error.message}`),
  });
  app.use('/api', speech);
  // Where load balancers and Prometheus look by default.
  app.get(['/health', '/metrics'], speech);

  app.use((_request, response) => {
    response.status(404).json({ title: 'Not Found', status: 404, detail: 'There is no such route.' });
  });
  return app;
}
