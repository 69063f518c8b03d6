import type { HttpSettings } from '../options.js';
import { type Answers, answer, jsonAnswer, problems } from './answers.js';
import { type Json, type JsonSchema, ref } from './json.js';

/** Fields of the JSON body that an upload has in its query. */
const QUERY_FIELDS = ['userId', 'mode', 'audioDuration', 'priority', 'idempotencyKey', 'metadata', 'webhook'];

/** Of those that look otherwise there. */
const QUERY_FORMS: Readonly<Record<string, Json>> = {
  metadata: { content: { 'application/json': { schema: { type: 'object' } } } },
  webhook: {
    description: 'Of an upload. An https: URL to a public address, which hears of the end of the job.',
    schema: { type: 'string', maxLength: 2048 },
  },
};

const AUDIO = {
  schema: {
    description: 'The audio itself. It is not kept in memory: it may be long, and without a length.',
  },
};

export function transcribeOperation(
  settings: HttpSettings,
  schemas: Readonly<Record<string, JsonSchema>>,
): Json {
  return {
    operationId: 'transcribe',
    summary: 'Transcribes audio at a URL, or the body itself.',
    description:
      'The router decides whether the answer is the transcript, a job, or where to stream to, unless `mode` says it. ' +
      'Options of an upload are in the query, those of a JSON body in the body.',
    parameters: parameters(schemas),
    requestBody: {
      required: true,
      content: {
        'application/json': { schema: ref('TranscribeRequest') },
        'audio/*': AUDIO,
        'video/*': AUDIO,
        'application/octet-stream': AUDIO,
      },
    },
    responses: responses(settings),
  };
}

function responses(settings: HttpSettings): Answers {
  const refs = [ref('SyncAnswer'), ...(settings.stream === undefined ? [] : [ref('StreamAnswer')])];
  const schema = refs.length === 1 ? refs[0] : { oneOf: refs };
  return {
    200: answer('The transcript, or where to stream the audio to.', {
      content: { 'application/json': { schema } },
    }),
    202: jsonAnswer('The job that will make the transcript.', 'AsyncAnswer', ['Location']),
    ...problems(settings, [400, 408, 409, 413, 415, 422, 429, 502, 503, 504]),
  };
}

function parameters(schemas: Readonly<Record<string, JsonSchema>>): readonly Json[] {
  const request = schemas.TranscribeRequest?.properties ?? {};
  const options = schemas.DeepgramOptions?.properties ?? {};
  const fields = QUERY_FIELDS.filter((name) => name in request).map((name) => [name, request[name]] as const);
  return [
    {
      name: 'idempotency-key',
      in: 'header',
      description: request.idempotencyKey?.description,
      schema: request.idempotencyKey,
    },
    ...[...fields, ...Object.entries(options)].map(([name, schema]) => ({
      name,
      in: 'query',
      description: `Of an upload. ${schema?.description ?? "Deepgram's option."}`,
      ...(QUERY_FORMS[name] ?? { schema }),
    })),
  ];
}
