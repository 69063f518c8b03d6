import type { Deepgram } from '@deepgram/sdk';
import type { Recognizer } from '../recognizer.js';
import { badRequest, failure, Refusal } from './answer.js';
import { parseJsonObject } from './auth.js';
import { type DecodedAudio, decodeRecording } from './decode.js';
import type { AudioProblem } from './journal-types.js';
import { type CallbackDelivery, isLoopback } from './loopback.js';
import { type ListenParameters, parseListenParameters } from './parameters.js';
import { transcribeRecording } from './prerecorded.js';
import { beginProcessing, type ProcessingOptions } from './processing.js';
import { UnreadableAudio } from './unreadable-audio.js';

export interface ListenRequest {
  readonly query: URLSearchParams;
  readonly contentType: string | undefined;
  readonly body: Uint8Array;
  readonly requestId: string;
  /** Aborted when the client is gone or the emulator closes. */
  readonly signal: AbortSignal;
  /** What the server's side learns of the request. */
  readonly record?: ListenRecord;
}

export interface ListenRecord {
  readonly entry: { words: number; audioProblem: AudioProblem | undefined };
  /** Keeps the request in flight until the function returned is called. */
  hold(): () => void;
}

export interface ListenOptions extends ProcessingOptions {
  readonly recognizer: Recognizer;
  readonly models: readonly string[] | undefined;
  /** Loads the audio that a `{ url }` body names. May reject: answered with REMOTE_CONTENT_ERROR. */
  readonly fetchAudio: (url: string, signal: AbortSignal) => Promise<Uint8Array>;
  /** Delivers the result of a request with `callback`. Without it such requests are refused. */
  readonly deliverCallback?: (delivery: CallbackDelivery, signal: AbortSignal) => Promise<void>;
}

/** Answers `POST /v1/listen`. Rejects with a `Refusal` where Deepgram would answer an error. */
export async function listen(
  request: ListenRequest,
  options: ListenOptions,
): Promise<Deepgram.ListenV1Response | Deepgram.ListenV1AcceptedResponse> {
  const parameters = parseListenParameters(request.query, options.models);
  const source = readSource(request);
  if (request.query.has('callback')) return acceptWithCallback(request, parameters, source, options);
  const { signal, record } = request;
  const run = beginProcessing(options, record?.hold);
  return run(() => transcribe(request, parameters, source, options), signal);
}

type Source = { readonly bytes: Uint8Array } | { readonly url: string };

function readSource({ contentType, body }: ListenRequest): Source {
  if (!/^\s*application\/json\b/i.test(contentType ?? '')) return { bytes: body };
  const { url } = parseJsonObject(body);
  if (typeof url !== 'string' || !URL.canParse(url)) throw badRequest('the body needs a valid url');
  return { url };
}

async function transcribe(
  { requestId, signal, record }: ListenRequest,
  parameters: ListenParameters,
  source: Source,
  options: ListenOptions,
): Promise<Deepgram.ListenV1Response> {
  const { recognizer } = options;
  const bytes = 'bytes' in source ? source.bytes : await fetchSource(source.url, options, signal);
  const audio = decode(bytes, parameters, record);
  const response = await transcribeRecording({ requestId, bytes, audio, parameters, recognizer, signal });
  if (record) record.entry.words = wordsIn(response);
  return response;
}

function decode(
  bytes: Uint8Array,
  { encoding }: ListenParameters,
  record: ListenRecord | undefined,
): DecodedAudio {
  try {
    return decodeRecording(bytes, encoding);
  } catch (error) {
    if (record && error instanceof UnreadableAudio) record.entry.audioProblem = error.problem;
    throw error;
  }
}

async function fetchSource(url: string, options: ListenOptions, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return await options.fetchAudio(url, signal);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Refusal(400, 'REMOTE_CONTENT_ERROR', `The remote audio could not be fetched: ${reason}`);
  }
}

function wordsIn({ results }: Deepgram.ListenV1Response): number {
  return results.channels.reduce((sum, { alternatives }) => sum + (alternatives?.[0]?.words?.length ?? 0), 0);
}

/** The request is accepted at once; its result, or its error, is delivered when the processing ends. */
function acceptWithCallback(
  request: ListenRequest,
  parameters: ListenParameters,
  source: Source,
  options: ListenOptions,
): Deepgram.ListenV1AcceptedResponse {
  const { query, requestId, record } = request;
  const { deliverCallback } = options;
  const url = query.get('callback') ?? '';
  const method = (query.get('callback_method') ?? 'POST').toUpperCase();
  if (!deliverCallback) throw badRequest('callback is not supported here: start the emulator for it');
  if (!isLoopback(url)) throw badRequest('callback must be an http(s) URL of this machine');
  if (method !== 'POST' && method !== 'PUT') throw badRequest('callback_method must be POST or PUT');
  // Whether the client waits for the acceptance is of no importance any more.
  const signal = options.closing ?? request.signal;
  const run = beginProcessing(options, record?.hold);
  run(() => transcribe({ ...request, signal }, parameters, source, options), signal)
    .catch((error: unknown) => failure(error, requestId).body)
    .then((body) => deliverCallback({ url, method, body, requestId }, signal))
    // An emulator that closes delivers nothing more.
    .catch(() => {});
  return { request_id: requestId } satisfies Deepgram.ListenV1AcceptedResponse;
}
