import { badRequest, type Refusal } from './answer.js';

/** The query parameters of `/v1/listen` that the emulator acts on. Times are in seconds. */
export interface ListenParameters {
  readonly model: string;
  readonly language: string | undefined;
  readonly multichannel: boolean;
  readonly utterances: boolean;
  readonly utteranceSplit: number;
  readonly paragraphs: boolean;
  readonly punctuate: boolean;
  /** The diarizer's generation. undefined: speakers are not told apart. */
  readonly diarize: 'v1' | 'v2' | undefined;
  /** The languages to choose from, none for all. undefined: the language is not detected. */
  readonly detectLanguage: readonly string[] | undefined;
  readonly tags: readonly string[];
  readonly extra: Readonly<Record<string, string>>;
  readonly encoding: RawEncoding | undefined;
}

/** How audio without a container is laid out. */
export interface RawEncoding {
  /** `linear32` is floating point. */
  readonly name: (typeof ENCODINGS)[number];
  readonly sampleRate: number;
  readonly channels: number;
}

/** The parameters that only the WebSocket has. */
export interface LiveParameters {
  readonly interimResults: boolean;
  readonly vadEvents: boolean;
  /** undefined: not given; false: switched off. */
  readonly endpointing: number | false | undefined;
  readonly utteranceEnd: number | undefined;
}

const ENCODINGS = ['linear16', 'linear32', 'mulaw', 'alaw'] as const;
const BOOLEANS = [
  'detect_entities',
  'diarize',
  'dictation',
  'filler_words',
  'intents',
  'interim_results',
  'measurements',
  'mip_opt_out',
  'multichannel',
  'numerals',
  'paragraphs',
  'profanity_filter',
  'punctuate',
  'sentiment',
  'smart_format',
  'topics',
  'utterances',
  'vad_events',
] as const;

/** Deepgram takes no more. */
export const MAX_CHANNELS = 20;
const MAX_TAG_LENGTH = 128;
const MAX_EXTRA_LENGTH = 2048;
const MIN_UTTERANCE_END_MS = 1000;

/** Reads and checks a query. Unknown keys are ignored, as Deepgram does. @throws Refusal 400 */
export function parseListenParameters(
  query: URLSearchParams,
  models: readonly string[] | undefined,
): ListenParameters {
  for (const name of BOOLEANS) {
    for (const value of query.getAll(name)) parseBoolean(name, value);
  }
  const model = query.get('model') ?? 'base-general';
  checkModel(query, model, models);
  const smartFormat = query.get('smart_format') === 'true';
  const paragraphs = query.get('paragraphs') === 'true' || smartFormat;
  return {
    model,
    language: query.get('language') ?? undefined,
    multichannel: query.get('multichannel') === 'true',
    utterances: query.get('utterances') === 'true',
    utteranceSplit: positiveNumber(query, 'utt_split') ?? 0.8,
    paragraphs,
    punctuate: query.get('punctuate') === 'true' || paragraphs,
    diarize: parseDiarize(query),
    detectLanguage: parseDetectLanguage(query.getAll('detect_language')),
    tags: parseTags(query),
    extra: parseExtra(query),
    encoding: parseEncoding(query),
  };
}

/** Reads what only the WebSocket has. @throws Refusal 400 */
export function parseLiveParameters(query: URLSearchParams): LiveParameters {
  const utteranceEndMs = positiveNumber(query, 'utterance_end_ms');
  if (utteranceEndMs !== undefined && utteranceEndMs < MIN_UTTERANCE_END_MS) {
    throw invalidParameter('utterance_end_ms', `must be at least ${MIN_UTTERANCE_END_MS}`);
  }
  return {
    interimResults: query.get('interim_results') === 'true',
    vadEvents: query.get('vad_events') === 'true',
    endpointing: parseEndpointing(query.get('endpointing')),
    utteranceEnd: utteranceEndMs === undefined ? undefined : utteranceEndMs / 1000,
  };
}

