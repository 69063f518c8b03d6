import type { HttpSettings, MetricsSource } from '../options.js';
import { answer, jsonAnswer, openProblems, problems } from './answers.js';
import { type Json, ref } from './json.js';

const TEXT = { schema: { type: 'string' } };

export function transcriptOperation(settings: HttpSettings): Json {
  return {
    operationId: 'getTranscript',
    summary: 'A transcript, as JSON, text or captions.',
    parameters: [
      {
        name: 'id',
        in: 'path',
        required: true,
        description: 'Id of the transcript, and `.json`, the default, `.txt`, `.srt` or `.vtt`.',
        schema: { type: 'string' },
      },
      {
        name: 'download',
        in: 'query',
        description: 'Whatever it says: a browser keeps the answer as a file.',
        allowEmptyValue: true,
        schema: { type: 'string' },
      },
      {
        name: 'if-none-match',
        in: 'header',
        description: 'ETags that you have.',
        schema: { type: 'string' },
      },
    ],
    responses: {
      200: answer('The transcript.', {
        headers: ['ETag'],
        content: {
          'application/json': { schema: ref('StoredTranscript') },
          'text/plain': TEXT,
          'application/x-subrip': TEXT,
          'text/vtt': TEXT,
        },
      }),
      304: answer('You have it.', { headers: ['ETag'] }),
      ...problems(settings, [404, 503]),
    },
  };
}

export function callbackOperation(): Json {
  return {
    operationId: 'takeCallback',
    summary: 'Where Deepgram hands in results. They carry a secret of their own.',
    security: [],
    requestBody: { required: true, content: { 'application/json': { schema: {} } } },
    responses: {
      200: answer('Taken, or not needed any more.'),
      400: answer('It is no JSON.'),
      401: answer('The secret is missing or wrong.'),
      404: answer('There is no such job.'),
      409: answer('The secret is that of another request.'),
      413: answer('The result is too large.'),
      503: openProblems([503])[503],
      500: openProblems([500])[500],
    },
  };
}

export function healthOperation(): Json {
  return {
    operationId: 'getHealth',
    summary: 'Whether the server can work.',
    security: [],
    responses: {
      200: jsonAnswer('It can, perhaps with restrictions.', 'Health'),
      503: jsonAnswer('It cannot.', 'Health'),
      500: openProblems([500])[500],
    },
  };
}

export function tokenOperation(settings: HttpSettings): Json {
  return {
    operationId: 'createToken',
    summary: "A short-lived token of Deepgram's, for a browser.",
    responses: {
      200: jsonAnswer('The token.', 'Token'),
      ...problems(settings, [429, 502, 503, 504]),
    },
  };
}

export function metricsOperation(settings: HttpSettings, { contentType }: MetricsSource): Json {
  return {
    operationId: 'getMetrics',
    summary: 'What Prometheus scrapes.',
    responses: {
      200: answer('The metrics.', { content: { [contentType]: TEXT } }),
      ...problems(settings, []),
    },
  };
}

export function openApiOperation(settings: HttpSettings): Json {
  return {
    operationId: 'getOpenApi',
    summary: 'This document.',
    responses: {
      200: answer('The document.', { content: { 'application/json': { schema: { type: 'object' } } } }),
      ...problems(settings, []),
    },
  };
}
