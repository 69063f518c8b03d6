import { errorOf, invalidResponse, networkError, tokenFailed } from './http-client-error.js';
import type { HttpClientSettings } from './options.js';

export interface HttpClientRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Below the base URL, with its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit | undefined;
  readonly signal?: AbortSignal | undefined;
  /** True of data that is an answer although its status is none of 2xx. */
  readonly isAnswer?: (data: object | undefined) => boolean;
}

/** Sends requests, and makes errors of what fails. */
export class Requests {
  readonly #settings: HttpClientSettings;

  constructor(settings: HttpClientSettings) {
    this.#settings = settings;
  }

  /** Rejects with an HttpClientError. */
  async json<Answer>(request: HttpClientRequest): Promise<Answer> {
    const response = await this.#fetch(request);
    const text = await bodyOf(response, request.signal);
    const data = parsed(text);
    if (!response.ok && !request.isAnswer?.(data)) throw errorOf(response, text);
    if (data === undefined) throw invalidResponse(response);
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
    const authorization = await this.#authorization();
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

  async #authorization(): Promise<Record<string, string>> {
    const { token } = this.#settings;
    let value: string | undefined;
    try {
      value = typeof token === 'function' ? await token() : token;
    } catch (cause) {
      throw tokenFailed(cause);
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

/** Undefined where it is no object of JSON. */
function parsed(text: string): object | undefined {
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === 'object' && data !== null ? data : undefined;
  } catch {
    return undefined;
  }
}
