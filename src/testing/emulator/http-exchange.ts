import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../contracts/clock.js';
import type { Answer } from './answer.js';
import type { Api } from './api.js';
import type { OpenRequest } from './journal.js';
import type { Reply } from './reply.js';
import { type ServedAudio, servedAudioReply } from './served-audio.js';

/** One HTTP request that is being answered. */
export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly open: OpenRequest;
  readonly api: Api;
  readonly clock: Clock;
  /** By path. */
  readonly served: ReadonlyMap<string, ServedAudio>;
  /** Aborted when the connection ends before the answer is complete, or the emulator closes. */
  readonly signal: AbortSignal;
}

/** undefined: the client left before its body was complete. */
export async function readBody({ request, open }: HttpExchange): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
      open.entry.bodyBytes += (chunk as Buffer).byteLength;
    }
    return Buffer.concat(chunks);
  } catch {
    return undefined;
  }
}

/** The true answer to a request whose body was read. Never rejects. */
export async function replyTo(exchange: HttpExchange, body: Uint8Array): Promise<Reply> {
  const { request, open, api, signal } = exchange;
  const { method, path, query, requestId } = open.entry;
  const audio = exchange.served.get(path);
  if (audio && (method === 'GET' || method === 'HEAD')) {
    return servedAudioReply(method, request.headers, audio);
  }
  const answer = await api.handle(
    {
      method,
      path,
      query,
      authorization: request.headers.authorization,
      contentType: request.headers['content-type'],
      body,
      signal,
      record: open,
    },
    requestId,
  );
  return replyOf(answer);
}

export function replyOf({ status, headers, body }: Answer): Reply {
  return {
    status,
    headers: { ...headers, 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
  };
}

/** Sends a whole answer. */
export function send(exchange: HttpExchange, reply: Reply): void {
  const { response, open } = exchange;
  if (response.destroyed) return;
  sendHead(exchange, reply);
  response.end(open.entry.method === 'HEAD' ? undefined : reply.body);
}

/** Announces an answer, with the length of its whole body. */
export function sendHead({ response, open }: HttpExchange, { status, headers, body }: Reply): void {
  open.entry.status = status;
  response.writeHead(status, {
    ...headers,
    'dg-request-id': open.entry.requestId,
    'content-length': body.byteLength,
  });
}
