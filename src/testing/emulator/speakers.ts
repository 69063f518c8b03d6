import type { RecognizedWord } from '../recognizer.js';
import type { DecodedAudio } from './decode.js';

/** Where the channels do not tell who speaks, a pause of so many seconds means that the other one speaks. */
const TURN_PAUSE_SECONDS = 1.5;

/** What one speaker says until another one speaks. */
export interface Turn {
  readonly speaker: number;
  readonly words: readonly RecognizedWord[];
}

/**
 * Splits words by speaker. Speakers are numbered in order of appearance. With several channels the speaker is
 * whose channel is loudest; with one, two speakers take turns at long pauses.
 */
export function turnsOf(words: readonly RecognizedWord[], audio: DecodedAudio): Turn[] {
  const speakers = audio.channels.length > 1 ? byChannel(words, audio) : byPauses(words);
  const turns: { speaker: number; words: RecognizedWord[] }[] = [];
  for (const [index, word] of words.entries()) {
    const speaker = speakers[index] ?? 0;
    const turn = turns.at(-1);
    if (turn?.speaker === speaker) turn.words.push(word);
    else turns.push({ speaker, words: [word] });
  }
  return turns;
}

function byChannel(words: readonly RecognizedWord[], { channels, sampleRate }: DecodedAudio): number[] {
  const numbers = new Map<number, number>();
  return words.map((word) => {
    const energies = channels.map((samples) =>
      energyOf(samples.subarray(Math.floor(word.start * sampleRate), Math.ceil(word.end * sampleRate))),
    );
    const loudest = energies.indexOf(Math.max(...energies));
    const number = numbers.get(loudest) ?? numbers.size;
    numbers.set(loudest, number);
    return number;
  });
}

function byPauses(words: readonly RecognizedWord[]): number[] {
  let speaker = 0;
  let previous: RecognizedWord | undefined;
  return words.map((word) => {
    if (previous && word.start - previous.end >= TURN_PAUSE_SECONDS) speaker = 1 - speaker;
    previous = word;
    return speaker;
  });
}

function energyOf(samples: Int16Array): number {
  return samples.reduce((sum, sample) => sum + sample * sample, 0);
}
