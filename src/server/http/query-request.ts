import { invalidRequest } from './body.js';
import type { Schemas } from './load-schemas.js';
import type { FieldProblem } from './problem.js';

/** Facts of a request whose body is the audio. The others are Deepgram's options. */
const FACTS: ReadonlySet<string> = new Set([
  'userId',
  'mode',
  'audioDuration',
  'priority',
  'idempotencyKey',
  'metadata',
  'webhook',
]);
const NUMBERS: ReadonlySet<string> = new Set(['audioDuration', 'priority']);

/** More than a request has any use for. */
const MAX_PARAMETERS = 500;

/** As JSON has them, within bounds. */
const NUMBER = /^-?\d{1,15}(\.\d{1,20})?(e[+-]?\d{1,3})?$/i;

/**
 * A query string as the JSON body that it stands for: `metadata` is JSON, `webhook` its URL, and what is none of ours is
 * an option.
 *
 * @throws HttpProblem 400 for a fact that is there twice, and for metadata that is no JSON.
 */
export function requestOfQuery(query: URLSearchParams, schemas: Schemas): Readonly<Record<string, unknown>> {
  const problems: FieldProblem[] = [];
  const facts: [string, unknown][] = [];
  const options: [string, unknown][] = [];
  for (const [name, values] of valuesOf(query)) {
    const [first = ''] = values;
    if (!FACTS.has(name)) options.push([name, optionOf(name, values, schemas)]);
    else if (values.length > 1) problems.push({ field: name, message: 'Must be there only once.' });
    else facts.push([name, factOf(name, first, problems)]);
  }
  if (problems.length > 0) throw invalidRequest(problems);
  const settings = options.length === 0 ? [] : [['options', Object.fromEntries(options)] as const];
  return Object.fromEntries([...facts, ...settings]);
}

/**
 * The query of a request whose body is JSON is the application's, and none of the fields may be in it.
 *
 * @throws HttpProblem 400 for what would be passed over.
 */
export function refuseInQuery(query: URLSearchParams, { deepgramOptions }: Schemas): void {
  const isOurs = (name: string): boolean => FACTS.has(name) || Object.hasOwn(deepgramOptions.shape, name);
  const found = [...new Set(query.keys())].filter(isOurs);
  if (found.length === 0) return;
  throw invalidRequest(found.map((field) => ({ field, message: 'Put it into the JSON of the body.' })));
}

/** In one pass: `getAll()` for each of many names would take long. */
function valuesOf(query: URLSearchParams): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  let count = 0;
  for (const [name, value] of query) {
    count += 1;
    if (count > MAX_PARAMETERS) {
      throw invalidRequest([
        { field: 'query', message: `Must not have more than ${MAX_PARAMETERS} parameters.` },
      ]);
    }
    const values = found.get(name);
    if (values === undefined) found.set(name, [value]);
    else values.push(value);
  }
  return found;
}

/** Problems of what came in a query, under the names that it has there. */
export function asInQuery({ field, message }: FieldProblem): FieldProblem {
  return { field: field.replace(/^options\.|\.url$/, ''), message };
}

function factOf(name: string, text: string, problems: FieldProblem[]): unknown {
  if (NUMBERS.has(name)) return NUMBER.test(text) ? Number(text) : text;
  if (name === 'webhook') return { url: text };
  if (name !== 'metadata') return text;
  try {
    return JSON.parse(text);
  } catch {
    problems.push({ field: name, message: 'Must be JSON.' });
    return undefined;
  }
}

/** The first reading of the text that the option takes. Where none does, what is wrong is told of the text. */
function optionOf(name: string, values: readonly string[], { deepgramOptions }: Schemas): unknown {
  const [text = ''] = values;
  if (values.length > 1) return values;
  const { shape } = deepgramOptions;
  const schema = Object.hasOwn(shape, name) ? shape[name as keyof typeof shape] : undefined;
  return readingsOf(text).find((reading) => schema?.safeParse(reading).success) ?? text;
}

function readingsOf(text: string): readonly unknown[] {
  if (text === 'true' || text === 'false') return [text === 'true', text];
  return NUMBER.test(text) ? [Number(text), text] : [text];
}
