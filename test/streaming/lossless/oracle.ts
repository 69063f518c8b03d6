import type { SpokenWord } from 'transcription-client/testing';
import { connectionComplaints } from './oracle-connections.js';
import { interimComplaints } from './oracle-interims.js';
import { turnComplaints } from './oracle-turns.js';
import { finalsOf, type HeardWord, TOLERANCE_SECONDS } from './oracle-words.js';
import type { Recording } from './perform.js';

/** How far the length of a transcript may be from that of the audio. Flux tells of no length, only of what it heard last. */
const DURATION_TOLERANCE_SECONDS = { v1: 0.3, flux: 1.5 } as const;

/** All that is wrong with a run. Empty: every word came once, in order and at its time, and nothing hung. */
export function complaintsOf(recording: Recording): string[] {
  const channels = Array.from({ length: recording.channels }, (_, channel) => channel);
  return [
    ...callComplaints(recording),
    ...channels.flatMap((channel) => channelComplaints(recording, channel)),
    ...transcriptComplaints(recording),
    ...interimComplaints(recording),
    ...turnComplaints(recording),
    ...connectionComplaints(recording),
  ];
}

function callComplaints({ rejections, pending, events }: Recording): string[] {
  const gaps = events.filter(({ event }) => event.type === 'gap').map(({ event }) => JSON.stringify(event));
  return [
    ...rejections.map(({ call, error }) => `${call} was rejected: ${error}`),
    ...pending.map((call) => `${call} never settled`),
    ...gaps.map((gap) => `audio was given up: ${gap}`),
  ];
}

function channelComplaints(recording: Recording, channel: number): string[] {
  const said = recording.spoken.filter((word) => word.channel === channel);
  const finals = finalsOf(recording, channel);
  const heard = finals.flatMap(({ words }) => words);
  const complaints = compareWords(`the finals of channel ${channel}`, said, heard);
  for (const [index, final] of finals.entries()) {
    const before = finals[index - 1];
    if (before && final.start < before.end - TOLERANCE_SECONDS) {
      complaints.push(
        `channel ${channel}: a final goes back, from ${before.end} ("${before.text}") to ${final.start} ("${final.text}")`,
      );
    }
    if (final.text !== final.words.map(({ word }) => word).join(' ')) {
      complaints.push(`channel ${channel}: a final's text is not that of its words: "${final.text}"`);
    }
    for (const { word, start, end } of final.words) {
      if (start < final.start - TOLERANCE_SECONDS || end > final.end + TOLERANCE_SECONDS) {
        complaints.push(`channel ${channel}: the word ${word} lies outside of its final`);
      }
    }
  }
  return complaints;
}

function transcriptComplaints({
  protocol,
  transcript,
  spoken,
  channels,
  durationSeconds,
}: Recording): string[] {
  if (transcript === undefined) return ['there is no transcript'];
  const complaints: string[] = [];
  for (let channel = 0; channel < channels; channel += 1) {
    const said = spoken.filter((word) => word.channel === channel);
    const { words = [], text = '' } = transcript.channels[channel] ?? {};
    complaints.push(...compareWords(`channel ${channel} of the transcript`, said, words));
    if (text !== said.map(({ word }) => word).join(' ')) {
      complaints.push(`the text of channel ${channel} of the transcript is not what was said`);
    }
  }
  if (Math.abs(transcript.durationSeconds - durationSeconds) > DURATION_TOLERANCE_SECONDS[protocol]) {
    complaints.push(`the transcript has ${transcript.durationSeconds} s of ${durationSeconds} s of audio`);
  }
  return complaints;
}

/** Word by word. The words that were said are all different. */
function compareWords(where: string, said: readonly SpokenWord[], heard: readonly HeardWord[]): string[] {
  const complaints: string[] = [];
  const counts = new Map<string, number>();
  for (const { word } of heard) counts.set(word, (counts.get(word) ?? 0) + 1);
  const known = new Map(said.map((word) => [word.word, word]));
  const lost = said.filter(({ word }) => !counts.has(word)).map(({ word }) => word);
  const doubled = [...counts].filter(([word, count]) => known.has(word) && count > 1).map(([word]) => word);
  const foreign = [...counts.keys()].filter((word) => !known.has(word));
  if (lost.length > 0) complaints.push(`${where}: ${lost.length} words lost: ${lost.join(' ')}`);
  if (doubled.length > 0) complaints.push(`${where}: ${doubled.length} words doubled: ${doubled.join(' ')}`);
  if (foreign.length > 0) complaints.push(`${where}: words that nobody said: ${foreign.join(' ')}`);
  let last = Number.NEGATIVE_INFINITY;
  for (const { word, start, end } of heard) {
    if (start < last) complaints.push(`${where}: ${word} comes too late, at ${start} after ${last}`);
    last = start;
    const truth = known.get(word);
    if (truth === undefined) continue;
    if (differ(start, truth.start) || differ(end, truth.end)) {
      complaints.push(`${where}: ${word} from ${start} to ${end}, said from ${truth.start} to ${truth.end}`);
    }
  }
  return complaints;
}

function differ(one: number, other: number): boolean {
  return !(Math.abs(one - other) <= TOLERANCE_SECONDS);
}
