import { loadSchemas } from './load-schemas.js';
import { componentResponses, HEADERS } from './open-api/answers.js';
import { cancelJobOperation, jobEventsOperation, jobOperation } from './open-api/jobs.js';
import type { Json, JsonSchema } from './open-api/json.js';
import {
  callbackOperation,
  healthOperation,
  metricsOperation,
  openApiOperation,
  tokenOperation,
  transcriptOperation,
} from './open-api/others.js';
import { transcribeOperation } from './open-api/transcribe.js';
import type { HttpSettings } from './options.js';

const INFO = {
  title: 'Speech to text',
  version: '1',
  description:
    'Errors are problem details (RFC 9457). HEAD comes with every GET, and OPTIONS everywhere; another method is ' +
    'answered with 405 and Allow. Jobs and transcripts of others are not there: 404.',
};

const BEARER = {
  type: 'http',
  scheme: 'bearer',
  description:
    'Who asks is decided by the application that serves this API: it may take a bearer token, a cookie, or what else ' +
    'it knows its users by.',
};

/** The OpenAPI 3.1 document of the routes that the settings switch on. Rejects where zod is missing. */
export async function openApiDocument(settings: HttpSettings): Promise<Json> {
  // Says what to install where it fails.
  await loadSchemas();
  const { componentSchemas } = await import('./open-api/schemas.js');
  const schemas = componentSchemas(settings);
  return {
    openapi: '3.1.0',
    info: INFO,
    servers: serversOf(settings.basePath),
    security: [{ bearer: [] }],
    paths: pathsOf(settings, schemas),
    components: {
      schemas,
      responses: componentResponses(),
      headers: HEADERS,
      securitySchemes: { bearer: BEARER },
    },
  };
}

export function serversOf(basePath: string): Json[] {
  return [{ url: basePath === '' ? '/' : basePath }];
}

/** The same routes as in `routes/index.ts`: a test compares them. */
function pathsOf(settings: HttpSettings, schemas: Readonly<Record<string, JsonSchema>>): Json {
  const { token, metrics, openApi } = settings;
  return {
    '/transcribe': { post: transcribeOperation(settings, schemas) },
    '/jobs/{id}': { get: jobOperation(settings), delete: cancelJobOperation(settings) },
    '/jobs/{id}/events': { get: jobEventsOperation(settings) },
    '/transcripts/{id}': { get: transcriptOperation(settings) },
    '/callback': { post: callbackOperation() },
    '/health': { get: healthOperation() },
    ...(token !== undefined && { '/token': { post: tokenOperation(settings) } }),
    ...(metrics !== undefined && { '/metrics': { get: metricsOperation(settings, metrics) } }),
    ...(openApi && { '/openapi.json': { get: openApiOperation(settings) } }),
  };
}
