import type {
  Paragraph,
  Transcript,
  TranscriptChannel,
  TranscriptMode,
  Utterance,
} from '../contracts/index.js';
import { createId } from '../internal/ids.js';

export interface TranscriptParts {
  /** Default: a new one. */
  readonly id?: string;
  readonly mode: TranscriptMode;
  readonly requestIds: readonly string[];
  readonly durationSeconds: number;
  readonly language: string | undefined;
  readonly channels: readonly TranscriptChannel[];
  readonly utterances: readonly Utterance[];
  readonly paragraphs: readonly Paragraph[];
  readonly model: string;
  readonly region: string;
  /** Wall clock, in milliseconds. */
  readonly createdAtMs: number;
  readonly response: Transcript['response'];
}

export function buildTranscript(parts: TranscriptParts): Transcript {
  const { language, createdAtMs, ...others } = parts;
  return {
    id: createId('tr'),
    ...others,
    requestId: parts.requestIds[0] ?? '',
    text: joinChannels(parts.channels),
    ...(language === undefined ? {} : { language }),
    createdAt: new Date(createdAtMs).toISOString(),
  };
}

/** Channels that are silent leave no empty line behind. */
function joinChannels(channels: readonly TranscriptChannel[]): string {
  return channels
    .map((channel) => channel.text)
    .filter((text) => text !== '')
    .join('\n');
}
