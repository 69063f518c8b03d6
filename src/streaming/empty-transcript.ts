import type { Transcript } from '../contracts/index.js';

export interface TranscriptFacts {
  readonly id: string;
  readonly model: string;
  /** As asked for. */
  readonly language?: string | undefined;
  readonly region: string;
}

/** The transcript of a session that has understood nothing yet. */
export function emptyTranscript({ language, ...facts }: TranscriptFacts, createdAtMs: number): Transcript {
  return {
    ...facts,
    requestId: '',
    requestIds: [],
    mode: 'stream',
    text: '',
    durationSeconds: 0,
    ...(language !== undefined && language !== 'multi' && { language }),
    channels: [{ text: '', confidence: 0, words: [] }],
    utterances: [],
    paragraphs: [],
    createdAt: new Date(createdAtMs).toISOString(),
    response: { results: [], metadata: [] },
  };
}
