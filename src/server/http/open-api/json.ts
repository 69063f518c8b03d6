/** A part of the document. */
export type Json = Readonly<Record<string, unknown>>;

export interface JsonSchema extends Json {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

/** Names of schemas in the document. */
export type SchemaName =
  | 'TranscribeRequest'
  | 'DeepgramOptions'
  | 'Webhook'
  | 'SyncAnswer'
  | 'AsyncAnswer'
  | 'StreamAnswer'
  | 'RouteDecision'
  | 'Transcript'
  | 'StoredTranscript'
  | 'JobStatus'
  | 'JobEvent'
  | 'ErrorData'
  | 'Token'
  | 'Health'
  | 'Problem';

export function ref(name: SchemaName): Json {
  return { $ref: `#/components/schemas/${name}` };
}
