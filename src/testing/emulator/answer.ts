/** What the API answers to one HTTP request. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body: object;
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

/** Deepgram's answer to audio that it cannot decode. */
export function corruptAudio(): Refusal {
  return badRequest('failed to process audio: corrupt or unsupported data');
}

export function success(body: object, requestId: string): Answer {
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
