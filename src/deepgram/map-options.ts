import type { LiveDeepgramOptions, LiveProtocol, PrerecordedDeepgramOptions } from '../contracts/index.js';
import { BadRequestError } from '../errors/index.js';
import {
  checkBoolean,
  checkNumber,
  checkOrder,
  invalidOption,
  isPlainObject,
  isWellFormed,
  type NumberBounds,
  show,
} from '../internal/validate.js';
import { FLUX_OPTIONS, LIVE_OPTIONS, type OptionKind, PRERECORDED_OPTIONS } from './option-table.js';

type Primitive = string | number | boolean;

/** Query parameters as they go on the wire: an array repeats its key. */
export type Parameters = Readonly<Record<string, Primitive | readonly Primitive[]>>;

export const PRERECORDED_KEYS: readonly string[] = [...Object.keys(PRERECORDED_OPTIONS), 'query'];
/** For parameters that are newer than this version of the library. */
export const QUERY_ADVICE =
  ', or pass it under query where it is a parameter of Deepgram that this version does not know';

const V1_KEYS: readonly string[] = [...Object.keys(LIVE_OPTIONS), 'query'];
/** `channels` is no parameter of Flux's: it can only say what Flux takes for granted. */
const FLUX_KEYS: readonly string[] = [...Object.keys(FLUX_OPTIONS), 'channels', 'query'];
const ENGLISH_FLUX_KEYS = FLUX_KEYS.filter((key) => key !== 'language_hint');

/** Of both protocols. */
export const LIVE_KEYS: readonly string[] = [...new Set([...V1_KEYS, ...FLUX_KEYS])];

/** Flux models have a protocol of their own. */
export function liveProtocol(model: unknown): LiveProtocol {
  return typeof model === 'string' && model.startsWith('flux-') ? 'flux' : 'v1';
}

/** The options that a live stream with the model takes. */
export function liveKeys(model: unknown): readonly string[] {
  if (liveProtocol(model) === 'v1') return V1_KEYS;
  return model === 'flux-general-en' ? ENGLISH_FLUX_KEYS : FLUX_KEYS;
}

/** @throws BadRequestError for an option that only models of the other protocol take. */
export function checkLiveKeys(options: object, model: unknown): void {
  const own = liveKeys(model);
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (value === undefined || own.includes(name) || !LIVE_KEYS.includes(name)) continue;
    throw new BadRequestError(
      `The option ${name} is not taken by the model ${show(model)}. Take it out, or use ${otherModels(name, model)}.`,
      { code: 'invalid_option' },
    );
  }
}

function otherModels(name: string, model: unknown): string {
  if (name === 'language_hint') return 'flux-general-multi';
  return liveProtocol(model) === 'flux' ? 'a nova model' : 'a Flux model';
}

/**
 * Checks each value by itself, for calls that may become pre-recorded or live.
 *
 * @throws BadRequestError for values that are out of range.
 */
export function checkValues(options: PrerecordedDeepgramOptions & LiveDeepgramOptions): void {
  toParameters(options, { ...PRERECORDED_OPTIONS, ...LIVE_OPTIONS, ...FLUX_OPTIONS });
}

/** @throws BadRequestError for values that are out of range or do not fit together. */
export function prerecordedParameters(options: PrerecordedDeepgramOptions): Parameters {
  const parameters = toParameters(options, PRERECORDED_OPTIONS);
  checkKeywords(options);
  return parameters;
}

/**
 * Of the protocol that the model speaks. What only the other one has is left out.
 *
 * @throws BadRequestError for values that are out of range or do not fit together.
 */
export function liveParameters(options: LiveDeepgramOptions): Parameters {
  return liveProtocol(options.model) === 'flux' ? fluxParameters(options) : v1Parameters(options);
}

function fluxParameters(options: LiveDeepgramOptions): Parameters {
  const parameters = toParameters(options, FLUX_OPTIONS);
  checkRawAudio(options);
  const { channels, eager_eot_threshold: eager, eot_threshold: end = FLUX_EOT_THRESHOLD } = options;
  checkNumber('channels', channels, { min: 1, max: 1 });
  checkOrder('eager_eot_threshold', eager, 'eot_threshold', end);
  return parameters;
}

/** Deepgram's own default. */
const FLUX_EOT_THRESHOLD = 0.7;

function v1Parameters(options: LiveDeepgramOptions): Parameters {
  const parameters = toParameters(options, LIVE_OPTIONS);
  checkKeywords(options);
  checkRawAudio(options);
  if (options.utterance_end_ms !== undefined && options.interim_results !== true) {
    throw new BadRequestError(
      'The option utterance_end_ms works only with interim_results: true. Set both.',
      {
        code: 'invalid_option',
      },
    );
  }
  return parameters;
}

