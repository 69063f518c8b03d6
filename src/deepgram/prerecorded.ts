import type { Deepgram, DeepgramClient } from '@deepgram/sdk';
import type { OpenedAudio, ResolvedSource, UploadAudio } from '../contracts/index.js';
import { BadRequestError, TranscriptionError } from '../errors/index.js';
import { claimUnlessAborted } from '../internal/abort.js';
import { secretsOfUrl } from '../net/redact.js';
import { type CallbackTarget, callbackParameters, mapAcceptance } from './callback.js';
import { type Credentials, secretOf } from './credentials.js';
import type { HttpAnswer } from './http-answer.js';
import type { HttpTransport } from './http-transport.js';
import { errorFromAnswer, invalidAnswer } from './map-error.js';
import type { Parameters as QueryParameters } from './map-options.js';
import { findRequestId, type MappedResult, mapResult } from './map-result.js';
import { PRERECORDED_OPTIONS } from './option-table.js';
import { InvalidJson } from './read-json.js';
import type { DeepgramSdk } from './sdk.js';

export interface PrerecordedRequest {
  readonly source: ResolvedSource;
  readonly parameters: QueryParameters;
  readonly endpoint: string;
  readonly credentials: Credentials;
  /** Ends the request in every phase. It also tells requests apart: no other one may have it at the time. */
  readonly signal: AbortSignal;
}

/** `POST /v1/listen`. */
export interface PrerecordedApi {
  /** One attempt: the request, and its answer read and checked. Rejects with a TranscriptionError. */
  request(request: PrerecordedRequest): Promise<MappedResult>;
}

/** `POST /v1/listen` with a callback. */
export interface CallbackApi {
  /** One attempt: resolves to Deepgram's id of the request, whose result comes by callback. */
  submit(request: PrerecordedRequest, callback: CallbackTarget): Promise<string>;
}

type Media = DeepgramClient['listen']['v1']['media'];
type SdkOptions = NonNullable<ConstructorParameters<DeepgramSdk['DeepgramClient']>[0]>;
type SdkFetcher = NonNullable<SdkOptions['fetcher']>;
type SdkRequest = Parameters<SdkFetcher>[0];
type SdkAnswer = Awaited<ReturnType<SdkFetcher>>;
type MediaParameters = Deepgram.listen.v1.MediaTranscribeRequestOctetStream;

/** What the SDK does not see of a request. */
interface Exchange {
  readonly audio: OpenedAudio | undefined;
  /** What no error may hold. */
  readonly secrets: readonly string[];
  answer?: HttpAnswer;
}

/** What the body of a good answer is, and how it is read. */
interface AnswerReader<Result> {
  readonly what: string;
  /** Throws InvalidJson where it is something else. */
  readonly map: (body: unknown) => Result;
}

const TRANSCRIPT: AnswerReader<MappedResult> = { what: 'transcript', map: mapResult };
const ACCEPTANCE: AnswerReader<string> = { what: 'acceptance of a callback', map: mapAcceptance };

interface KnownClient {
  readonly credentials: Credentials;
  readonly media: Media;
}

/** The bytes go from the source to the transport; the SDK gets this instead, and has nothing to find out about it. */
const NO_BYTES = { data: new Uint8Array(0), contentLength: 0 };

/**
 * The SDK builds the requests and types the answers. Its own fetcher retries, hides what went wrong and takes
 * HTML for an answer; in its place it gets our transport.
 */
