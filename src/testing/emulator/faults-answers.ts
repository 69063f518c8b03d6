import type { Deepgram } from '@deepgram/sdk';
import type { ErrorShape, FaultStatus, HttpFault } from './faults.js';
import type { Reply } from './reply.js';

/** Where the fault `redirect` leads. */
export const LOGIN_PATH = '/login.html';

export const LOGIN_PAGE: Reply = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: Buffer.from(
    '<!doctype html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>\n',
  ),
};

const ERRORS: Readonly<Record<FaultStatus, readonly [code: string, message: string]>> = {
  401: ['INVALID_AUTH', 'Invalid credentials.'],
  402: ['ASR_PAYMENT_REQUIRED', 'The project does not have enough credits for this request.'],
  403: ['INSUFFICIENT_PERMISSIONS', 'The project does not have access to what was requested.'],
  408: ['SLOW_UPLOAD', 'The upload was too slow.'],
  413: ['PAYLOAD_TOO_LARGE', 'The upload exceeds the limit.'],
  422: ['ASR_UNPROCESSABLE_ENTITY', 'The upload was interrupted.'],
  429: ['TOO_MANY_REQUESTS', 'Too many requests. Please try again later.'],
  500: ['INTERNAL_SERVER_ERROR', 'The server met an error.'],
  502: ['BAD_GATEWAY', 'The gateway got no valid answer.'],
  503: ['SERVICE_UNAVAILABLE', 'The service is overloaded.'],
  504: ['GATEWAY_TIMEOUT', 'The processing took too long.'],
};

/** The answer of a fault that needs no work on the audio. */
export function faultReply(
  fault: Extract<HttpFault, { kind: 'status' | 'html' | 'null' | 'empty' | 'redirect' | 'otherJson' }>,
  requestId: string,
): Reply {
  switch (fault.kind) {
    case 'status':
      return errorReply(fault, requestId);
    case 'html':
      return LOGIN_PAGE;
    case 'null':
      return json(200, 'null');
    case 'empty':
      return json(200, '');
    case 'redirect':
      return { status: 302, headers: { location: LOGIN_PATH }, body: new Uint8Array() };
    case 'otherJson':
      return json(200, JSON.stringify({ status: 'ok', items: [1, 2, 3] }));
  }
}

function errorReply(fault: Extract<HttpFault, { kind: 'status' }>, requestId: string): Reply {
  const { status, shape = 'err_code', retryAfter } = fault;
  const reply = errorBody(status, shape, requestId);
  const headers = {
    ...reply.headers,
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
  };
  return { ...reply, headers };
}

function errorBody(status: FaultStatus, shape: ErrorShape, requestId: string): Reply {
  const [code, message] = ERRORS[status];
  switch (shape) {
    case 'err_code':
      return json(
        status,
        JSON.stringify({
          err_code: code,
          err_msg: message,
          request_id: requestId,
        } satisfies Deepgram.ErrorResponseLegacyError),
      );
    case 'category':
      return json(
        status,
        JSON.stringify({
          category: code,
          message,
          details: `Status ${status}.`,
          request_id: requestId,
        } satisfies Deepgram.ErrorResponseModernError),
      );
    case 'text':
      return {
        status,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: Buffer.from(`${code}: ${message}` satisfies Deepgram.ErrorResponseTextError),
      };
  }
}

function json(status: number, text: string): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(text) };
}
