import {
  encodeWebm,
  type SpeechPhrase,
  type SpokenWord,
  synthesizeConversation,
} from 'transcription-client/testing';
import type { Dice } from '../../soak/dice.js';

const SAMPLE_RATE = 8000;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
/** Shorter ones are no place for a Finalize. */
const LEAST_PAUSE_SECONDS = 0.2;

interface Pause {
  readonly from: number;
  readonly to: number;
}

/** Words that are all different, so that a lost or doubled one shows, and the audio of them. */
export interface DrawnSpeech {
  readonly container: 'raw' | 'webm';
  readonly sampleRate: number;
  readonly channels: number;
  readonly words: readonly SpokenWord[];
  readonly audio: Uint8Array;
  readonly bytesPerSecond: number;
  readonly durationSeconds: number;
  /** Where nobody speaks. */
  readonly pauses: readonly Pause[];
}

export function drawSpeech(dice: Dice, channels: number): DrawnSpeech {
  const inputs = Array.from({ length: channels }, (_, channel) => drawPhrases(dice, channel));
  const { audio, pcm, words, durationSeconds } = synthesizeConversation(inputs, {
    container: 'raw',
    sampleRate: SAMPLE_RATE,
    leadSeconds: dice.whole(0, 10) / 10,
    trailSeconds: dice.whole(0, 12) / 10,
  });
  const container = dice.chance(0.4) ? 'webm' : 'raw';
  const sample = dice.oneOf(['float32', 'int16'] as const);
  const sent = container === 'raw' ? audio : encodeWebm(pcm, { sampleRate: SAMPLE_RATE, channels, sample });
  return {
    container,
    sampleRate: SAMPLE_RATE,
    channels,
    words,
    audio: sent,
    bytesPerSecond: sent.length / durationSeconds,
    durationSeconds,
    pauses: pausesBetween(words),
  };
}

function drawPhrases(dice: Dice, channel: number): SpeechPhrase[] {
  return Array.from({ length: dice.whole(6, 18) }, (_, index) => ({
    text: `${drawLetters(dice)}${channel}-${index}`,
    pauseAfterSeconds: dice.chance(0.05) ? dice.whole(200, 600) / 100 : dice.whole(5, 140) / 100,
  }));
}

function drawLetters(dice: Dice): string {
  return Array.from({ length: dice.whole(1, 6) }, () => LETTERS[dice.whole(0, 25)]).join('');
}

function pausesBetween(words: readonly SpokenWord[]): Pause[] {
  const pauses: Pause[] = [];
  let end = 0;
  for (const word of words) {
    if (word.start - end >= LEAST_PAUSE_SECONDS) pauses.push({ from: end, to: word.start });
    end = Math.max(end, word.end);
  }
  return pauses;
}
