import type { Transcript, Utterance, Word } from '../contracts/index.js';

export interface PlainTextOptions {
  /** Begin a line at each change of speaker, with `Speaker 1:`. Default false. */
  readonly speakers?: boolean;
  /** Begin each line with its time, such as `[00:01:05]`. Default false. */
  readonly timestamps?: boolean;
}

/** A line of the text: one speaker, one stretch. */
interface Line {
  readonly start: number;
  readonly text: string;
  readonly channel: number;
  readonly speaker: number | undefined;
}

/** The transcript for reading. Without options it is the text as it is. */
export function toPlainText(transcript: Transcript, options: PlainTextOptions = {}): string {
  if (!options.speakers && !options.timestamps) return transcript.text;
  const lines = options.speakers ? mergeSpeakers(linesOf(transcript)) : linesOf(transcript);
  const nameChannels = transcript.channels.length > 1;
  return lines
    .map((line) => {
      const time = options.timestamps ? `[${clockTime(line.start)}] ` : '';
      return `${time}${options.speakers ? speakerName(line, nameChannels) : ''}${line.text}`;
    })
    .join('\n');
}

function linesOf(transcript: Transcript): Line[] {
  const lines =
    transcript.utterances.length > 0
      ? transcript.utterances.flatMap(splitUtterance)
      : transcript.channels.flatMap(({ words }, channel) => bySpeaker(words, channel));
  return lines.sort((a, b) => a.start - b.start);
}

function splitUtterance(utterance: Utterance): Line[] {
  const { start, text, channel, speaker, words } = utterance;
  const speakers = new Set(words.map((word) => word.speaker));
  return speakers.size > 1
    ? bySpeaker(words, channel)
    : [{ start, text, channel, speaker: speaker ?? words[0]?.speaker }];
}

function bySpeaker(words: readonly Word[], channel: number): Line[] {
  const runs: Word[][] = [];
  for (const word of words) {
    const run = runs.at(-1);
    if (run !== undefined && run[0]?.speaker === word.speaker) run.push(word);
    else runs.push([word]);
  }
  return runs.map((run) => ({
    start: run[0]?.start ?? 0,
    text: run.map((word) => word.punctuatedWord ?? word.word).join(' '),
    channel,
    speaker: run[0]?.speaker,
  }));
}

function mergeSpeakers(lines: readonly Line[]): Line[] {
  const merged: Line[] = [];
  for (const line of lines) {
    const before = merged.at(-1);
    if (before !== undefined && before.speaker === line.speaker && before.channel === line.channel) {
      merged[merged.length - 1] = { ...before, text: `${before.text} ${line.text}` };
    } else {
      merged.push(line);
    }
  }
  return merged;
}

/** Deepgram counts from 0, people from 1. */
function speakerName({ speaker, channel }: Line, nameChannels: boolean): string {
  const name = speaker === undefined ? '' : `Speaker ${speaker + 1}`;
  const place = nameChannels ? `Channel ${channel + 1}` : '';
  const label = [place, name].filter(Boolean).join(', ');
  return label === '' ? '' : `${label}: `;
}

function clockTime(seconds: number): string {
  const parts = [seconds / 3600, (seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(Math.floor(part)).padStart(2, '0')).join(':');
}
