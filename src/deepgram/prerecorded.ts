import type { Deepgram } from '@deepgram/sdk';
import type { OpenedAudio, ResolvedSource, UploadAudio } from '../contracts/index.js';
import { BadRequestError, TranscriptionError } from '../errors/index.js';
import { raceAbort } from '../internal/abort.js';
import { type Credentials, secretOf } from './credentials.js';
import type { HttpAnswer } from './http-answer.js';
import type { HttpTransport } from './http-transport.js';
import { errorFromAnswer, invalidAnswer } from './map-error.js';
import type { Parameters } from './map-options.js';
import { PRERECORDED_OPTIONS } from './option-table.js';
import { type DeepgramSdk, loadSdk } from './sdk.js';

export interface PrerecordedRequest {
  readonly source: ResolvedSource;
  readonly parameters: Parameters;
  readonly endpoint: string;
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
}

/** Deepgram's answer, not looked at yet beyond its status. */
export interface PrerecordedAnswer {
  readonly body: unknown;
  readonly answer: HttpAnswer;
}

/** The SDK insists on a time limit; ours are on the signal. This is the longest that a timer takes. */
const NO_TIMEOUT_SECONDS = 2_147_483;

/**
 * One attempt of `POST /v1/listen` through the SDK, on our own transport.
 *
 * The SDK builds the request. Its retries are off, and what went wrong is taken from the transport, because
 * the SDK's own errors hide it.
 */
export async function requestPrerecorded(
  transport: HttpTransport,
  request: PrerecordedRequest,
): Promise<PrerecordedAnswer> {
  const sdk = await loadSdk();
  if (request.source.kind === 'url') return call(sdk, transport, request, { url: request.source.url });
  const audio = await openAudio(request.source, request.signal);
  try {
    return await call(sdk, transport, request, { audio, contentType: audioType(request.source) });
  } finally {
    await audio.close();
  }
}

/** A source that takes its time to open must not hold an aborted call; it is let go of when it comes. */
async function openAudio(source: UploadAudio, signal: AbortSignal): Promise<OpenedAudio> {
  const opening = source.open();
  try {
    return await raceAbort(opening, signal);
  } catch (error) {
    opening.then((audio) => audio.close()).catch(() => undefined);
    throw error;
  }
}

type Body = { readonly url: string } | { readonly audio: OpenedAudio; readonly contentType: string };

async function call(
  sdk: DeepgramSdk,
  transport: HttpTransport,
  request: PrerecordedRequest,
  body: Body,
): Promise<PrerecordedAnswer> {
  let result: { answer: HttpAnswer } | { error: unknown } | undefined;
  const fetchOnce = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    try {
      const answer = await transport.send({
        url: String(url),
        headers: Object.fromEntries(new Headers(init?.headers)),
        body: 'audio' in body ? body.audio : String(init?.body),
        signal: request.signal,
      });
      result = { answer };
    } catch (error) {
      result = { error };
    }
    return toResponse(result);
  };
  const media = mediaClient(sdk, request, fetchOnce);
  const { known, extra } = splitParameters(request.parameters);
  const options = { maxRetries: 0, timeoutInSeconds: NO_TIMEOUT_SECONDS, queryParams: extra };
  let data: unknown;
  try {
    data =
      'url' in body
        ? await media.transcribeUrl({ ...known, url: body.url }, options)
        : // The bytes go from the source to the transport; the SDK gets an empty stand-in.
          await media.transcribeFile(new Uint8Array(0), known, {
            ...options,
            headers: { 'Content-Type': body.contentType },
          });
  } catch (error) {
    if (result === undefined) throw toSdkError(error);
  }
  if (result === undefined) throw toSdkError(undefined);
  if ('error' in result) throw result.error;
  return { body: data, answer: accept(result.answer, secretOf(request.credentials)) };
}

function mediaClient(
  sdk: DeepgramSdk,
  { endpoint, credentials }: PrerecordedRequest,
  fetchOnce: typeof fetch,
) {
  const environment = { base: endpoint, production: endpoint, agent: endpoint, agentRest: endpoint };
  const secret =
    credentials.kind === 'key'
      ? { apiKey: credentials.apiKey }
      : // Without a key the SDK's constructor refuses; the token takes precedence over it.
        { apiKey: credentials.accessToken, accessToken: credentials.accessToken };
  return new sdk.DeepgramClient({ ...secret, environment, maxRetries: 0, fetch: fetchOnce }).listen.v1.media;
}

/** The SDK's request type knows most parameters; the others go beside it. */
function splitParameters(parameters: Parameters): {
  known: Deepgram.listen.v1.MediaTranscribeRequestOctetStream;
  extra: Record<string, unknown>;
} {
  const known: Record<string, unknown> = Object.create(null);
  const extra: Record<string, unknown> = Object.create(null);
  for (const [name, value] of Object.entries(parameters)) {
    const target = Object.hasOwn(PRERECORDED_OPTIONS, name) && !NOT_IN_SDK.has(name) ? known : extra;
    target[name] = value;
  }
  return { known: known as Deepgram.listen.v1.MediaTranscribeRequestOctetStream, extra };
}

/** Parameters of raw audio, which the SDK has for live audio only. */
const NOT_IN_SDK: ReadonlySet<string> = new Set(['sample_rate', 'channels']);

/**
 * A failed attempt becomes an answer too, so that the SDK clears its timer. 599 stands for "no answer" and
 * is never seen outside.
 */
function toResponse(result: { answer: HttpAnswer } | { error: unknown }): Response {
  if ('error' in result) return new Response(null, { status: 599 });
  const { status, text } = result.answer;
  const isNullBody = status === 204 || status === 205 || status === 304;
  return new Response(isNullBody ? null : text, { status: status >= 200 && status <= 599 ? status : 599 });
}

function accept(answer: HttpAnswer, secret: string): HttpAnswer {
  if (answer.status === 200) return answer;
  if (answer.status >= 400) throw errorFromAnswer(answer, [secret]);
  throw invalidAnswer(`the status is ${answer.status}`, answer, undefined);
}

function toSdkError(cause: unknown): TranscriptionError {
  if (TranscriptionError.isInstance(cause)) return cause;
  return new BadRequestError('The request could not be built from these options. The cause says why.', {
    code: 'bad_request',
    cause,
  });
}

/** Never a type that would make Deepgram read the audio as a JSON request. */
function audioType({ contentType }: UploadAudio): string {
  const isAudio =
    contentType !== undefined && /^(audio|video)\/|^application\/(ogg|octet-stream)/i.test(contentType);
  return isAudio ? contentType : 'application/octet-stream';
}
