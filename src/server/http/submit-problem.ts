import { TranscriptionError } from '../../errors/index.js';
import { detailsOf, type FieldProblem, HttpProblem, type ProblemDetails } from './problem.js';
import type { Submission } from './transcribe-request.js';

/** What a submission that failed is answered with, in the words of the request. */
export function submitProblem(error: unknown, submission: Submission): unknown {
  const problem = submission.problem();
  if (problem !== undefined) return problem;
  if (!TranscriptionError.isInstance(error)) return error;
  if (isUnreadable(error)) return unreadable(error);
  if (error.code === 'audio_not_shared' && submission.isUpload) return notQueueable(error);
  const details = detailsOf(error);
  if (details.status !== 400) return error;
  const named = details.errors?.[0]?.field;
  if (named !== undefined && isOfServer(named, submission)) return misconfigured(error);
  return wrongField(error, details, submission);
}

/** Of fields that have another name in the client. */
const NAMES: Readonly<Record<string, string>> = { durationSeconds: 'audioDuration' };

/** Whether `callOptions`, or the client, have set it. Not where options of the request may be what it goes badly with. */
function isOfServer(option: string, { request }: Submission): boolean {
  const [root = ''] = option.split(/[.[]/, 1);
  return request.options === undefined && !Object.hasOwn(request, NAMES[root] ?? root);
}

/** Whoever asks can do nothing about it, and whoever serves must hear of it. */
function misconfigured(cause: TranscriptionError): TranscriptionError {
  return new TranscriptionError(
    `The client, or callOptions of the handlers, are set wrong. ${cause.message}`,
    {
      code: 'internal',
      cause,
    },
  );
}

function wrongField(error: TranscriptionError, details: ProblemDetails, submission: Submission): unknown {
  if (error.code === 'unsupported_source' && submission.isUpload) return notQueueable(error);
  const field = fieldOf(error, details.errors, submission);
  if (field === undefined) return error;
  const message = WORDS[error.code] ?? details.detail;
  return new HttpProblem({ ...details, detail: message, errors: [{ field, message }] });
}

/** Where the error's own words are for whoever writes the server. */
const WORDS: Readonly<Record<string, string>> = {
  not_a_url: 'Must be an http: or https: URL of at most 16384 characters.',
  forbidden_address: 'Must be at an address, and a port, that this server allows.',
};

/** The client has other names for some fields, and knows no `options`. */
function fieldOf(
  error: TranscriptionError,
  errors: readonly FieldProblem[] | undefined,
  { request, isUpload }: Submission,
): string | undefined {
  const name = errors?.[0]?.field;
  if (name !== undefined) {
    const isOption = !isUpload && Object.hasOwn(request.options ?? {}, name);
    return isOption ? `options.${name}` : (NAMES[name] ?? name);
  }
  if (error.name === 'BadRequestError' && error.status === undefined && request.webhook !== undefined) {
    // The client's messages about a webhook name none.
    return isUpload ? 'webhook' : error.code === 'forbidden_address' ? 'webhook.url' : 'webhook';
  }
  return !isUpload && AUDIO_CODES.has(error.code) ? 'audioUrl' : undefined;
}

const AUDIO_CODES: ReadonlySet<string> = new Set(['not_a_url', 'forbidden_address']);

/** Deepgram's own words for audio that it cannot read: developers.deepgram.com/reference/errors. */
function isUnreadable({ code, status, message }: TranscriptionError): boolean {
  return code === 'bad_request' && status === 400 && /corrupt or unsupported data/i.test(message);
}

function unreadable(cause: TranscriptionError): HttpProblem {
  return new HttpProblem({
    status: 422,
    code: 'unprocessable_audio',
    detail: 'The audio cannot be read: it is damaged, or in a format that is not known.',
    cause,
  });
}

/** An upload can be read once: it would have to be kept. */
function notQueueable(cause: TranscriptionError): HttpProblem {
  const message = 'Uploaded audio cannot be queued here. Name its URL, or take mode sync.';
  return new HttpProblem({
    status: 400,
    code: 'unsupported_source',
    detail: message,
    errors: [{ field: 'mode', message }],
    cause,
  });
}
