import { z } from 'zod';
import { deepgramOptions } from '../deepgram-options.js';
import type { HttpSettings } from '../options.js';
import * as schemas from '../schemas.js';
import type { JsonSchema, SchemaName } from './json.js';

/** By their names in the document. */
const NAMES = {
  TranscribeRequest: schemas.transcribeRequest,
  DeepgramOptions: deepgramOptions,
  Webhook: schemas.jobWebhook,
  SyncAnswer: schemas.syncAnswer,
  AsyncAnswer: schemas.asyncAnswer,
  StreamAnswer: schemas.streamAnswer,
  RouteDecision: schemas.routeDecision,
  Transcript: schemas.transcript,
  StoredTranscript: schemas.storedTranscript,
  JobStatus: schemas.jobStatus,
  JobEvent: schemas.jobEvent,
  ErrorData: schemas.errorData,
  Token: schemas.tokenAnswer,
  Health: schemas.health,
  Problem: schemas.problem,
} as const satisfies Record<SchemaName, z.ZodType>;

/** The schemas of all bodies, less what the settings do not let through. */
export function componentSchemas(settings: HttpSettings): Readonly<Record<string, JsonSchema>> {
  const { DeepgramOptions, TranscribeRequest, StreamAnswer, Token, Webhook, ...others } = allSchemas();
  return {
    TranscribeRequest: requestOf(TranscribeRequest, settings),
    DeepgramOptions: only(DeepgramOptions, settings.allowedOptions),
    ...(settings.allowWebhooks && { Webhook }),
    ...(settings.stream !== undefined && { StreamAnswer }),
    ...(settings.token !== undefined && { Token }),
    ...others,
  };
}

function allSchemas(): Record<SchemaName, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(NAMES)) registry.add(schema, { id });
  // As input: an answer may get further fields one day, and clients are to take them.
  const made = z.toJSONSchema(registry, { io: 'input', uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(made.schemas).map(([id, { $schema, $id, ...schema }]) => [id, schema]),
  ) as unknown as Record<SchemaName, JsonSchema>;
}

/** Only who wants to stream need not name the audio. */
function requestOf(schema: JsonSchema, { allowWebhooks, stream }: HttpSettings): JsonSchema {
  const allowed = withModes(allowWebhooks ? schema : without(schema, ['webhook']), stream !== undefined);
  const named = { required: ['audioUrl'] };
  const streamed = { properties: { mode: { const: 'stream' } }, required: ['mode'] };
  return stream === undefined ? { ...allowed, ...named } : { ...allowed, anyOf: [named, streamed] };
}

function withModes(schema: JsonSchema, canStream: boolean): JsonSchema {
  const mode = { ...schema.properties?.mode, ...(!canStream && { enum: ['sync', 'async'] }) };
  return { ...schema, properties: { ...schema.properties, mode } };
}

function without(schema: JsonSchema, names: readonly string[]): JsonSchema {
  const kept = Object.entries(schema.properties ?? {}).filter(([name]) => !names.includes(name));
  return { ...schema, properties: Object.fromEntries(kept) };
}

function only(schema: JsonSchema, names: ReadonlySet<string>): JsonSchema {
  const kept = Object.entries(schema.properties ?? {}).filter(([name]) => names.has(name));
  return { ...schema, properties: Object.fromEntries(kept) };
}