function toParameters(options: object, table: Readonly<Record<string, OptionKind>>): Parameters {
  // No prototype: a key such as __proto__ is a key like any other here.
  const parameters: Record<string, Primitive | readonly Primitive[]> = Object.create(null);
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    const kind = Object.hasOwn(table, name) ? table[name] : undefined;
    if (kind === undefined || value === undefined) continue;
    checkValue(name, value, kind);
    parameters[name] = value as Primitive | readonly Primitive[];
  }
  const { query } = options as { query?: unknown };
  if (query !== undefined) addQuery(parameters, query, table);
  return parameters;
}

function checkValue(name: string, value: unknown, kind: OptionKind): void {
  if (kind.type === 'boolean') checkBoolean(name, value);
  else if (kind.type === 'number') checkNumber(name, value, kind);
  else if (kind.type === 'string') checkText(name, value, kind.maxLength);
  else if (kind.type === 'strings') checkTexts(name, value, kind.maxLength);
  else if (kind.type === 'false-or-number') checkFalseOrNumber(name, value, kind);
  else if (typeof value === 'string') checkText(name, value);
  else checkBoolean(name, value);
}

function checkFalseOrNumber(name: string, value: unknown, bounds: NumberBounds): void {
  if (value !== false) checkNumber(name, value, bounds);
}

/** More than a query string can carry anyway. */
const MAX_TEXT_LENGTH = 10_000;

function checkText(name: string, value: unknown, maxLength = MAX_TEXT_LENGTH): void {
  if (typeof value !== 'string' || value === '' || value.length > maxLength)
    throw invalidOption(name, `a string of 1 to ${maxLength} characters`, value);
  checkWhole(name, value);
}

/** Half of a surrogate pair is nothing that a URL can hold. */
function checkWhole(name: string, value: string): void {
  if (!isWellFormed(value)) throw invalidOption(name, 'a string of whole characters', value);
}

function checkTexts(name: string, value: unknown, maxLength: number | undefined): void {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (values.length === 0) throw invalidOption(name, 'a string or an array with at least one string', value);
  for (const item of values) checkText(name, item, maxLength);
}

function addQuery(
  parameters: Record<string, Primitive | readonly Primitive[]>,
  query: unknown,
  table: Readonly<Record<string, OptionKind>>,
): void {
  if (!isPlainObject(query)) throw invalidOption('query', 'a plain object', query);
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    if (Object.hasOwn(table, name) || name === 'callback' || name === 'callback_method') {
      throw new BadRequestError(`query.${name} is not taken: ${queryAdvice(name)}`, {
        code: 'invalid_option',
      });
    }
    if (name.length > MAX_NAME_LENGTH) {
      throw invalidOption('query', `an object with names of at most ${MAX_NAME_LENGTH} characters`, query);
    }
    checkWhole('query', name);
    const values = Array.isArray(value) ? value : [value];
    for (const item of values) if (typeof item === 'string') checkLength(`query.${name}`, item);
    if (values.length === 0 || !values.every(isPrimitive)) {
      throw invalidOption(
        `query.${name.slice(0, 40)}`,
        'a string, a number, a boolean or an array of these',
        value,
      );
    }
    parameters[name] = value as Primitive | readonly Primitive[];
  }
}

const MAX_NAME_LENGTH = 200;

function checkLength(name: string, value: string): void {
  const shown = name.slice(0, 46);
  if (value.length > MAX_TEXT_LENGTH)
    throw invalidOption(shown, `at most ${MAX_TEXT_LENGTH} characters`, value);
  checkWhole(shown, value);
}

function queryAdvice(name: string): string {
  return name.startsWith('callback')
    ? "a job of enqueue() comes by callback with delivery: 'callback'."
    : `set ${name} as an option of its own.`;
}

function isPrimitive(value: unknown): value is Primitive {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

function checkKeywords({ model, keywords }: PrerecordedDeepgramOptions | LiveDeepgramOptions): void {
  if (keywords === undefined || !/^nova-3(-|$)/.test(model ?? '')) return;
  throw new BadRequestError(`The option keywords is not taken by ${show(model)}. Use keyterm instead.`, {
    code: 'invalid_option',
  });
}

function checkRawAudio({ encoding, sample_rate }: LiveDeepgramOptions): void {
  if ((encoding === undefined) === (sample_rate === undefined)) return;
  throw new BadRequestError(
    'The options encoding and sample_rate need each other. Set both for raw audio, none for containers.',
    { code: 'invalid_option' },
  );
}
