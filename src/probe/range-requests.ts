// The modules whole: tools that intercept requests in tests replace members of them.
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { abortError, onAbort, throwIfAborted } from '../internal/abort.js';
import { defined } from '../internal/defined.js';
import type { PinnedTarget } from '../net/pinned-lookup.js';
import type { ProbeTargets } from './target.js';

export interface RangeAnswer {
  readonly bytes: Uint8Array;
  /** Of the whole audio. */
  readonly sizeBytes: number;
}

/** Requests of one probe, on connections of its own. */
export interface RangeRequests {
  /**
   * The bytes of a range, fewer where the audio ends; or the place that the answer leads to. Rejects for every other
   * answer, of which nothing more is read.
   */
  get(url: string, start: number, length: number): Promise<RangeAnswer | string>;
  close(): void;
}

export function openRanges(targets: ProbeTargets, signal: AbortSignal): RangeRequests {
  // An agent of the process may be one that asks a proxy, which looks up the name again.
  const agents = { http: new http.Agent(AGENT), https: new https.Agent(AGENT) };
  return {
    async get(url, start, length) {
      throwIfAborted(signal);
      const request = openRequest(targets.open(url), start, length, agents);
      const stopListening = onAbort(signal, () => request.destroy(abortError(signal)));
      try {
        const response = await answerOf(request);
        return redirectOf(response) ?? (await readRange(response, start, length));
      } catch (error) {
        request.destroy();
        throw error;
      } finally {
        stopListening();
      }
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

const AGENT = { keepAlive: true, maxSockets: 1 } as const;

function openRequest(
  { url, lookup }: PinnedTarget,
  start: number,
  length: number,
  agents: { readonly http: http.Agent; readonly https: https.Agent },
): ClientRequest {
  const options = {
    headers: {
      range: `bytes=${start}-${start + length - 1}`,
      'accept-encoding': 'identity',
      'user-agent': 'transcription-client',
    },
    ...defined({ lookup }),
  };
  return url.protocol === 'https:'
    ? https.get(url, { ...options, agent: agents.https })
    : http.get(url, { ...options, agent: agents.http });
}

function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // The listener stays: a late error of a request that was given up must not end the process.
    request.on('error', reject);
    request.on('response', resolve);
    // An unasked upgrade ends a request with neither answer nor error.
    request.on('close', () => reject(new Error('closed unanswered')));
  });
}

function redirectOf(response: IncomingMessage): string | undefined {
  const { statusCode = 0, headers } = response;
  if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) return undefined;
  response.destroy();
  return headers.location;
}

async function readRange(response: IncomingMessage, start: number, length: number): Promise<RangeAnswer> {
  const { first, last, sizeBytes } = rangeOf(response);
  const expected = last - first + 1;
  if (first !== start || expected > length || last >= sizeBytes)
    throw new Error('The answer is another range.');
  const chunks: Buffer[] = [];
  let received = 0;
  for await (const chunk of response) {
    received += chunk.byteLength;
    if (received > expected) throw new Error('The answer is longer than its range.');
    chunks.push(chunk);
  }
  if (received !== expected) throw new Error('The answer is shorter than its range.');
  return { bytes: Buffer.concat(chunks), sizeBytes };
}

function rangeOf({ statusCode, headers }: IncomingMessage): {
  first: number;
  last: number;
  sizeBytes: number;
} {
  const encoding = headers['content-encoding'] ?? 'identity';
  const parts = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(headers['content-range'] ?? '');
  if (statusCode !== 206 || encoding !== 'identity' || parts === null) {
    throw new Error('The server answers no ranges.');
  }
  const [first = 0, last = 0, sizeBytes = 0] = parts.slice(1).map(Number);
  return { first, last, sizeBytes };
}
