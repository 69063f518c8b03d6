import { type AsyncAnswer, createHttpClient, type SyncAnswer } from 'transcription-client/http-client';

/** The routes of app/api/speech, typed. A cookie says who asks. */
export const speechApi = createHttpClient({ baseUrl: '/api/speech' });

export type Mode = 'automatic' | 'sync' | 'async';

export interface Submission {
  readonly source: File | string;
  readonly mode: Mode;
  /** Seconds, where the browser can tell. The server's rules decide by it. */
  readonly audioDuration?: number | undefined;
}

/** Transcribes a recording, or queues it: the answer says which. */
export async function submit(
  { source, mode, audioDuration }: Submission,
  signal: AbortSignal,
): Promise<SyncAnswer | AsyncAnswer> {
  const facts = {
    ...(mode !== 'automatic' && { mode }),
    ...(audioDuration !== undefined && { audioDuration }),
  };
  const answer =
    typeof source === 'string'
      ? await speechApi.transcribe({ audioUrl: source, ...facts }, { signal })
      : await speechApi.transcribe(source, { ...facts, signal });
  if (answer.mode !== 'stream') return answer;
  throw new Error('The server wants this recording streamed, which this page does not do.');
}
