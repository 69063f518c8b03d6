import type { PcmAudio, RecognizedWord, Recognizer } from '../recognizer.js';
import { findLoudStretches, type LoudStretch } from './loud-stretches.js';
import { type Reading, readWord } from './read-word.js';

/** The text of a word that was heard and could not be read. It is reported, never left out. */
export const BROKEN_WORD = '⟨broken⟩';

const BROKEN_CONFIDENCE = 0.1;
const BEST_CONFIDENCE = 0.99;
/** Half a millisecond is lost in rounding; a lost or doubled frame is far longer. */
const PAUSE_TOLERANCE_MS = 2;
/** Broken sounds closer than this are one broken word. Shorter than any pause less one frame of 20 ms. */
const BROKEN_GAP_SECONDS = 0.02;

/**
 * Reads what `synthesizeSpeech` said. A pure function of the samples: nothing is remembered between calls.
 *
 * - An intact word has its text and a confidence of about 0.99.
 * - A word that was damaged, that follows a pause of the wrong length, or that is no synthetic speech
 *   at all is a `BROKEN_WORD` with a confidence of 0.1. The pause before the first word is not checked.
 * - A word that the audio ends in is `partial`, with its letters so far, once there is a whole letter.
 *
 * Silence and noise up to about 0.01 of full scale (RMS) are no words. Volume may differ by 6 dB.
 * Throws the signal's reason if the signal is aborted already.
 */
export const syntheticSpeechRecognizer: Recognizer = (audio, { signal }) => {
  signal.throwIfAborted();
  return recognize(audio);
};

function recognize(audio: PcmAudio): RecognizedWord[] {
  const words: RecognizedWord[] = [];
  let previousEnd: number | undefined;
  for (const stretch of findLoudStretches(audio)) {
    const reading = readWord(audio, stretch);
    const pauseFits = fitsPause(reading, stretch.from, previousEnd, audio.sampleRate);
    previousEnd = reading.kind === 'intact' ? reading.to : undefined;
    if (reading.kind === 'broken' || !pauseFits) addBroken(words, stretch, audio.sampleRate);
    else if (reading.text !== '') words.push(toWord(reading, stretch, audio));
  }
  return words;
}

/** Behind a broken word, whose end is not known, any pause fits: one damage is reported once. */
function fitsPause(
  reading: Reading,
  from: number,
  previousEnd: number | undefined,
  sampleRate: number,
): boolean {
  if (reading.kind !== 'intact' || reading.pauseMs === undefined || previousEnd === undefined) return true;
  const heardMs = (1000 * (from - previousEnd)) / sampleRate;
  return Math.abs(heardMs - reading.pauseMs) <= PAUSE_TOLERANCE_MS;
}

function toWord(
  reading: Exclude<Reading, { kind: 'broken' }>,
  stretch: LoudStretch,
  { samples, sampleRate }: PcmAudio,
): RecognizedWord {
  const word = reading.text;
  const start = stretch.from / sampleRate;
  const confidence = BEST_CONFIDENCE * reading.purity;
  return reading.kind === 'intact'
    ? { word, start, end: Math.min(reading.to, samples.length) / sampleRate, confidence }
    : { word, start, end: samples.length / sampleRate, confidence, partial: true };
}

function addBroken(words: RecognizedWord[], stretch: LoudStretch, sampleRate: number): void {
  const start = stretch.from / sampleRate;
  const end = stretch.to / sampleRate;
  const last = words.at(-1);
  if (last?.word === BROKEN_WORD && start - last.end < BROKEN_GAP_SECONDS) {
    words[words.length - 1] = { ...last, end };
  } else {
    words.push({ word: BROKEN_WORD, start, end, confidence: BROKEN_CONFIDENCE });
  }
}
