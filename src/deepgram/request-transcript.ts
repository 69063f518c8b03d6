import type { HttpTransport } from './http-transport.js';
import { invalidAnswer } from './map-error.js';
import { findRequestId, type MappedResult, mapResult } from './map-result.js';
import { type PrerecordedRequest, requestPrerecorded } from './prerecorded.js';
import { InvalidJson } from './read-json.js';

/** One attempt: the request, and its answer read and checked. Rejects with a TranscriptionError. */
export async function requestTranscript(
  transport: HttpTransport,
  request: PrerecordedRequest,
): Promise<MappedResult> {
  const { body, answer } = await requestPrerecorded(transport, request);
  try {
    return mapResult(body);
  } catch (error) {
    if (error instanceof InvalidJson) throw invalidAnswer(error.message, answer, findRequestId(body));
    throw error;
  }
}
