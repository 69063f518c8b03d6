// @ts-check

/** @import { StoredTranscript, Transcript } from 'transcription-client' */

/**
 * @typedef {object} Row
 * @property {string} pattern
 * @property {number} tookMs
 * @property {number} firstWordsMs
 * @property {Transcript} transcript
 */

/**
 * @param {number} milliseconds
 */
export function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(2).padStart(6)} s`;
}

/**
 * @param {Transcript} transcript
 */
export function describe({ text, channels }) {
  const words = channels.reduce((sum, channel) => sum + channel.words.length, 0);
  return `${words} words: "${text.replaceAll('\n', ' / ')}"`;
}

/**
 * @param {readonly Row[]} rows
 */
export function table(rows) {
  return columns([
    ['pattern', 'first words', 'whole text', 'words', 'request id'],
    ...rows.map(({ pattern, firstWordsMs, tookMs, transcript }) => [
      pattern,
      seconds(firstWordsMs),
      seconds(tookMs),
      String(transcript.channels.reduce((sum, channel) => sum + channel.words.length, 0)),
      transcript.requestId,
    ]),
  ]);
}

/**
 * @param {readonly StoredTranscript[]} transcripts
 */
export function summary(transcripts) {
  return columns([
    ['id', 'mode', 'length', 'source', 'text'],
    ...transcripts.map(({ id, mode, durationSeconds, source, text }) => [
      id,
      mode,
      `${durationSeconds.toFixed(1)} s`,
      source,
      shorten(text.replaceAll('\n', ' / '), 40),
    ]),
  ]);
}

/**
 * @param {readonly (readonly string[])[]} rows
 */
function columns(rows) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => `   ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
    .join('\n');
}

/**
 * @param {string} text
 * @param {number} length
 */
function shorten(text, length) {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