function checkModel(query: URLSearchParams, model: string, models: readonly string[] | undefined): void {
  // Flux has an API of its own.
  if (model.startsWith('flux-') || (models && !models.includes(model))) {
    throw badRequest('No such model/language/tier combination found.');
  }
  const isNova3 = /^nova-3(?![\d])/.test(model);
  if (isNova3 && query.has('keywords')) throw badRequest('keywords are not supported by nova-3: use keyterm');
  if (!isNova3 && query.has('keyterm')) throw badRequest('keyterm is supported by nova-3 only');
}

function parseEndpointing(value: string | null): number | false | undefined {
  if (value === null || value === 'true') return undefined;
  if (value === 'false') return false;
  const milliseconds = Number(value);
  if (value === '' || !Number.isInteger(milliseconds) || milliseconds < 0) {
    throw invalidParameter('endpointing', 'must be false or a whole number of milliseconds');
  }
  return milliseconds / 1000;
}

/** How the audio is laid out; undefined: it is in a container. @throws Refusal 400 */
export function parseEncoding(query: URLSearchParams): RawEncoding | undefined {
  const given = query.get('encoding');
  if (given === null) return undefined;
  const name = ENCODINGS.find((encoding) => encoding === given);
  if (!name) {
    throw invalidParameter('encoding', `'${given}' is not supported here: use ${ENCODINGS.join(', ')}`);
  }
  const sampleRate = positiveNumber(query, 'sample_rate');
  if (sampleRate === undefined || !Number.isInteger(sampleRate)) {
    throw invalidParameter('sample_rate', 'must be given, as a whole number, when encoding is');
  }
  const channels = positiveNumber(query, 'channels') ?? 1;
  if (!Number.isInteger(channels) || channels > MAX_CHANNELS) {
    throw invalidParameter('channels', `must be a whole number from 1 to ${MAX_CHANNELS}`);
  }
  return { name, sampleRate, channels };
}

function parseDiarize(query: URLSearchParams): 'v1' | 'v2' | undefined {
  const model = query.get('diarize_model');
  if (model !== null) return model === 'v1' ? 'v1' : 'v2';
  return query.get('diarize') === 'true' ? 'v1' : undefined;
}

/** `true`, or the candidates, one in each value. */
function parseDetectLanguage(values: readonly string[]): readonly string[] | undefined {
  if (values.length === 0 || values.includes('false')) return undefined;
  if (values.includes('')) throw invalidParameter('detect_language', 'must be true, false or a language');
  return values.filter((value) => value !== 'true');
}

function parseTags(query: URLSearchParams): readonly string[] {
  const tags = query.getAll('tag');
  if (tags.some((tag) => tag.length > MAX_TAG_LENGTH)) {
    throw invalidParameter('tag', `must have at most ${MAX_TAG_LENGTH} characters`);
  }
  return tags;
}

/** `extra=key:value`, once for each pair. The value may contain further colons. */
function parseExtra(query: URLSearchParams): Record<string, string> {
  return Object.fromEntries(
    query.getAll('extra').map((pair) => {
      if (pair.length > MAX_EXTRA_LENGTH) {
        throw invalidParameter('extra', `must have at most ${MAX_EXTRA_LENGTH} characters`);
      }
      const colon = pair.indexOf(':');
      return colon < 0 ? [pair, ''] : [pair.slice(0, colon), pair.slice(colon + 1)];
    }),
  );
}

function positiveNumber(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  const parsed = Number(value);
  if (value === '' || !Number.isFinite(parsed) || parsed <= 0) {
    throw invalidParameter(name, 'must be a positive number');
  }
  return parsed;
}

function parseBoolean(name: string, value: string): void {
  if (value !== 'true' && value !== 'false') throw invalidParameter(name, 'must be true or false');
}

/** Status 400 that names the parameter. */
export function invalidParameter(name: string, rule: string): Refusal {
  return badRequest(`failed to parse the query string: ${name} ${rule}`);
}
