import type { AudioSource } from '../../contracts/index.js';
import { audioBodyOf } from './audio-body.js';
import { invalidRequest, mediaTypeOf, readJson, refuseEncoded } from './body.js';
import { checkRequest } from './check-request.js';
import type { Schemas } from './load-schemas.js';
import { HttpProblem } from './problem.js';
import { asInQuery, refuseInQuery, requestOfQuery } from './query-request.js';
import type { TranscribeRequest } from './schemas.js';
import type { OwnCall } from './types.js';

/** What a `POST /transcribe` asks for. */
export interface Submission {
  readonly request: TranscribeRequest;
  /** Undefined where the request names none, which only mode stream may do. */
  readonly source: AudioSource | undefined;
  /** True where the audio is the body. */
  readonly isUpload: boolean;
  /** Why the body ended early. Undefined where it did not. */
  problem(): HttpProblem | undefined;
}

const JSON_TYPE = /^application\/([\w.-]+\+)?json$/;
const AUDIO_TYPE = /^(audio|video)\/[\w.+-]+$|^application\/octet-stream$/;

/** @throws HttpProblem 400, 403, 413 or 415 */
export async function readSubmission(call: OwnCall, schemas: Schemas): Promise<Submission> {
  refuseEncoded(call.request);
  const type = mediaTypeOf(call.request);
  if (JSON_TYPE.test(type)) return readNamed(call, schemas);
  if (AUDIO_TYPE.test(type)) return readUpload(call, schemas);
  throw new HttpProblem({
    status: 415,
    code: 'unsupported_media_type',
    detail:
      'Send JSON that names the audio, or the audio itself, and say in Content-Type which of them it is.',
    headers: { 'accept-post': 'application/json, audio/*, video/*, application/octet-stream' },
  });
}

async function readNamed(call: OwnCall, schemas: Schemas): Promise<Submission> {
  const data = await readJson(call.request, call.settings);
  refuseInQuery(call.url.searchParams, schemas);
  const request = settle(checkRequest(data, schemas, call.settings), call);
  const { audioUrl: source, mode } = request;
  if (source === undefined && mode !== 'stream') {
    throw invalidRequest([
      { field: 'audioUrl', message: 'Name the audio by its URL, or send it as the body.' },
    ]);
  }
  return { request, source, isUpload: false, problem: () => undefined };
}

function readUpload(call: OwnCall, schemas: Schemas): Submission {
  const request = settle(checkQuery(call, schemas), call);
  const body = audioBodyOf(call.request, call.settings);
  return { request, source: body.source, isUpload: true, problem: body.problem };
}

function checkQuery({ url, settings }: OwnCall, schemas: Schemas): TranscribeRequest {
  try {
    return checkRequest(requestOfQuery(url.searchParams, schemas), schemas, settings);
  } catch (error) {
    if (!(error instanceof HttpProblem) || error.details.errors === undefined) throw error;
    throw invalidRequest(error.details.errors.map(asInQuery));
  }
}

/** Looks at what depends on who asks, and at the header that says the same as a field. */
function settle(request: TranscribeRequest, { principal, request: { headers } }: OwnCall): TranscribeRequest {
  if (request.userId !== undefined && request.userId !== principal.userId) {
    throw new HttpProblem({
      status: 403,
      code: 'forbidden',
      detail: 'userId is not yours. Leave it out.',
      errors: [{ field: 'userId', message: 'Is not yours.' }],
    });
  }
  const key = headers.get('idempotency-key');
  if (key === null) return request;
  const { idempotencyKey = key } = request;
  if (key !== idempotencyKey) {
    throw invalidRequest([
      { field: 'idempotencyKey', message: 'Must be that of the header idempotency-key.' },
    ]);
  }
  if (key === '' || key.length > MAX_KEY) {
    throw invalidRequest([{ field: 'idempotency-key', message: `Must have 1 to ${MAX_KEY} characters.` }]);
  }
  return { ...request, idempotencyKey };
}

const MAX_KEY = 255;
