// @ts-check
import { synthesizeConversation, synthesizeSpeech } from 'transcription-client/testing';

/** @import { SpeechPhrase, SyntheticSpeech } from 'transcription-client/testing' */

/**
 * A recording to try the page with.
 *
 * @typedef {object} Sample
 * @property {Uint8Array} audio A WAV file.
 * @property {readonly string[]} people Who speaks on each channel. Empty: that is not known.
 * @property {readonly { word: string, channel: number }[] | undefined} words What is said, where that can be compared.
 */

const PEOPLE = ['Ada', 'Grace'];

/** Each turn is a person and their sentences. */
const TURNS = [
  { person: 0, sentences: ['good morning and thank you for calling', 'tell us what we can do for you'] },
  { person: 1, sentences: ['my train was cancelled last night', 'and the refund has not arrived'] },
  { person: 0, sentences: ['sorry to hear that', 'please tell me the number of your booking'] },
  { person: 1, sentences: ['it is four seven one nine'] },
  { person: 0, sentences: ['found it', 'the money is on its way and arrives tomorrow'] },
  { person: 1, sentences: ['that is wonderful news'] },
  { person: 0, sentences: ['have a safe journey and goodbye'] },
];

/** Long enough to end a sentence, and too short to end a turn. */
const BETWEEN_SENTENCES = 0.45;
const BETWEEN_TURNS = 0.9;

export const CONVERSATION_TEXT = TURNS.map(({ sentences }) => sentences.join('. ')).join('. ');

/**
 * Two people, each on a channel of their own.
 *
 * @returns {Sample}
 */
export function createConversation() {
  const channels = PEOPLE.map((_, person) =>
    TURNS.flatMap((turn) => (turn.person === person ? spoken(turn) : [silence(turn)])),
  );
  return toSample(synthesizeConversation(channels), PEOPLE);
}

/**
 * The same in one channel: who models turns hears all of them in it.
 *
 * @returns {Sample}
 */
export function createTurns() {
  return toSample(synthesizeSpeech(TURNS.flatMap(spoken)), []);
}

/**
 * @param {SyntheticSpeech} speech
 * @param {readonly string[]} people
 * @returns {Sample}
 */
function toSample({ audio, words }, people) {
  return { audio, people, words: words.map(({ word, channel }) => ({ word, channel })) };
}

/**
 * @param {typeof TURNS[number]} turn
 * @returns {SpeechPhrase[]}
 */
function spoken({ sentences }) {
  return sentences.map((text, index) => ({
    text,
    pauseAfterSeconds: index < sentences.length - 1 ? BETWEEN_SENTENCES : BETWEEN_TURNS,
  }));
}

/**
 * As long as the turn of somebody else.
 *
 * @param {typeof TURNS[number]} turn
 * @returns {SpeechPhrase}
 */
function silence(turn) {
  const { durationSeconds } = synthesizeSpeech(spoken(turn), { leadSeconds: 0, trailSeconds: 0 });
  return { text: '', pauseAfterSeconds: durationSeconds };
}
