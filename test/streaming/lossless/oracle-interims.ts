import type { LiveEvent } from 'transcription-client';
import { TOLERANCE_SECONDS, wordAt } from './oracle-words.js';
import type { RecordedEvent, Recording } from './perform.js';

/** In a container the bytes do not tell the second exactly. */
const FED_TOLERANCE_SECONDS = 0.15;

/** Where a channel stands. */
interface Shown {
  /** End of the last word that is final. */
  finalEnd: number;
  /** What is shown and not final. */
  hanging: string;
}

/**
 * Interims show what was spoken, of the audio that was there, behind what is final; and each is followed by a final.
 */
export function interimComplaints(recording: Recording): string[] {
  const complaints: string[] = [];
  const channels = new Map<number, Shown>();
  for (const recorded of recording.events) {
    const { event } = recorded;
    if (event.type !== 'interim' && event.type !== 'final') continue;
    const shown = channels.get(event.channel) ?? { finalEnd: 0, hanging: '' };
    channels.set(event.channel, shown);
    if (event.type === 'final') {
      shown.finalEnd = Math.max(shown.finalEnd, event.words.at(-1)?.end ?? 0);
      shown.hanging = '';
    } else {
      complaints.push(...wordComplaints(recording, recorded, event, shown.finalEnd));
      shown.hanging = event.text;
    }
  }
  for (const [channel, { hanging }] of channels) {
    if (hanging !== '') complaints.push(`channel ${channel}: an interim hangs at the end: "${hanging}"`);
  }
  return complaints;
}

function wordComplaints(
  { spoken }: Recording,
  { fedSeconds }: RecordedEvent,
  { channel, words, text }: Extract<LiveEvent, { type: 'interim' }>,
  finalEnd: number,
): string[] {
  const complaints: string[] = [];
  const where = `an interim of channel ${channel}`;
  if (text !== words.map(({ word }) => word).join(' ')) {
    complaints.push(`${where}: its text is not that of its words: "${text}"`);
  }
  for (const { word, start, end } of words) {
    const truth = wordAt(spoken, channel, start);
    if (truth === undefined || !truth.word.startsWith(word)) {
      complaints.push(`${where}: ${word} at ${start}, where ${truth?.word ?? 'nothing'} was said`);
    }
    if (end > fedSeconds + FED_TOLERANCE_SECONDS) {
      complaints.push(`${where}: ${word} ends at ${end}, and only ${fedSeconds} s were sent`);
    }
    if (start < finalEnd - TOLERANCE_SECONDS) {
      complaints.push(`${where}: ${word} at ${start} is final already, up to ${finalEnd}`);
    }
  }
  return complaints;
}
