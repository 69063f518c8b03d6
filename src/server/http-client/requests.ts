import { raceAbort } from '../../internal/abort.js';
import type { AnswerCheck } from './answers.js';
import { errorOf, invalidResponse, networkError, tokenFailed } from './http-client-error.js';
import type { HttpClientSettings } from './options.js';
import { UploadStream } from './upload-stream.js';

export interface HttpClientRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Below the base URL, with its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface JsonRequest extends HttpClientRequest {
  readonly isAnswer: AnswerCheck;
  /** True of data that is an answer although its status is none of 2xx. */
  readonly isAnswerOfFailure?: AnswerCheck;
}

/** Sends requests, and makes errors of what fails. */
export class Requests {
  readonly #settings: HttpClientSettings;

  constructor(settings: HttpClientSettings) {
    this.#settings = settings;
  }

  /** Rejects with an HttpClientError. */
  async json<Answer>({
    isAnswer,
    isAnswerOfFailure = () => false,
    ...request
  }: JsonRequest): Promise<Answer> {
    const { response, text } = await this.#whole(request);
    const data = parsed(text);
    if (!response.ok && !isAnswerOfFailure(data)) throw errorOf(response, text);
    if (response.ok && !isAnswer(data)) throw invalidResponse(response);
    return data as Answer;
  }

  /** Rejects with an HttpClientError. */
  async text(request: HttpClientRequest): Promise<string> {
    return bodyOf(await this.open(request), request.signal);
  }

  /** A response whose body is still to be read. Rejects with an HttpClientError where it is an error too. */
  async open(request: HttpClientRequest): Promise<Response> {
    const response = await this.#fetch(request);
    if (response.ok) return response;
    throw errorOf(response, await bodyOf(response, request.signal));
  }

  /** With an upload that has ended by then, if need be before its end. */
  async #whole(request: HttpClientRequest): Promise<{ readonly response: Response; readonly text: string }> {
    const { body, signal } = request;
    const upload = body instanceof ReadableStream ? new UploadStream(body) : undefined;
    try {
      const response = await this.#fetch({ ...request, body: upload?.readable ?? body });
      return { response, text: await bodyOf(response, signal) };
    } finally {
      upload?.end(signal?.reason);
    }
  }

  async #fetch(request: HttpClientRequest): Promise<Response> {
    const { path, signal } = request;
    const { baseUrl, fetch } = this.#settings;
    if (signal?.aborted) throw networkError(undefined, signal);
    const init = await this.#init(request);
    try {
      return await fetch(`${baseUrl}${path}`, init);
    } catch (cause) {
      throw networkError(cause, signal);
    }
  }

  async #init({ method = 'GET', headers, body, signal }: HttpClientRequest): Promise<RequestInit> {
    const { credentials, headers: own } = this.#settings;
    const authorization = await this.#authorization(signal);
    return {
      method,
      headers: { ...own, ...authorization, ...headers },
      ...(credentials !== undefined && { credentials }),
      ...(signal !== undefined && { signal }),
      ...(body !== undefined && { body }),
      // Fetch takes a stream as a body only so.
      ...(body instanceof ReadableStream && { duplex: 'half' }),
    };
  }

  async #authorization(signal: AbortSignal | undefined): Promise<Record<string, string>> {
    const { token } = this.#settings;
    let value: string | undefined;
    try {
      value = typeof token === 'function' ? await raceAbort(Promise.resolve(token()), signal) : token;
    } catch (cause) {
      throw signal?.aborted ? networkError(undefined, signal) : tokenFailed(cause);
    }
    return value === undefined || value === '' ? {} : { authorization: `Bearer ${value}` };
  }
}

async function bodyOf(response: Response, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await response.text();
  } catch (cause) {
    throw networkError(cause, signal);
  }
}

/** Without fields where it is no object of JSON. */
function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
