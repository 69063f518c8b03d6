import type { DeepgramEmulator } from 'transcription-client/testing';
import { expect } from 'vitest';

/** What the tests read of an answer. */
export interface Body {
  readonly [key: string]: unknown;
  readonly metadata: Record<string, unknown> & { models: string[] };
  readonly results: {
    readonly channels: {
      readonly detected_language?: string;
      readonly alternatives: {
        readonly transcript: string;
        readonly confidence: number;
        readonly words: {
          word: string;
          start: number;
          end: number;
          speaker?: number;
          punctuated_word?: string;
        }[];
        readonly paragraphs?: {
          transcript: string;
          paragraphs: { sentences: object[]; num_words: number }[];
        };
      }[];
    }[];
    readonly utterances?: { transcript: string; channel: number; start: number; end: number; id: string }[];
  };
}

export const AUTHORIZATION = { authorization: 'Token test-key' };

/** Deepgram's answer to audio that it cannot decode, with what the emulator adds. */
export const CORRUPT = {
  err_code: 'Bad Request',
  err_msg: expect.stringMatching(
    /^Bad Request: failed to process audio: corrupt or unsupported data \(.+\)$/,
  ) as string,
};

/** Posts audio, or an object or text as JSON, with plain `fetch`. */
export async function post(
  emulator: DeepgramEmulator,
  path: string,
  body: Uint8Array | string | object,
  headers: Record<string, string> = AUTHORIZATION,
): Promise<{ status: number; headers: Headers; body: Body }> {
  const isAudio = body instanceof Uint8Array;
  const response = await fetch(`${emulator.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': isAudio ? 'audio/wav' : 'application/json', ...headers },
    body: isAudio ? Buffer.from(body) : typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Body };
}

export function transcriptOf(body: Body, channel = 0): string | undefined {
  return body.results.channels[channel]?.alternatives[0]?.transcript;
}
