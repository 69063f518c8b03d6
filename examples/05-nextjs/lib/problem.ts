/** What is wrong, in words for whoever looks at the page. */
export interface Problem {
  /** Of the request, such as `mode`. */
  readonly field: string | undefined;
  readonly message: string;
}

/** What the library's errors have in common, of requests, of jobs and of captions. */
interface Coded {
  readonly code?: string;
  readonly requestId?: string;
  readonly errors?: readonly { readonly field: string }[];
}

const NO_URL = 'This is no URL of a recording. One begins with https://.';
const UNREADABLE = 'This recording cannot be read. Try another format, such as MP3 or WAV.';
const BUSY = 'There is too much to do right now. Try again in a minute.';
const DOWN = 'It does not work right now. Try again in a minute.';

/** By the code of an error. Its own message is for whoever runs the server, and is in the server's log. */
const WORDS: Readonly<Record<string, string>> = {
  not_a_url: NO_URL,
  forbidden_address: 'Nothing is fetched from this address. Download the recording, and choose the file.',
  remote_content:
    'At this URL no recording was found. Check it, or download the recording and choose the file.',
  unsupported_media_type: 'This file is no recording. Choose one with sound.',
  unprocessable_audio: UNREADABLE,
  // Deepgram's word for a recording that is broken. What else a request says is set by the server.
  bad_request: UNREADABLE,
  empty_source: 'This recording is empty.',
  payload_too_large: 'This recording is too large.',
  audio_too_long: 'This recording is too long.',
  audio_not_found: 'The recording is not there any more. Send it again.',
  broken_body: 'The upload broke off. Try again.',
  stream_failed: 'The upload broke off. Try again.',
  unauthorized: 'The server does not know you any more. Load this page again.',
  job_not_found: 'There is nothing here, or it belongs to somebody else.',
  not_found: 'There is nothing here, or it belongs to somebody else.',
  rate_limited: BUSY,
  too_many_waiting: BUSY,
  spend_limit: BUSY,
  network: 'There is no connection. Check yours, or try again in a minute.',
  connection_closed: DOWN,
  provider_unavailable: DOWN,
  queue_unavailable: DOWN,
  storage_unavailable: DOWN,
  client_closed: DOWN,
  timeout: 'It took too long, and was ended. Try again.',
  aborted: 'It was cancelled.',
  live_ended:
    'The connection was away for too long, or the server was started anew. What was said may not be among your transcripts.',
  microphone_denied: 'This page may not use the microphone. Allow it in your browser, and press Start again.',
  microphone_missing: 'There is no microphone. Plug one in, and press Start again.',
  microphone_busy: 'The microphone cannot be opened. Close what else uses it, and press Start again.',
  microphone_unsupported: 'This browser cannot record here.',
};

/** By the field of the request, where the code says no more than that it is wrong. */
const WORDS_OF_FIELDS: Readonly<Record<string, string>> = {
  audioUrl: NO_URL,
  mode: 'The server does not offer this. Choose another one.',
};

export function problemOf(error: unknown): Problem {
  const { code = '', errors, requestId } = error as Coded;
  const field = errors?.[0]?.field;
  const words = WORDS[code] ?? WORDS_OF_FIELDS[field ?? ''];
  return { field, message: words ?? unknownProblem(requestId) };
}

/** The id leads to the error in the server's log. */
function unknownProblem(requestId: string | undefined): string {
  return `Something went wrong. Try again later.${requestId === undefined ? '' : ` (${requestId})`}`;
}
