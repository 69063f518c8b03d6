import { badRequest } from './answer.js';
import { invalidParameter, parseEncoding, type RawEncoding } from './parameters.js';

/** When a turn ends. The confidence that it has ended grows with the pause: see `FluxTurns`. */
export interface FluxThresholds {
  /** undefined: no EagerEndOfTurn and no TurnResumed. */
  readonly eager: number | undefined;
  readonly end: number;
  readonly timeoutMs: number;
}

/** The query parameters of `/v2/listen` that the emulator acts on. */
export interface FluxParameters {
  readonly model: string;
  /** Always one channel. undefined: a container with its own header. */
  readonly encoding: RawEncoding | undefined;
  readonly thresholds: FluxThresholds;
  readonly keyterms: readonly string[];
  readonly languageHints: readonly string[];
}

export const MULTILINGUAL_MODEL = 'flux-general-multi';
const DEFAULT_THRESHOLDS: FluxThresholds = { eager: undefined, end: 0.7, timeoutMs: 5000 };
/** What only `/v1/listen` has. */
const FOREIGN = [
  'interim_results',
  'smart_format',
  'endpointing',
  'callback',
  'multichannel',
  'utterance_end_ms',
];

/** Reads and checks a query. Unknown keys are ignored. @throws Refusal 400 */
export function parseFluxParameters(
  query: URLSearchParams,
  models: readonly string[] | undefined,
): FluxParameters {
  const model = query.get('model') ?? '';
  if (!model.startsWith('flux-') || (models && !models.includes(model))) {
    throw badRequest('No such model/language/tier combination found.');
  }
  for (const name of FOREIGN) {
    if (query.has(name)) throw invalidParameter(name, 'is not supported by flux');
  }
  const languageHints = query.getAll('language_hint');
  if (languageHints.length > 0 && model !== MULTILINGUAL_MODEL) {
    throw invalidParameter('language_hint', `is supported by ${MULTILINGUAL_MODEL} only`);
  }
  if (languageHints.includes('')) throw invalidParameter('language_hint', 'must not be empty');
  const encoding = parseEncoding(query);
  if (encoding && encoding.channels !== 1) throw invalidParameter('channels', 'must be 1');
  const thresholds = changeThresholds(DEFAULT_THRESHOLDS, {
    eager_eot_threshold: numberOf(query, 'eager_eot_threshold'),
    eot_threshold: numberOf(query, 'eot_threshold'),
    eot_timeout_ms: numberOf(query, 'eot_timeout_ms'),
  });
  if (typeof thresholds === 'string') throw badRequest(`failed to parse the query string: ${thresholds}`);
  return { model, encoding, thresholds, keyterms: query.getAll('keyterm'), languageHints };
}

/** Takes over what is given. Returns what is wrong with it, if anything is. */
export function changeThresholds(
  current: FluxThresholds,
  changes: Readonly<Record<string, unknown>>,
): FluxThresholds | string {
  const eager = changes.eager_eot_threshold ?? current.eager;
  const end = changes.eot_threshold ?? current.end;
  const timeoutMs = changes.eot_timeout_ms ?? current.timeoutMs;
  if (eager !== undefined && !isWithin(eager, 0.3, 0.9)) return 'eager_eot_threshold must be from 0.3 to 0.9';
  if (!isWithin(end, 0.5, 1)) return 'eot_threshold must be from 0.5 to 1';
  if (!isWithin(timeoutMs, 500, 60_000)) return 'eot_timeout_ms must be from 500 to 60000';
  if (eager !== undefined && eager > end) return 'eager_eot_threshold must not be above eot_threshold';
  return { eager, end, timeoutMs };
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && value >= least && value <= most;
}

/** NaN for what is no number. */
function numberOf(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  return value.trim() === '' ? Number.NaN : Number(value);
}
