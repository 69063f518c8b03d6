import type { BridgeEvent, LiveEvent, Transcript } from '../../contracts/index.js';
import { TranscriptionError } from '../../errors/index.js';
import { redactText } from '../../net/redact.js';

type ErrorFields = Extract<BridgeEvent, { type: 'error' }>['error'];

/** An event as the browser gets it: errors as their data, and of a transcript not Deepgram's own messages. */
export function toBridgeEvent(event: LiveEvent, sendTranscript: boolean): BridgeEvent {
  if (event.type === 'error') return { type: 'error', error: errorFields(event.error) };
  if (event.type !== 'end' || event.transcript === undefined) return event;
  return sendTranscript ? { type: 'end', transcript: withoutResponse(event.transcript) } : { type: 'end' };
}

/** They double the size, and hold what the browser did not ask for. */
function withoutResponse(transcript: Transcript): Transcript {
  return { ...transcript, response: { results: [], metadata: [] } };
}

/** The messages of our own errors are made to be shown. What others say stays here. */
function errorFields(error: unknown): ErrorFields {
  if (!TranscriptionError.isInstance(error)) {
    return { name: 'Error', code: 'internal', message: 'The session has failed.', retryable: false };
  }
  const { name, code, message, retryable } = error;
  return { name, code, message: redactText(message), retryable };
}
