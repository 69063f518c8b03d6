import type { LiveClose } from '../contracts/index.js';
import {
  addContext,
  NetworkError,
  ProviderError,
  type TranscriptionError,
  UnsupportedSourceError,
} from '../errors/index.js';
import { redactText } from '../net/redact.js';
import { errorFromAnswer, networkError } from './map-error.js';
import { withoutSecrets } from './quoted-secrets.js';

export interface ConnectionFacts {
  readonly region: string;
  readonly requestId?: string | undefined;
  /** What no message may hold. */
  readonly secrets?: readonly string[];
}

/** A handshake that was answered with something else than an upgrade. */
export interface RefusedHandshake {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The beginning of the body. */
  readonly body: string;
}

/** Close codes that end a stream in the way both sides meant. */
const NORMAL_CODES: ReadonlySet<number> = new Set([1000, 1005]);

const NET_MEANINGS: Readonly<Record<string, string>> = {
  'NET-0000': 'Deepgram failed while it worked on the audio.',
  'NET-0001':
    'Deepgram received no audio for too long. Send audio within 10 s of opening the stream: before the first audio a KeepAlive does not save it.',
};

/** The error of a close, or undefined where the close is a normal one. */
export function errorFromClose(close: LiveClose, facts: ConnectionFacts): TranscriptionError | undefined {
  if (NORMAL_CODES.has(close.code)) return undefined;
  const reason = reasonOf(close, facts);
  const said = reason === '' ? '' : ` (${reason})`;
  const details = known(facts);
  if (close.code === 1008) {
    return new UnsupportedSourceError(
      `Deepgram cannot decode the audio and closed the stream with 1008${said}. Check encoding, sample_rate and channels; leave them out for audio in a container.`,
      { ...details, code: 'unprocessable_audio' },
    );
  }
  if (close.code === 1011) {
    return new ProviderError(
      `Deepgram closed the stream with 1011${said}. ${meaning(reason) ?? 'Open it again.'}`,
      {
        ...details,
        code: 'provider_error',
        retryable: true,
      },
    );
  }
  return connectionClosed(close, facts);
}

/** The stream ended although neither side had asked for it. */
export function connectionClosed(close: LiveClose, facts: ConnectionFacts, cause?: unknown): NetworkError {
  const reason = reasonOf(close, facts);
  const said = reason === '' ? '' : ` (${reason})`;
  return new NetworkError(
    `The connection to Deepgram ended with ${close.code}${said} before the stream was finished. Open it again; partial() has what was understood.`,
    { ...known(facts), code: 'connection_closed', retryable: true, cause },
  );
}

/** No connection could be made: refused, no such host, a failed TLS handshake. */
export function connectFailed(cause: unknown, facts: ConnectionFacts): TranscriptionError {
  const { region, ...answered } = known(facts);
  return addContext(networkError(cause, false, answered), { region });
}

/** @param receivedAtMs What the client's wall clock showed then. */
export function handshakeRefused(
  answer: RefusedHandshake,
  facts: ConnectionFacts,
  receivedAtMs: number,
): TranscriptionError {
  const { status, headers, body } = answer;
  const error = errorFromAnswer(
    { status, header: (name) => headers[name], text: body, receivedAtMs },
    facts.secrets,
  );
  return addContext(error, { region: facts.region });
}

function reasonOf({ reason }: LiveClose, { secrets }: ConnectionFacts): string {
  return redactText(withoutSecrets(reason, secrets));
}

/** Reasons link to a page such as `…/net0001`; some spell the code out. */
function meaning(reason: string): string | undefined {
  const digits = /net-?(\d{4})/i.exec(reason)?.[1];
  return digits === undefined ? undefined : NET_MEANINGS[`NET-${digits}`];
}

function known(facts: ConnectionFacts): { region: string; requestId?: string } {
  return { region: facts.region, ...(facts.requestId !== undefined && { requestId: facts.requestId }) };
}