export function createPrerecordedApi(
  sdk: DeepgramSdk,
  transport: Pick<HttpTransport, 'send'>,
): PrerecordedApi & CallbackApi {
  const exchanges = new Map<AbortSignal, Exchange>();
  /** The last client of each endpoint: a client is dear to make, and keys rarely change. */
  const clients = new Map<string, KnownClient>();
  // Nobody reads it, but the SDK hands it on.
  const rawResponse: SdkAnswer['rawResponse'] = new Response();

  const fetcher = async (sdkRequest: SdkRequest): Promise<SdkAnswer> => {
    const { abortSignal: signal, url, queryString, body } = sdkRequest;
    const exchange = signal && exchanges.get(signal);
    if (signal === undefined || exchange === undefined)
      throw new Error('The SDK lost the signal of its request.');
    const answer = await transport.send({
      url: queryString ? `${url}?${queryString}` : url,
      headers: await headersOf(sdkRequest),
      body: exchange.audio ?? JSON.stringify(body),
      signal,
      secrets: exchange.secrets,
    });
    exchange.answer = answer;
    assertAccepted(answer, exchange.secrets);
    return { ok: true, body: parseJson(answer, exchange.secrets), rawResponse };
  };

  function mediaFor(endpoint: string, credentials: Credentials): Media {
    const known = clients.get(endpoint);
    if (known !== undefined && isSame(known.credentials, credentials)) return known.media;
    const { media } = createClient(sdk, endpoint, credentials, fetcher as SdkFetcher).listen.v1;
    clients.set(endpoint, { credentials, media });
    return media;
  }

  async function send<Result>(
    { source, signal, endpoint, credentials, parameters }: PrerecordedRequest,
    exchange: Exchange,
    reader: AnswerReader<Result>,
  ): Promise<Result> {
    exchanges.set(signal, exchange);
    try {
      const media = mediaFor(endpoint, credentials);
      const { known, extra } = splitParameters(parameters);
      const options = { abortSignal: signal, queryParams: extra };
      const body: unknown =
        source.kind === 'url'
          ? await media.transcribeUrl({ ...known, url: source.url }, options)
          : await media.transcribeFile(NO_BYTES, known, {
              ...options,
              headers: { 'Content-Type': audioType(source) },
            });
      return readAnswer(body, exchange, reader);
    } catch (error) {
      throw toTypedError(error);
    } finally {
      exchanges.delete(signal);
    }
  }

  async function openAndSend<Result>(
    request: PrerecordedRequest,
    secrets: readonly string[],
    reader: AnswerReader<Result>,
  ): Promise<Result> {
    const { source, signal } = request;
    if (source.kind === 'url') return send(request, { audio: undefined, secrets }, reader);
    const audio = await claimUnlessAborted(source.open(), signal, (late) => late.close());
    try {
      return await send(request, { audio, secrets }, reader);
    } finally {
      await audio.close();
    }
  }

  return {
    request: (request) => openAndSend(request, secretsOf(request), TRANSCRIPT),
    submit: (request, callback) =>
      openAndSend(
        { ...request, parameters: callbackParameters(request.parameters, callback) },
        [...secretsOf(request), callback.secret, ...secretsOfUrl(callback.url)],
        ACCEPTANCE,
      ),
  };
}

function createClient(
  sdk: DeepgramSdk,
  endpoint: string,
  credentials: Credentials,
  fetcher: SdkFetcher,
): DeepgramClient {
  const environment = { base: endpoint, production: endpoint, agent: endpoint, agentRest: endpoint };
  const secret =
    credentials.kind === 'key'
      ? { apiKey: credentials.apiKey }
      : // Without a key the SDK's constructor refuses; the token takes precedence over it.
        { apiKey: credentials.accessToken, accessToken: credentials.accessToken };
  return new sdk.DeepgramClient({ ...secret, environment, fetcher });
}

function isSame(known: Credentials, wanted: Credentials): boolean {
  return known.kind === wanted.kind && secretOf(known) === secretOf(wanted);
}

/** Values may be functions: that of the authorization is one. */
async function headersOf({ headers = {}, contentType }: SdkRequest): Promise<Record<string, string>> {
  const found: Record<string, string> = { accept: 'application/json' };
  if (contentType !== undefined) found['content-type'] = contentType;
  for (const [name, supplied] of Object.entries(headers)) {
    const value: unknown = typeof supplied === 'function' ? await supplied({}) : supplied;
    if (value !== undefined && value !== null) found[name.toLowerCase()] = String(value);
  }
  return found;
}

/** The SDK's request type knows most parameters; the others go beside it. */
function splitParameters(parameters: QueryParameters): {
  known: MediaParameters;
  extra: Record<string, unknown>;
} {
  const known: Record<string, unknown> = Object.create(null);
  const extra: Record<string, unknown> = Object.create(null);
  for (const [name, value] of Object.entries(parameters)) {
    const target = Object.hasOwn(PRERECORDED_OPTIONS, name) && !NOT_IN_SDK.has(name) ? known : extra;
    target[name] = value;
  }
  return { known: known as MediaParameters, extra };
}

/** Parameters of raw audio, which the SDK has for live audio only. */
const NOT_IN_SDK: ReadonlySet<string> = new Set(['sample_rate', 'channels']);

function secretsOf({ source, credentials }: PrerecordedRequest): readonly string[] {
  return [secretOf(credentials), ...(source.kind === 'url' ? secretsOfUrl(source.url) : [])];
}

function assertAccepted(answer: HttpAnswer, secrets: readonly string[]): void {
  if (answer.status === 200) return;
  if (answer.status >= 400) throw errorFromAnswer(answer, secrets);
  throw invalidAnswer(`the status is ${answer.status}`, answer, { secrets });
}

function parseJson(answer: HttpAnswer, secrets: readonly string[]): unknown {
  try {
    return JSON.parse(answer.text);
  } catch {
    throw invalidAnswer(`the body is no JSON (${answer.text.length} characters)`, answer, { secrets });
  }
}

function readAnswer<Result>(
  body: unknown,
  { answer, secrets }: Exchange,
  { what, map }: AnswerReader<Result>,
): Result {
  try {
    return map(body);
  } catch (error) {
    if (!(error instanceof InvalidJson) || answer === undefined) throw error;
    throw invalidAnswer(error.message, answer, { requestId: findRequestId(body), secrets, what });
  }
}

function toTypedError(cause: unknown): TranscriptionError {
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
