import { requireChannelCount, resolveFormat, type SpeechFormat } from './format.js';
import { type SpeechInput, type SpeechScript, writeScript } from './script.js';
import { digitTone, END_TONE, START_TONE, symbolPitch, TONE_AMPLITUDE } from './tones.js';
import { encodeRaw, encodeWav } from './wav.js';
import { encodeWord } from './word-code.js';

/** A word and where it is in the audio. Times are seconds from the first sample. */
export interface SpokenWord {
  readonly word: string;
  readonly start: number;
  readonly end: number;
  /** Counts from 0. */
  readonly channel: number;
}

export interface SyntheticSpeech {
  /** A WAV file, or raw little-endian 16-bit samples, as the format says. */
  readonly audio: Uint8Array<ArrayBuffer>;
  /** The samples, channels interleaved. */
  readonly pcm: Int16Array;
  readonly sampleRate: number;
  readonly channels: number;
  /** In order of their start. */
  readonly words: readonly SpokenWord[];
  readonly durationSeconds: number;
}

/**
 * Audio of spoken words that `syntheticSpeechRecognizer` reads back, word by word and with their times.
 *
 * Each word is a row of tones with a checksum and with the length of the pause before it, so audio that
 * was lost, doubled or moved on its way shows as a missing, doubled or broken word.
 * No words at all is silence. Throws a TypeError or RangeError for a wrong word or option.
 */
export function synthesizeSpeech(words: SpeechInput, format: SpeechFormat = {}): SyntheticSpeech {
  const { channels, ...rest } = resolveFormat(format);
  const silentChannels = Array.from({ length: channels - 1 }, () => '');
  return render([words, ...silentChannels], { channels, ...rest });
}

/** Like `synthesizeSpeech`, with words of its own on each channel. All channels begin at the same time. */
export function synthesizeConversation(
  channels: readonly SpeechInput[],
  format: Omit<SpeechFormat, 'channels'> = {},
): SyntheticSpeech {
  requireChannelCount('channels', channels.length);
  return render(channels, resolveFormat({ ...format, channels: channels.length }));
}

interface PlacedWord {
  readonly word: string;
  readonly digits: readonly number[];
  readonly from: number;
  readonly to: number;
  readonly channel: number;
}

function render(inputs: readonly SpeechInput[], format: Required<SpeechFormat>): SyntheticSpeech {
  const { sampleRate, channels } = format;
  const tracks = inputs.map((input, channel) => placeWords(writeScript(input, format), sampleRate, channel));
  const placed = tracks.flatMap((track) => track.words).sort((a, b) => a.from - b.from);
  const length = Math.max(...tracks.map((track) => track.length));
  const pcm = new Int16Array(length * channels);
  for (const word of placed) sayWord(pcm, word, format);
  return {
    audio: format.container === 'wav' ? encodeWav(pcm, { sampleRate, channels }) : encodeRaw(pcm),
    pcm,
    sampleRate,
    channels,
    words: placed.map(({ word, from, to, channel }) => ({
      word,
      start: from / sampleRate,
      end: to / sampleRate,
      channel,
    })),
    durationSeconds: length / sampleRate,
  };
}

function placeWords(
  script: SpeechScript,
  sampleRate: number,
  channel: number,
): { words: PlacedWord[]; length: number } {
  const words: PlacedWord[] = [];
  let position = 0;
  for (const { word, silenceBeforeSeconds } of script.words) {
    const silence = Math.round(silenceBeforeSeconds * sampleRate);
    // What comes before the first word belongs to the listener: audio may be put in front of it.
    const pauseMs = words.length === 0 ? undefined : Math.round((1000 * silence) / sampleRate);
    const digits = encodeWord(word, pauseMs);
    const from = position + silence;
    position = from + Math.ceil((digits.length + 2) * symbolPitch(sampleRate));
    words.push({ word, digits, from, to: position, channel });
  }
  return { words, length: position + Math.round(script.silenceAfterSeconds * sampleRate) };
}

function sayWord(pcm: Int16Array, word: PlacedWord, format: Required<SpeechFormat>): void {
  const { sampleRate, channels } = format;
  const pitch = symbolPitch(sampleRate);
  const tones = [START_TONE, ...word.digits.map((digit, index) => digitTone(digit, index + 1)), END_TONE];
  for (let offset = 0; offset < word.to - word.from; offset += 1) {
    const tone = tones[Math.floor(offset / pitch)] ?? 0;
    const sample = TONE_AMPLITUDE * 32_767 * Math.sin((2 * Math.PI * tone * offset) / sampleRate);
    pcm[(word.from + offset) * channels + word.channel] = Math.round(sample);
  }
}
