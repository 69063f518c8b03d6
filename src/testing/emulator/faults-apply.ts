import { sleep } from '../../internal/sleep.js';
import type { HttpFault } from './faults.js';
import { faultReply } from './faults-answers.js';
import { type HttpExchange, readBody, replyTo, send, sendHead } from './http-exchange.js';
import type { Reply } from './reply.js';

const TRICKLED_BYTES = 16;
const TRICKLE_INTERVAL_MS = 1000;

/** Answers as the fault says. Never rejects. */
export async function answerWithFault(exchange: HttpExchange, fault: HttpFault): Promise<void> {
  if (fault.kind === 'refuse') {
    exchange.request.socket.destroy();
    return;
  }
  if (fault.kind === 'reset' && fault.when === 'beforeUpload') {
    exchange.request.socket.resetAndDestroy();
    return;
  }
  const upload = await readBody(exchange);
  if (!upload) return;
  try {
    await disturb(exchange, fault, upload);
  } catch (error) {
    // A client that leaves, or an emulator that closes, ends the wait for the clock.
    if (!exchange.signal.aborted) throw error;
  }
}

/** Whether it is the emulator that ends the connection. */
export function breaksConnection(kind: string): boolean {
  return kind === 'refuse' || kind === 'reset' || kind === 'truncatedJson';
}

async function disturb(
  exchange: HttpExchange,
  fault: Exclude<HttpFault, { kind: 'refuse' }>,
  upload: Uint8Array,
): Promise<void> {
  switch (fault.kind) {
    case 'delay':
      await sleep(exchange.clock, fault.ms, exchange.signal);
      return send(exchange, await replyTo(exchange, upload));
    case 'reset':
      void replyTo(exchange, upload);
      exchange.request.socket.resetAndDestroy();
      return;
    case 'noHeaders':
      await replyTo(exchange, upload);
      return;
    case 'stalledBody':
      return stall(exchange, await replyTo(exchange, upload), fault.afterBytes);
    case 'trickledBody':
      return trickle(exchange, await replyTo(exchange, upload), fault);
    case 'truncatedJson':
      return truncate(exchange, await replyTo(exchange, upload), fault.delimited ?? false);
    default:
      return send(exchange, faultReply(fault, exchange.open.entry.requestId));
  }
}

/** The last byte never comes, however short the body is. */
function stall(exchange: HttpExchange, reply: Reply, afterBytes?: number): void {
  const bytes =
    afterBytes === undefined ? undefined : Math.max(0, Math.min(afterBytes, reply.body.byteLength - 1));
  sendPart(exchange, reply, bytes);
}

/** Announces the whole body, and sends the first bytes of it. */
function sendPart(
  exchange: HttpExchange,
  reply: Reply,
  bytes = Math.floor(reply.body.byteLength / 2),
  onSent: () => void = () => undefined,
): void {
  const { response } = exchange;
  if (response.destroyed) return;
  sendHead(exchange, reply);
  response.flushHeaders();
  response.write(reply.body.subarray(0, bytes), onSent);
}

async function trickle(
  exchange: HttpExchange,
  reply: Reply,
  settings: Extract<HttpFault, { kind: 'trickledBody' }>,
): Promise<void> {
  const { bytes = TRICKLED_BYTES, intervalMs = TRICKLE_INTERVAL_MS } = settings;
  const { response, clock, signal } = exchange;
  if (response.destroyed) return;
  sendHead(exchange, reply);
  response.flushHeaders();
  for (let sent = 0; sent < reply.body.byteLength; sent += bytes) {
    await sleep(clock, intervalMs, signal);
    response.write(reply.body.subarray(sent, sent + bytes));
  }
  response.end();
}

function truncate(exchange: HttpExchange, reply: Reply, delimited: boolean): void {
  const half = Math.floor(reply.body.byteLength / 2);
  if (delimited) send(exchange, { ...reply, body: reply.body.subarray(0, half) });
  else sendPart(exchange, reply, half, () => exchange.request.socket.destroy());
}
