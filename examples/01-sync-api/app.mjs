// @ts-check
import express from 'express';
import { answerError, InputError } from './errors.mjs';

/** @import { ErrorRequestHandler, Express, Request, Response } from 'express' */
/** @import { TranscriptionClient } from 'transcription-client' */

const LONGEST_BODY = '16kb';

/**
 * The API without its server, so that tests and other apps can mount it.
 *
 * @param {TranscriptionClient} client
 * @returns {Express}
 */
export function createApp(client) {
  const app = express();
  app.disable('x-powered-by');

  app.post('/transcribe', express.json({ limit: LONGEST_BODY }), async (request, response) => {
    const { audioUrl, userId } = readCall(request.body);
    const idempotencyKey = readText('idempotency-key', request.get('idempotency-key'));
    const transcript = await client.transcribe(audioUrl, {
      smart_format: true,
      signal: untilDisconnect(response),
      ...(userId === undefined ? {} : { userId }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    });
    response.json({ transcript: transcript.text, requestId: transcript.requestId });
  });

  app.get('/transcripts', async (request, response) => {
    const userId = readText('userId', request.query.userId);
    if (userId === undefined) throw new InputError('userId', 'is missing');
    const { items } = await client.transcripts.list({ userId });
    const records = items.map(({ requestId, source, text, createdAt }) => ({
      requestId,
      userId,
      source,
      transcript: text,
      createdAt,
    }));
    response.json({ records });
  });

  app.use((_request, response) => {
    response.status(404).json({ error: { code: 'no_route', message: 'There is no such route.' } });
  });
  /** @type {ErrorRequestHandler} */
  const onError = (error, _request, response, _next) => answerError(error, response);
  app.use(onError);
  return app;
}

/**
 * @param {unknown} body
 */
function readCall(body) {
  // What is no JSON by its content-type was not parsed.
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new InputError('body', 'must be a JSON object, sent with content-type: application/json');
  }
  const { audioUrl, userId } = /** @type {Record<string, unknown>} */ (body);
  return { audioUrl: readUrl(audioUrl), userId: readText('userId', userId) };
}

/**
 * @param {unknown} value
 */
function readUrl(value) {
  if (value === undefined) throw new InputError('audioUrl', 'is missing');
  if (typeof value !== 'string' || !URL.canParse(value) || !/^https?:\/\//i.test(value)) {
    throw new InputError('audioUrl', 'must be an http(s) URL');
  }
  return value;
}

/**
 * @param {string} field
 * @param {unknown} value
 */
function readText(field, value) {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value !== '' && value.length <= 255) return value;
  throw new InputError(field, 'must be a string of 1 to 255 characters');
}

/**
 * Nobody waits for the transcript any more: the request to Deepgram ends too.
 *
 * @param {Response} response
 */
function untilDisconnect(response) {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}
