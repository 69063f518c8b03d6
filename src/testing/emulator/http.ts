import type { IncomingMessage, ServerResponse } from 'node:http';
import { failure } from './answer.js';
import type { EmulatorFaultBook } from './emulator-faults.js';
import type { HttpFault } from './faults.js';
import { LOGIN_PAGE, LOGIN_PATH } from './faults-answers.js';
import { answerWithFault, breaksConnection } from './faults-apply.js';
import { type HttpExchange, readBody, replyOf, replyTo, send } from './http-exchange.js';
import type { Journal, OpenRequest } from './journal.js';

export interface HttpService extends Pick<HttpExchange, 'api' | 'clock' | 'served'> {
  readonly journal: Journal;
  readonly faults: EmulatorFaultBook;
  readonly closing: AbortSignal;
}

/** Answers one HTTP request. Never rejects: a client that leaves gets no answer. */
export async function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  { journal, faults, closing, ...service }: HttpService,
): Promise<void> {
  const open = journal.open(request, 'http');
  const signal = AbortSignal.any([followConnection(response, open), closing]);
  const exchange: HttpExchange = { ...service, request, response, open, signal };
  let fault: HttpFault | undefined;
  try {
    fault = faults.choose(open.entry);
  } catch (error) {
    // A rule may fail: its `when` is the test's own code.
    send(exchange, replyOf(failure(error, open.entry.requestId)));
    return;
  }
  if (fault) {
    open.entry.faults.push(fault.kind);
    await answerWithFault(exchange, fault);
  } else {
    await answer(exchange);
  }
}

async function answer(exchange: HttpExchange): Promise<void> {
  const body = await readBody(exchange);
  if (!body) return;
  const { method, path } = exchange.open.entry;
  if (path === LOGIN_PATH && method === 'GET') send(exchange, LOGIN_PAGE);
  else send(exchange, await replyTo(exchange, body));
}

/** Records how the exchange ends. The signal aborts if that is before the answer is complete. */
function followConnection(response: ServerResponse, open: OpenRequest): AbortSignal {
  const gone = new AbortController();
  response.on('error', () => response.destroy());
  response.once('finish', () => open.end('answered'));
  response.once('close', () => {
    if (response.writableFinished) return;
    open.end(open.entry.faults.some(breaksConnection) ? 'broken' : 'abandoned');
    gone.abort();
  });
  return gone.signal;
}
