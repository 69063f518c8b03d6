import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './answer.js';
import type { Api } from './api.js';
import type { RequestEntry } from './journal.js';

export interface ServedAudio {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly entry: RequestEntry;
  readonly api: Api;
  /** By path. */
  readonly served: ReadonlyMap<string, ServedAudio>;
  readonly closing: AbortSignal;
}

/** Answers one HTTP request. Never rejects: a client that leaves gets no answer. */
export async function answerHttp(exchange: HttpExchange): Promise<void> {
  const { request, response, entry } = exchange;
  response.on('error', () => response.destroy());
  const body = await readBody(request, entry);
  if (!body) return;
  const audio = exchange.served.get(entry.path);
  if (audio && (entry.method === 'GET' || entry.method === 'HEAD')) {
    send(exchange, 200, { 'content-type': audio.contentType }, audio.bytes);
    return;
  }
  const answer = await ask(exchange, body);
  const headers = { ...answer.headers, 'content-type': 'application/json' };
  send(exchange, answer.status, headers, Buffer.from(JSON.stringify(answer.body)));
}

/** undefined: the client left before its body was complete. */
async function readBody(request: IncomingMessage, entry: RequestEntry): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
      entry.bodyBytes += (chunk as Buffer).byteLength;
    }
    return Buffer.concat(chunks);
  } catch {
    return undefined;
  }
}

async function ask(
  { request, response, entry, api, closing }: HttpExchange,
  body: Uint8Array,
): Promise<Answer> {
  const gone = new AbortController();
  const abort = () => gone.abort();
  response.once('close', abort);
  const answer = await api.handle(
    {
      method: entry.method,
      path: entry.path,
      query: entry.query,
      authorization: request.headers.authorization,
      contentType: request.headers['content-type'],
      body,
      signal: AbortSignal.any([gone.signal, closing]),
    },
    entry.requestId,
  );
  response.off('close', abort);
  return answer;
}

function send(
  { response, entry }: HttpExchange,
  status: number,
  headers: Record<string, string>,
  body: Uint8Array,
): void {
  if (response.destroyed) return;
  entry.status = status;
  response.writeHead(status, {
    ...headers,
    'dg-request-id': entry.requestId,
    'content-length': body.byteLength,
  });
  response.end(entry.method === 'HEAD' ? undefined : body);
}
