// The modules whole: tools that intercept requests in tests replace members of them.
import { isUtf8 } from 'node:buffer';
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Clock, OpenedAudio } from '../contracts/index.js';
import { ProviderError, TimeoutError, TranscriptionError } from '../errors/index.js';
import { abortError, onAbort, raceAbort } from '../internal/abort.js';
import { decodeBody } from './decode-body.js';
import type { HttpAnswer } from './http-answer.js';
import { KeepAliveAgent, KeepAliveTlsAgent } from './keep-alive-agent.js';
import { connectionError, networkError, requestIdOf } from './map-error.js';

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | OpenedAudio;
  readonly signal: AbortSignal;
  /** What no error may hold. */
  readonly secrets: readonly string[];
  /** False: Deepgram bills nothing for it, so that no end of it is ambiguous. Default true. */
  readonly costs?: boolean;
}

/** Sends POST requests: uploads in bounded memory, follows no redirect, keeps connections alive. */
export interface HttpTransport {
  /** Rejects with a TranscriptionError; `signal` covers every phase, the answer's body included. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  /**
   * Leaves an open connection for the next request: name look-up, TCP and TLS are over by then. Resolves to the status
   * of the answer, undefined where that is no HTTP answer that could be read.
   */
  connect(url: string, signal: AbortSignal): Promise<number | undefined>;
  /** Closes all connections. */
  close(): void;
}

/** Longer answers than any transcript; more would only fill the memory. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

export function createHttpTransport(clock: Pick<Clock, 'wallMs'>): HttpTransport {
  const httpAgent = new KeepAliveAgent();
  const httpsAgent = new KeepAliveTlsAgent();
  const open = (url: string, request: http.RequestOptions): ClientRequest =>
    url.startsWith('https:')
      ? https.request(url, { ...request, agent: httpsAgent })
      : http.request(url, { ...request, agent: httpAgent });
  return {
    send: (request) =>
      exchange(
        clock,
        () => open(request.url, { method: 'POST', headers: headersOf(request) }),
        request,
        request.costs,
      ),
    async connect(url, signal) {
      // No credentials are sent, and nothing is asked for. No HEAD, because where its answer has no length, Node does
      // not keep the connection.
      const request = { body: '', signal, secrets: [] };
      try {
        return (await exchange(clock, () => open(url, { method: 'GET' }), request, false)).status;
      } catch (error) {
        if (TranscriptionError.isInstance(error) && error.code === 'invalid_response') return undefined;
        throw error;
      }
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

async function exchange(
  clock: Pick<Clock, 'wallMs'>,
  start: () => ClientRequest,
  { body, signal, secrets }: Pick<HttpRequest, 'body' | 'signal' | 'secrets'>,
  costs = true,
): Promise<HttpAnswer> {
  if (signal.aborted) throw abortError(signal);
  const request = start();
  const isOnTheWire = costs ? watchConnection(request) : () => false;
  const stopListening = onAbort(signal, () => request.destroy(abortError(signal)));
  let head: AnswerHead | undefined;
  try {
    const response = await upload(request, body, isOnTheWire);
    head = answered(response, secrets);
    const text = await readText(response, head, signal);
    if (signal.aborted && !(costs && isRefusalInTime(head, signal))) throw abortError(signal);
    return {
      status: head.status,
      header: (name) => headerOf(response, name),
      text,
      receivedAtMs: clock.wallMs(),
    };
  } catch (error) {
    throw signal.aborted ? connectionError(abortError(signal), isOnTheWire(), head) : error;
  } finally {
    stopListening();
    // An answer that came before the whole upload leaves a connection that cannot be used again.
    if (!request.writableFinished) request.destroy();
  }
}

/** A refusal whose text did not come in time is still a refusal; only the caller's own abort counts more. */
function isRefusalInTime({ status }: AnswerHead, signal: AbortSignal): boolean {
  return status >= 400 && abortError(signal) instanceof TimeoutError;
}

