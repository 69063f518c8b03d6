import { isPlainObject } from '../../internal/validate.js';
import { fieldOf, invalidRequest, refuseHostile, UNKNOWN_FIELD } from './body.js';
import type { Schemas } from './load-schemas.js';
import type { HttpSettings } from './options.js';
import type { FieldProblem } from './problem.js';
import type { TranscribeRequest } from './schemas.js';

/** More are not told. */
const MAX_PROBLEMS = 20;

/** More than there are. */
const MAX_FIELDS = 100;
const MAX_OPTIONS = 200;

/** Parameters of Deepgram's that the table of its options leaves out. */
const OTHER_OPTIONS = ['callback', 'callback_method', 'query'];

/** What comes from a body or a query, before anything is known of it. */
type Given = Readonly<Record<string, unknown>>;

/**
 * The request that the data is.
 *
 * @throws HttpProblem 400 that names every field that is wrong.
 */
export function checkRequest(
  data: unknown,
  { transcribeRequest, deepgramOptions }: Schemas,
  { allowedOptions, allowWebhooks }: HttpSettings,
): TranscribeRequest {
  if (!isPlainObject(data)) throw invalidRequest([{ field: 'body', message: 'Must be a JSON object.' }]);
  refuseMany(data);
  refuseHostile(data);
  const known = new Set([...Object.keys(deepgramOptions.shape), ...OTHER_OPTIONS]);
  const [options, forbidden] = splitOptions(data.options, allowedOptions, known);
  const parsed = transcribeRequest.safeParse({ ...data, ...(options !== undefined && { options }) });
  const problems = [
    ...forbidden,
    ...webhookProblems(data, allowWebhooks),
    ...(parsed.success ? [] : parsed.error.issues.flatMap(problemsOf)),
  ];
  if (problems.length > 0 || !parsed.success) throw invalidRequest(problems.slice(0, MAX_PROBLEMS));
  return parsed.data;
}

/** Before each of them is looked at. */
function refuseMany(data: Given): void {
  if (Object.keys(data).length <= MAX_FIELDS) return;
  throw invalidRequest([{ field: 'body', message: `Must not have more than ${MAX_FIELDS} fields.` }]);
}

/** Those that a request may set, and what is wrong with the others. */
function splitOptions(
  options: unknown,
  allowed: ReadonlySet<string>,
  known: ReadonlySet<string>,
): readonly [options: unknown, problems: readonly FieldProblem[]] {
  if (!isPlainObject(options)) return [options, []];
  const all = Object.keys(options);
  if (all.length > MAX_OPTIONS) {
    return [{}, [{ field: 'options', message: `Must not have more than ${MAX_OPTIONS} fields.` }]];
  }
  const kept = all.filter((name) => allowed.has(name)).map((name) => [name, options[name]]);
  const problems = all
    .filter((name) => !allowed.has(name))
    .slice(0, MAX_PROBLEMS)
    .map((name) => ({
      field: fieldOf(['options', name]),
      message: known.has(name)
        ? 'This option is not allowed here. Take it out.'
        : 'Unknown option. Take it out.',
    }));
  return [Object.fromEntries(kept), problems];
}

function webhookProblems({ webhook, mode }: Given, allowWebhooks: boolean): readonly FieldProblem[] {
  if (webhook === undefined) return [];
  if (!allowWebhooks) return [{ field: 'webhook', message: 'Webhooks are not allowed here. Take it out.' }];
  if (mode === undefined || mode === 'async') return [];
  return [{ field: 'webhook', message: 'Only a job has a webhook: set mode to async.' }];
}

type Issue = NonNullable<ReturnType<Schemas['transcribeRequest']['safeParse']>['error']>['issues'][number];

function problemsOf(issue: Issue): readonly FieldProblem[] {
  if (issue.code !== 'unrecognized_keys') return [{ field: fieldOf(issue.path), message: issue.message }];
  return issue.keys.slice(0, MAX_PROBLEMS).map((key) => ({
    field: fieldOf([...issue.path, key]),
    message: UNKNOWN_FIELD,
  }));
}
