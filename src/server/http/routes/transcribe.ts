import type { AudioSource, SubmitOptions } from '../../../contracts/index.js';
import { TranscriptionError } from '../../../errors/index.js';
import { defined } from '../../../internal/defined.js';
import { Lazy } from '../../../internal/lazy.js';
import type { TranscribeAnswer } from '../answers.js';
import { json } from '../json.js';
import { loadSchemas } from '../load-schemas.js';
import type { HttpSettings } from '../options.js';
import { UserRates } from '../rates.js';
import { streamTicket } from '../stream-ticket.js';
import { submitProblem } from '../submit-problem.js';
import { toldOf } from '../told-decision.js';
import { readSubmission, type Submission } from '../transcribe-request.js';
import type { HttpOutcome, OwnCall, Route } from '../types.js';

/** `POST /transcribe`: a JSON body that names the audio, or the audio itself. */
export function transcribeRoute(settings: HttpSettings): Route {
  const schemas = new Lazy(loadSchemas);
  const tokens = new UserRates(settings.clock, settings.limits.tokensPerMinute);
  return {
    method: 'POST',
    path: '/transcribe',
    scope: 'transcribe',
    handle: async (call) =>
      toResponse(await transcribe(call, await readSubmission(call, await schemas.get()), tokens)),
  };
}

async function transcribe(
  call: OwnCall,
  submission: Submission,
  tokens: UserRates,
): Promise<TranscribeAnswer> {
  const options = optionsOf(call, submission);
  if (options.mode === 'stream') return streamTicket(call, tokens);
  let outcome: HttpOutcome | undefined;
  try {
    outcome = await call.client.submit(submission.source as AudioSource, options);
  } catch (error) {
    if (!isStreamOfUrl(error, submission)) throw submitProblem(error, submission);
  }
  if (outcome?.mode === 'sync') {
    const { mode, transcript, decision } = outcome;
    return { mode, transcript, requestId: transcript.requestId, decision: toldOf(decision) };
  }
  if (outcome?.mode === 'async') return asyncAnswer(outcome, call.settings);
  // It was opened from the audio of this request. The browser opens one of its own.
  outcome?.live.abort();
  return streamTicket(call, tokens, outcome && toldOf(outcome.decision));
}

/** Those of the request over those of the server; whose it is comes from `authorize` alone. */
function optionsOf({ settings, principal, request }: OwnCall, submission: Submission): SubmitOptions {
  const { options, mode, audioDuration, priority, webhook, idempotencyKey, metadata } = submission.request;
  const { deduplicate, ...callOptions } = settings.callOptions;
  return {
    ...callOptions,
    // An upload would have to be read twice.
    ...defined({ deduplicate: submission.isUpload ? undefined : deduplicate }),
    ...options,
    ...defined({ mode, durationSeconds: audioDuration, priority, webhook, idempotencyKey, metadata }),
    userId: principal.userId,
    signal: request.signal,
  } as SubmitOptions;
}

/** The router wanted to stream what Deepgram fetches by itself. The client refuses that before anything is opened. */
function isStreamOfUrl(error: unknown, { isUpload }: Submission): boolean {
  return !isUpload && TranscriptionError.isInstance(error) && error.code === 'unsupported_source';
}

function asyncAnswer(
  { job, decision }: Extract<HttpOutcome, { mode: 'async' }>,
  { basePath }: HttpSettings,
): TranscribeAnswer {
  const statusUrl = `${basePath}/jobs/${encodeURIComponent(job.id)}`;
  return {
    mode: 'async',
    jobId: job.id,
    statusUrl,
    eventsUrl: `${statusUrl}/events`,
    decision: toldOf(decision),
  };
}

function toResponse(answer: TranscribeAnswer): Response {
  return answer.mode === 'async' ? json(answer, 202, { location: answer.statusUrl }) : json(answer);
}