/** Resolves with the answer's head, whether or not the whole body was wanted. */
function upload(
  request: ClientRequest,
  body: string | OpenedAudio,
  isOnTheWire: () => boolean,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    // The listener stays: a late error of a request that was given up must not end the process.
    request.on('error', (error) => reject(networkError(error, isOnTheWire())));
    request.on('response', (response) => {
      isAnswered = true;
      resolve(response);
    });
    // After an error it changes nothing. An unasked upgrade ends a request with neither answer nor error.
    request.on('close', () => {
      if (!isAnswered) reject(networkError(new Error('closed unanswered'), isOnTheWire()));
    });
    const whole = typeof body === 'string' ? body : body.bytes;
    if (whole !== undefined) request.end(whole);
    else {
      writeAudio(request, (body as OpenedAudio).chunks).catch((error) => {
        request.destroy();
        reject(TranscriptionError.isInstance(error) ? error : networkError(error, isOnTheWire()));
      });
    }
  });
}

async function writeAudio(request: ClientRequest, chunks: OpenedAudio['chunks']): Promise<void> {
  let isAnswered = false;
  request.once('response', () => {
    isAnswered = true;
  });
  const isOver = (): boolean => request.destroyed || isAnswered;
  for await (const chunk of chunks) {
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

async function readText(response: IncomingMessage, head: AnswerHead, signal: AbortSignal): Promise<string> {
  const { chunks, error } = await readChunks(response, head);
  // A status that says why counts more than the rest of its text.
  if (head.status >= 400) return decodeLeniently(chunks, response, signal);
  if (error !== undefined) {
    // The answer had begun, so Deepgram has done the work.
    throw TranscriptionError.isInstance(error) ? error : networkError(error, true, head);
  }
  try {
    return decodeUtf8(await bytesOf(chunks, response, signal));
  } catch (cause) {
    throw new ProviderError(
      'Deepgram answered with bytes that are no UTF-8 text. Check the proxies between.',
      {
        ...head,
        code: 'invalid_response',
        cause,
      },
    );
  }
}

/** As a TextDecoder that is `fatal`, which is dear to make. */
function decodeUtf8(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new TypeError('not UTF-8');
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, bytes.byteLength - start).toString('utf8');
}

/** What came of a body, and why it ended early where it did. By events: an iterator costs more than it reads. */
function readChunks(
  response: IncomingMessage,
  head: AnswerHead,
): Promise<{ chunks: readonly Buffer[]; error?: unknown }> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    response.on('data', (chunk: Buffer) => {
      length += chunk.byteLength;
      if (length > MAX_ANSWER_BYTES) response.destroy(tooLong(head));
      else chunks.push(chunk);
    });
    response.on('error', (error) => resolve({ chunks, error }));
    // A premature end comes without an error where the answer has no length.
    response.on('close', () =>
      resolve(response.complete ? { chunks } : { chunks, error: new Error('aborted') }),
    );
    response.on('end', () => {
      if (response.complete) resolve({ chunks });
    });
  });
}

/** Of an error as much as can be read. */
async function decodeLeniently(
  chunks: readonly Buffer[],
  response: IncomingMessage,
  signal: AbortSignal,
): Promise<string> {
  try {
    return new TextDecoder().decode(await bytesOf(chunks, response, signal));
  } catch {
    return '';
  }
}

async function bytesOf(
  chunks: readonly Buffer[],
  response: IncomingMessage,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const [first, ...others] = chunks;
  const bytes = first !== undefined && others.length === 0 ? first : Buffer.concat(chunks);
  const encoding = response.headers['content-encoding'];
  if (encoding === undefined) return bytes;
  return raceAbort(decodeBody(bytes, encoding, MAX_ANSWER_BYTES), signal);
}

function tooLong(head: AnswerHead): ProviderError {
  return new ProviderError(`The answer is longer than ${MAX_ANSWER_BYTES} bytes. Check the endpoint.`, {
    ...head,
    code: 'invalid_response',
  });
}

/** What the answer's head tells already. */
interface AnswerHead {
  readonly status: number;
  readonly requestId?: string;
}

function answered(response: IncomingMessage, secrets: readonly string[]): AnswerHead {
  const requestId = requestIdOf(headerOf(response, 'dg-request-id'), secrets);
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
