// The modules whole: tools that intercept requests in tests replace members of them.
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { OpenedAudio } from '../contracts/index.js';
import { ProviderError, TranscriptionError } from '../errors/index.js';
import { abortError, onAbort } from '../internal/abort.js';
import type { HttpAnswer } from './http-answer.js';
import { connectionError, networkError } from './map-error.js';

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | OpenedAudio;
  readonly signal: AbortSignal;
}

/** Sends POST requests: uploads in bounded memory, follows no redirect, keeps connections alive. */
export interface HttpTransport {
  /** Rejects with a TranscriptionError; `signal` covers every phase, the answer's body included. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  /** Closes all connections. */
  close(): void;
}

/** Longer answers than any transcript; more would only fill the memory. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
/** Below the 5 s after which many servers close an idle connection, so that we rarely write to a closed one. */
const IDLE_CONNECTION_MS = 4_000;

export function createHttpTransport(): HttpTransport {
  const options = { keepAlive: true, timeout: IDLE_CONNECTION_MS };
  const httpAgent = new http.Agent(options);
  const httpsAgent = new https.Agent(options);
  return {
    async send(request) {
      const start = request.url.startsWith('https:')
        ? () => https.request(request.url, { method: 'POST', headers: headersOf(request), agent: httpsAgent })
        : () => http.request(request.url, { method: 'POST', headers: headersOf(request), agent: httpAgent });
      return exchange(start, request);
    },
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

function headersOf({ headers, body }: HttpRequest): Record<string, string | number> {
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.sizeBytes;
  // The caller's length is that of a stand-in.
  const { 'content-length': _length, ...others } = headers;
  // Without this header an answer may come in any encoding.
  return {
    ...others,
    'accept-encoding': 'identity',
    ...(length === undefined ? {} : { 'content-length': length }),
  };
}

async function exchange(start: () => ClientRequest, { body, signal }: HttpRequest): Promise<HttpAnswer> {
  if (signal.aborted) throw abortError(signal);
  const request = start();
  const isOnTheWire = watchConnection(request);
  const stopListening = onAbort(signal, () => request.destroy(abortError(signal)));
  try {
    const response = await upload(request, body, isOnTheWire);
    const text = await readText(response);
    if (signal.aborted) throw abortError(signal);
    return { status: response.statusCode ?? 0, header: (name) => headerOf(response, name), text };
  } catch (error) {
    throw signal.aborted ? connectionError(abortError(signal), isOnTheWire()) : error;
  } finally {
    stopListening();
    // An answer that came before the whole upload leaves a connection that cannot be used again.
    if (!request.writableFinished) request.destroy();
  }
}

/** Resolves with the answer's head, whether or not the whole body was wanted. */
function upload(
  request: ClientRequest,
  body: string | OpenedAudio,
  isOnTheWire: () => boolean,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // The listener stays: a late error of a request that was given up must not end the process.
    request.on('error', (error) => reject(networkError(error, isOnTheWire())));
    request.on('response', resolve);
    if (typeof body === 'string') request.end(body);
    else {
      writeAudio(request, body).catch((error) => {
        request.destroy();
        reject(TranscriptionError.isInstance(error) ? error : networkError(error, isOnTheWire()));
      });
    }
  });
}

async function writeAudio(request: ClientRequest, audio: OpenedAudio): Promise<void> {
  let isAnswered = false;
  request.once('response', () => {
    isAnswered = true;
  });
  const isOver = (): boolean => request.destroyed || isAnswered;
  for await (const chunk of audio.chunks) {
    if (isOver()) return;
    if (!request.write(chunk)) await drained(request);
    if (isOver()) return;
  }
  request.end();
}

function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      request.off('drain', done).off('close', done).off('response', done);
      resolve();
    };
    request.on('drain', done).on('close', done).on('response', done);
  });
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  const isFailure = (response.statusCode ?? 0) >= 400;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.byteLength;
      if (length > MAX_ANSWER_BYTES) throw tooLong(response);
      chunks.push(chunk);
    }
  } catch (error) {
    // A status that says why counts more than the rest of its text.
    if (isFailure && !(error instanceof ProviderError)) return textOf(chunks);
    // The answer had begun, so Deepgram has done the work.
    throw TranscriptionError.isInstance(error) ? error : networkError(error, true, answered(response));
  }
  if (isFailure) return textOf(chunks);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks, length));
  } catch (cause) {
    throw new ProviderError(
      'Deepgram answered with bytes that are no UTF-8 text. Check the proxies between.',
      {
        ...answered(response),
        code: 'invalid_response',
        cause,
      },
    );
  }
}

function textOf(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8');
}

function tooLong(response: IncomingMessage): ProviderError {
  return new ProviderError(`The answer is longer than ${MAX_ANSWER_BYTES} bytes. Check the endpoint.`, {
    ...answered(response),
    code: 'invalid_response',
  });
}

/** What the answer's head tells already. */
function answered(response: IncomingMessage): { status: number; requestId?: string } {
  const requestId = headerOf(response, 'dg-request-id');
  return { status: response.statusCode ?? 0, ...(requestId === undefined ? {} : { requestId }) };
}

/** Tells whether any byte of the request can have reached the other side: none can before the connection is made. */
function watchConnection(request: ClientRequest): () => boolean {
  let isConnected = false;
  request.once('socket', (socket) => {
    if (request.reusedSocket) {
      isConnected = true;
      return;
    }
    const isSecure = (socket as Partial<TLSSocket>).encrypted === true;
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      isConnected = true;
    });
  });
  return () => isConnected;
}

function headerOf(response: IncomingMessage, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
