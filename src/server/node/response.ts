import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { discardRest, isRestLarge } from './upload-rest.js';

/** What is missing of the request would be taken for the next one. */
const REQUEST_TIMEOUT = 408;

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** Sends an answer of the Fetch API over Node's HTTP server, no faster than it is taken. Never rejects. */
export async function sendResponse(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  response: Response,
  /** Before what is left of the request is thrown away. */
  onAnswered: () => void = () => undefined,
): Promise<void> {
  const reader = response.body?.getReader();
  const stop = (): void => void reader?.cancel().catch(() => undefined);
  outgoing.once('close', stop);
  try {
    if (outgoing.destroyed || outgoing.headersSent) return stop();
    setHead(outgoing, response);
    if (isRestLarge(incoming) || response.status === REQUEST_TIMEOUT)
      outgoing.setHeader('connection', 'close');
    if (reader === undefined) flushWhereMoreComes(incoming, outgoing);
    else if (isEventStream(response)) await sendEvents(outgoing, reader);
    else await sendBody(outgoing, reader);
    onAnswered();
    // Before the end of the answer: with it the connection may be closed.
    await discardRest(incoming);
    outgoing.end();
  } catch {
    // A part of the answer is on its way: nothing but a broken connection tells that it is not whole.
    outgoing.destroy();
  }
}

function setHead(outgoing: ServerResponse, { status, headers }: Response): void {
  outgoing.statusCode = status;
  for (const [name, value] of headers) {
    if (name === 'set-cookie') outgoing.appendHeader(name, value);
    else if (name === 'vary')
      outgoing.setHeader(name, [outgoing.getHeader(name), value].flat().filter(Boolean).join(', '));
    else outgoing.setHeader(name, value);
  }
}

function flushWhereMoreComes(incoming: IncomingMessage, outgoing: ServerResponse): void {
  if (!incoming.complete) outgoing.flushHeaders();
}

function isEventStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') ?? false;
}

/** Each event goes out at once. */
async function sendEvents(outgoing: ServerResponse, reader: Reader): Promise<void> {
  outgoing.flushHeaders();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    await write(outgoing, next.value, reader);
    // The middleware `compression` keeps what it gets until it is told.
    (outgoing as { flush?: () => void }).flush?.();
  }
}

/** What comes as one chunk is sent with its length. */
async function sendBody(outgoing: ServerResponse, reader: Reader): Promise<void> {
  const first = await reader.read();
  if (first.done) return;
  let next = await reader.read();
  if (next.done) outgoing.setHeader('content-length', first.value.length);
  await write(outgoing, first.value);
  for (; !next.done; next = await reader.read()) await write(outgoing, next.value);
}

/** Resolves when more may be written. Rejects when the connection has ended, or the source does not wait any longer. */
async function write(outgoing: ServerResponse, chunk: Uint8Array, source?: Reader): Promise<void> {
  if (outgoing.destroyed) throw new Error('The connection was closed.');
  if (outgoing.write(chunk)) return;
  const closed = new AbortController();
  const onClose = (): void => closed.abort();
  outgoing.once('close', onClose);
  source?.closed.catch(onClose);
  try {
    await once(outgoing, 'drain', { signal: closed.signal });
  } finally {
    outgoing.off('close', onClose);
  }
}
