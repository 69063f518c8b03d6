import type { Transcript, Word } from '../contracts/index.js';

/** Lines that are shown together, for a stretch of time in seconds. */
export interface Caption {
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

/** What subtitle guides call for: two lines of 42 characters, for 7 seconds at most. */
const MAX_LINE_LENGTH = 42;
const MAX_LINES = 2;
const MAX_SECONDS = 7;
/** A pause that ends a caption. */
const PAUSE_SECONDS = 1;
/** A caption is shown for so long, unless the next one of its channel comes before. */
const MIN_SECONDS = 0.5;
/** Formats count in milliseconds: a shorter caption would end as it begins. */
const SHORTEST_SECONDS = 0.001;

/** SubRip. An empty transcript gives an empty text. */
export function toSrt(transcript: Transcript): string {
  return captionsOf(transcript)
    .map(({ start, end, lines }, index) =>
      [index + 1, `${timestamp(start, ',')} --> ${timestamp(end, ',')}`, ...lines, ''].join('\n'),
    )
    .join('\n');
}

/** WebVTT. */
export function toVtt(transcript: Transcript): string {
  const cues = captionsOf(transcript).map(({ start, end, lines }) =>
    [`${timestamp(start, '.')} --> ${timestamp(end, '.')}`, ...lines.map(escapeVtt), ''].join('\n'),
  );
  return ['WEBVTT\n', ...cues].join('\n');
}

function captionsOf(transcript: Transcript): Caption[] {
  // Channels may speak at once, so captions of different channels may overlap.
  return transcript.channels
    .flatMap(({ words }) => captionsOfChannel(words.filter((word) => shown(word) !== '')))
    .sort((a, b) => a.start - b.start);
}

function captionsOfChannel(words: readonly Word[]): Caption[] {
  const captions = groupWords(words).map((group) => ({
    start: first(group).start,
    end: Math.max(last(group).end, first(group).start + MIN_SECONDS),
    lines: wrap(group.map(shown)),
  }));
  return captions.map((caption, index) => endBefore(caption, captions[index + 1]));
}

function endBefore(caption: Caption, next: Caption | undefined): Caption {
  if (next === undefined || next.start - caption.start < SHORTEST_SECONDS) return caption;
  return { ...caption, end: Math.min(caption.end, next.start) };
}

function groupWords(words: readonly Word[]): Word[][] {
  const groups: Word[][] = [];
  let group: Word[] = [];
  for (const word of words) {
    if (group.length > 0 && startsCaption(group, word)) {
      groups.push(group);
      group = [];
    }
    group.push(word);
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

function startsCaption(group: readonly Word[], next: Word): boolean {
  const before = last(group);
  return (
    next.speaker !== before.speaker ||
    next.start - before.end >= PAUSE_SECONDS ||
    next.end - first(group).start > MAX_SECONDS ||
    wrap([...group, next].map(shown)).length > MAX_LINES
  );
}

function wrap(texts: readonly string[]): string[] {
  const lines: string[] = [];
  for (const text of texts) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + text.length <= MAX_LINE_LENGTH) {
      lines[lines.length - 1] = `${line} ${text}`;
    } else {
      lines.push(text);
    }
  }
  return lines;
}

/** One word on one line: a line break or an arrow inside it would end the cue. */
function shown(word: Word): string {
  return (word.punctuatedWord ?? word.word).replaceAll(/\s+/g, ' ').trim().replaceAll('-->', '→');
}

function escapeVtt(line: string): string {
  return line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function timestamp(seconds: number, separator: ',' | '.'): string {
  const milliseconds = Math.round(seconds * 1000);
  const parts = [milliseconds / 3_600_000, (milliseconds / 60_000) % 60, (milliseconds / 1000) % 60];
  const clock = parts.map((part) => String(Math.floor(part)).padStart(2, '0')).join(':');
  return `${clock}${separator}${String(milliseconds % 1000).padStart(3, '0')}`;
}

function first(words: readonly Word[]): Word {
  return words[0] as Word;
}

function last(words: readonly Word[]): Word {
  return words[words.length - 1] as Word;
}
