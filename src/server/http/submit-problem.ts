import { TranscriptionError } from '../../errors/index.js';
import { detailsOf, type FieldProblem, HttpProblem } from './problem.js';
import type { Submission } from './transcribe-request.js';

/** What a submission that failed is answered with, in the words of the request. */
export function submitProblem(error: unknown, submission: Submission): unknown {
  const problem = submission.problem();
  if (problem !== undefined) return problem;
  if (!TranscriptionError.isInstance(error)) return error;
  const details = detailsOf(error);
  if (details.status !== 400) return error;
  const field = fieldOf(error, details.errors, submission);
  if (field === undefined) return error;
  return new HttpProblem({ ...details, errors: [{ field, message: details.detail }] });
}

/** The client has other names for some fields, and knows no `options`. */
function fieldOf(
  error: TranscriptionError,
  errors: readonly FieldProblem[] | undefined,
  { request, isUpload }: Submission,
): string | undefined {
  const name = errors?.[0]?.field;
  if (name === 'durationSeconds') return 'audioDuration';
  if (name !== undefined) {
    const isOption = !isUpload && Object.hasOwn(request.options ?? {}, name);
    return isOption ? `options.${name}` : name;
  }
  if (error.name === 'BadRequestError' && request.webhook !== undefined) {
    // Its messages about a webhook name none.
    return isUpload ? 'webhook' : error.code === 'forbidden_address' ? 'webhook.url' : 'webhook';
  }
  if (isUpload) return error.code === 'unsupported_source' && request.mode === 'async' ? 'mode' : undefined;
  return AUDIO_CODES.has(error.code) ? 'audioUrl' : undefined;
}

const AUDIO_CODES: ReadonlySet<string> = new Set(['not_a_url', 'forbidden_address']);
