import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
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
  const httpAgent = new HttpAgent(options);
  const httpsAgent = new HttpsAgent(options);
  return {
    async send(request) {
      const start = request.url.startsWith('https:')
        ? () => requestHttps(request.url, { method: 'POST', headers: headersOf(request), agent: httpsAgent })
        : () => requestHttp(request.url, { method: 'POST', headers: headersOf(request), agent: httpAgent });
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
  return { ...others, ...(length === undefined ? {} : { 'content-length': length }) };
}

async function exchange(start: () => ClientRequest, { body, signal }: HttpRequest): Promise<HttpAnswer> {
  if (signal.aborted) throw abortError(signal);
  const request = start();
  const stopListening = onAbort(signal, () => request.destroy(abortError(signal)));
  try {
    const response = await upload(request, body);
    const text = await readText(response);
    return { status: response.statusCode ?? 0, header: (name) => headerOf(response, name), text };
  } catch (error) {
    throw signal.aborted ? connectionError(abortError(signal), isOnTheWire(request)) : error;
  } finally {
    stopListening();
    // An answer that came before the whole upload leaves a connection that cannot be used again.
    if (!request.writableFinished) request.destroy();
  }
}

/** Resolves with the answer's head, whether or not the whole body was wanted. */
function upload(request: ClientRequest, body: string | OpenedAudio): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // The listener stays: a late error of a request that was given up must not end the process.
    request.on('error', (error) => reject(networkError(error, isOnTheWire(request))));
    request.on('response', resolve);
    if (typeof body === 'string') request.end(body);
    else
      writeAudio(request, body).catch((error) => {
        request.destroy();
        reject(TranscriptionError.isInstance(error) ? error : networkError(error, isOnTheWire(request)));
      });
  });
}

async function writeAudio(request: ClientRequest, audio: OpenedAudio): Promise<void> {
  let isAnswered = false;
  request.once('response', () => {
    isAnswered = true;
  });
  for await (const chunk of audio.chunks) {
    if (request.destroyed || isAnswered) return;
    if (!request.write(chunk)) await drained(request);
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
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.byteLength;
      if (length > MAX_ANSWER_BYTES) throw tooLong();
      chunks.push(chunk);
    }
  } catch (error) {
    // The answer had begun, so Deepgram has done the work.
    throw TranscriptionError.isInstance(error) ? error : networkError(error, true);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks, length));
  } catch (cause) {
    throw new ProviderError('Deepgram answered with bytes that are no UTF-8 text.', {
      code: 'invalid_response',
      cause,
    });
  }
}

function tooLong(): ProviderError {
  return new ProviderError(`The answer is longer than ${MAX_ANSWER_BYTES} bytes.`, {
    code: 'invalid_response',
  });
}

/** Whether any byte of the request can have reached the other side. */
function isOnTheWire(request: ClientRequest): boolean {
  const { socket } = request;
  return request.headersSent && socket !== null && !socket.connecting && socket.bytesWritten > 0;
}

function headerOf(response: IncomingMessage, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
