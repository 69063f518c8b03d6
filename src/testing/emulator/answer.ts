import type { Deepgram } from '@deepgram/sdk';

/** The health of a self-hosted server. The SDK has no type for it. */
export interface StatusResponse {
  readonly system_health: 'Healthy' | 'Critical';
  readonly active_batch_requests: number;
  readonly active_stream_requests: number;
}

export type AnswerBody =
  | Deepgram.ListenV1Response
  | Deepgram.ListenV1AcceptedResponse
  | Deepgram.GrantV1Response
  | StatusResponse
  | Required<Deepgram.ErrorResponseLegacyError>;

/** What the API answers to one HTTP request. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body: AnswerBody;
}

/** A request that Deepgram would refuse. Thrown inside the emulator, answered as Deepgram's error JSON. */
export class Refusal extends Error {
  readonly status: number;
  readonly errorCode: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, errorCode: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.errorCode = errorCode;
    this.headers = headers;
  }
}

/** Status 400 in the wording that Deepgram uses for what it cannot read. */
export function badRequest(detail: string): Refusal {
  return new Refusal(400, 'Bad Request', `Bad Request: ${detail}`);
}

export function success(body: AnswerBody, requestId: string): Answer {
  return { status: 200, headers: { 'dg-request-id': requestId }, body };
}

/** Turns anything that was thrown into an answer. What is no `Refusal` is a failure of the server: 500. */
export function failure(error: unknown, requestId: string): Answer {
  const refusal =
    error instanceof Refusal
      ? error
      : new Refusal(500, 'INTERNAL_SERVER_ERROR', `The emulator failed: ${String(error)}`);
  return {
    status: refusal.status,
    headers: { ...refusal.headers, 'dg-request-id': requestId },
    body: { err_code: refusal.errorCode, err_msg: refusal.message, request_id: requestId },
  };
}
