import { describe, expect, test } from 'vitest';
import { createRandom } from '../../src/testing/emulator/faults-random.js';
import type { RecognizedWord } from '../../src/testing/recognizer.js';
import {
  BROKEN_WORD,
  encodeWav,
  type SpeechInput,
  type SyntheticSpeech,
  synthesizeConversation,
  synthesizeSpeech,
  syntheticSpeechRecognizer,
} from '../../src/testing/speech/index.js';

const RATES = [8000, 16_000, 22_050, 24_000, 44_100, 48_000];
const VOCABULARY = ['größe', '日本', "don't", '42', 'a', 'I', 'hello', 'zoo', '🎉', '3.14', 'naïve', 'the'];

const seed = Number(process.env.SPEECH_SEED ?? Math.floor(Math.random() * 2 ** 32));
console.log(`synthetic speech: SPEECH_SEED=${seed}`);

function randomWords(random: () => number, count: number): string[] {
  const letters = 'abcdefghijklmnopqrstuvwxyzäßé漢';
  return Array.from({ length: count }, () => {
    if (random() < 0.4) return VOCABULARY[Math.floor(random() * VOCABULARY.length)] ?? '';
    const length = 1 + Math.floor(random() * 9);
    return Array.from({ length }, () => letters[Math.floor(random() * letters.length)]).join('');
  });
}

async function recognize(samples: Int16Array, sampleRate: number): Promise<readonly RecognizedWord[]> {
  const { signal } = new AbortController();
  return syntheticSpeechRecognizer({ samples, sampleRate }, { signal, live: false });
}

const textOf = (words: readonly { word: string }[]) => words.map(({ word }) => word).join(' ');

async function hear(speech: SyntheticSpeech): Promise<string> {
  return textOf(await recognize(speech.pcm, speech.sampleRate));
}

const channelOf = (speech: SyntheticSpeech, channel: number) =>
  speech.pcm.filter((_, index) => index % speech.channels === channel);

const mapSamples = (pcm: Int16Array, change: (sample: number) => number) =>
  pcm.map((sample) => Math.max(-32_768, Math.min(32_767, Math.round(change(sample)))));

/** Through 8-bit mu-law and back, as on a telephone line. */
function throughMuLaw(sample: number): number {
  const level = Math.round((127 * Math.log1p((255 * Math.abs(sample)) / 32_768)) / Math.log(256));
  return (Math.sign(sample) * 32_768 * (256 ** (level / 127) - 1)) / 255;
}

describe('round trip', () => {
  test.each(RATES)('random words come back with their times at %i Hz', async (sampleRate) => {
    const random = createRandom(seed + sampleRate);
    for (let round = 0; round < 25; round += 1) {
      const words = randomWords(random, 1 + Math.floor(random() * 8));
      const pauseSeconds = 0.05 + random() * 0.3;
      const leadSeconds = random() * 0.2;
      const trailSeconds = random() < 0.3 ? 0 : random() * 0.3;
      const speech = synthesizeSpeech(words, { sampleRate, pauseSeconds, leadSeconds, trailSeconds });
      const heard = await recognize(speech.pcm, sampleRate);
      expect(textOf(heard)).toBe(words.join(' '));
      expect(textOf(speech.words)).toBe(words.join(' '));
      heard.forEach((word, index) => {
        expect(Math.abs(word.start - (speech.words[index]?.start ?? Number.NaN))).toBeLessThan(0.001);
        expect(Math.abs(word.end - (speech.words[index]?.end ?? Number.NaN))).toBeLessThan(0.001);
        expect(word.confidence).toBeGreaterThan(0.97);
        expect(word.partial).toBeUndefined();
      });
    }
  });

  test('each of the longest, the shortest and the unusual words at each rate', async () => {
    const words = [...VOCABULARY, 'x'.repeat(60), '語'.repeat(20), '\u0000', '\u{10ffff}', 'e\u0301'];
    for (const sampleRate of RATES) {
      expect(await hear(synthesizeSpeech(words, { sampleRate }))).toBe(words.join(' '));
    }
  });

  test('words as near as 0.05 s are told apart, and pauses longer than the code can say are fine', async () => {
    expect(await hear(synthesizeSpeech('one two three', { pauseSeconds: 0.05 }))).toBe('one two three');
    const apart = [{ text: 'one', pauseAfterSeconds: 70 }, 'two'];
    expect(await hear(synthesizeSpeech(apart, { sampleRate: 8000 }))).toBe('one two');
  });

  test('audio may be put in front of other audio', async () => {
    const first = synthesizeSpeech('before');
    const second = synthesizeSpeech('after it', { leadSeconds: 0.77 });
    const joined = Int16Array.from([...first.pcm, ...second.pcm]);
    expect(textOf(await recognize(joined, 16_000))).toBe('before after it');
  });

  test('remembers nothing: the same samples give the same words, whatever came between', async () => {
    const speech = synthesizeSpeech('same again');
    const first = await recognize(speech.pcm, 16_000);
    await recognize(speech.pcm.subarray(5000, 9000), 16_000);
    expect(await recognize(speech.pcm, 16_000)).toEqual(first);
  });
});

describe('what is synthesized', () => {
  test('silences and phrases have the lengths that were asked for', () => {
    const speech = synthesizeSpeech(
      [{ text: 'one two', pauseAfterSeconds: 1 }, 'three', { text: 'four', pauseAfterSeconds: 0.5 }],
      { leadSeconds: 0.25, pauseSeconds: 0.2, trailSeconds: 0.4 },
    );
    const [one, two, three, four] = speech.words;
    expect(one?.start).toBeCloseTo(0.25, 4);
    expect((two?.start ?? 0) - (one?.end ?? 0)).toBeCloseTo(0.2, 4);
    expect((three?.start ?? 0) - (two?.end ?? 0)).toBeCloseTo(1, 4);
    expect((four?.start ?? 0) - (three?.end ?? 0)).toBeCloseTo(0.2, 4);
    expect(speech.durationSeconds - (four?.end ?? 0)).toBeCloseTo(0.9, 4);
    expect(speech.pcm.length / speech.sampleRate).toBe(speech.durationSeconds);
  });

  test('an empty phrase is a pause', async () => {
    const speech = synthesizeSpeech(['one', { text: '', pauseAfterSeconds: 0.5 }, 'two']);
    const [one, two] = speech.words;
    expect((two?.start ?? 0) - (one?.end ?? 0)).toBeCloseTo(0.62, 4);
    expect(await hear(speech)).toBe('one two');
  });

  test('no words are silence', async () => {
    for (const nothing of ['', '  \n', [], [{ text: '' }]] satisfies SpeechInput[]) {
      const speech = synthesizeSpeech(nothing, { leadSeconds: 0.1, trailSeconds: 0.2 });
      expect(speech.words).toEqual([]);
      expect(speech.durationSeconds).toBeCloseTo(0.3, 6);
      expect(speech.pcm.every((sample) => sample === 0)).toBe(true);
      expect(await recognize(speech.pcm, speech.sampleRate)).toEqual([]);
    }
  });

  test('it is audible, peaks at 0.3 of full scale and does not click', () => {
    const { pcm } = synthesizeSpeech('hello world');
    const peak = pcm.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0) / 32_767;
    expect(peak).toBeGreaterThan(0.29);
    expect(peak).toBeLessThanOrEqual(0.3001);
    // The steepest step of a clean tone of 3000 Hz at this amplitude; a click would exceed it.
    const steepest = 0.3 * 32_767 * 2 * Math.sin((Math.PI * 3000) / 16_000);
    pcm.forEach((sample, index) => {
      expect(Math.abs(sample - (pcm[index - 1] ?? 0))).toBeLessThanOrEqual(steepest + 2);
    });
  });

  test('a conversation has its own words on each channel', async () => {
    const speech = synthesizeConversation(
      ['hello there', [{ text: '', pauseAfterSeconds: 1 }, 'good', 'day'], ''],
      { sampleRate: 8000 },
    );
    expect(speech.channels).toBe(3);
    expect(textOf(speech.words.filter(({ channel }) => channel === 1))).toBe('good day');
    expect(textOf(speech.words)).toBe('hello there good day');
    const heard = await Promise.all([0, 1, 2].map((index) => recognize(channelOf(speech, index), 8000)));
    expect(heard.map(textOf)).toEqual(['hello there', 'good day', '']);
  });

  test('more channels of synthesizeSpeech are silent', async () => {
    const speech = synthesizeSpeech('left only', { channels: 2 });
    expect(textOf(await recognize(channelOf(speech, 0), 16_000))).toBe('left only');
    expect(channelOf(speech, 1).every((sample) => sample === 0)).toBe(true);
    expect(channelOf(speech, 1).length / 16_000).toBe(speech.durationSeconds);
  });

  test('the WAV header describes the samples', () => {
    const speech = synthesizeSpeech('hi', { sampleRate: 22_050, channels: 2 });
    const file = Buffer.from(speech.audio);
    expect(file.toString('latin1', 0, 4)).toBe('RIFF');
    expect(file.readUInt32LE(4)).toBe(file.length - 8);
    expect(file.toString('latin1', 8, 16)).toBe('WAVEfmt ');
    expect(file.readUInt32LE(16)).toBe(16);
    expect(file.readUInt16LE(20)).toBe(1);
    expect(file.readUInt16LE(22)).toBe(2);
    expect(file.readUInt32LE(24)).toBe(22_050);
    expect(file.readUInt32LE(28)).toBe(22_050 * 4);
    expect(file.readUInt16LE(32)).toBe(4);
    expect(file.readUInt16LE(34)).toBe(16);
    expect(file.toString('latin1', 36, 40)).toBe('data');
    expect(file.readUInt32LE(40)).toBe(speech.pcm.length * 2);
    expect(file.length).toBe(44 + speech.pcm.length * 2);
    expect(file.readInt16LE(44 + 2 * 5000)).toBe(speech.pcm[5000]);
  });

  test('raw audio is the samples alone', () => {
    const { audio, pcm } = synthesizeSpeech('hi', { container: 'raw' });
    expect(audio.length).toBe(pcm.length * 2);
    expect(Buffer.from(audio).readInt16LE(2 * 3001)).toBe(pcm[3001]);
  });
});

test('the audio is a body as it is', async () => {
  const { audio } = synthesizeSpeech('hi');
  expect(new Blob([audio]).size).toBe(audio.length);
  expect((await new Response(audio).arrayBuffer()).byteLength).toBe(audio.length);
  const file = encodeWav(new Int16Array(2), { sampleRate: 8000, channels: 1 });
  expect(new Blob([file]).size).toBe(48);
});

describe('wrong input', () => {
  test.each<[unknown, RegExp]>([
    [null, /format: must be an object, got null/],
    [5, /format: must be an object, got 5/],
    [{ foo: 1 }, /Unknown option 'foo' in the format/],
    [{ samplerate: 8000 }, /Did you mean sampleRate\?/],
  ])('the format %j', (format, message) => {
    expect(() => synthesizeSpeech('hi', format as never)).toThrow(TypeError);
    expect(() => synthesizeSpeech('hi', format as never)).toThrow(message);
  });

  test.each([
    ['sampleRate', { sampleRate: 7999 }, /8000.*48000.*7999/],
    ['sampleRate', { sampleRate: 48_001 }, /8000.*48000.*48001/],
    ['sampleRate', { sampleRate: 16_000.5 }, /whole.*16000\.5/],
    ['sampleRate', { sampleRate: Number.NaN }, /NaN/],
    ['channels', { channels: 0 }, /1 to 16.*0/],
    ['pauseSeconds', { pauseSeconds: 0.01 }, /0\.05.*0\.01/],
    ['leadSeconds', { leadSeconds: -1 }, /0 to 3600.*-1/],
    ['trailSeconds', { trailSeconds: Number.POSITIVE_INFINITY }, /3600.*Infinity/],
  ])('%s %j', (name, format, message) => {
    expect(() => synthesizeSpeech('hi', format)).toThrow(RangeError);
    expect(() => synthesizeSpeech('hi', format)).toThrow(message);
    expect(() => synthesizeSpeech('hi', format)).toThrow(name);
  });

  test('words', () => {
    const say = (words: SpeechInput) => () => synthesizeSpeech(words);
    expect(say('x'.repeat(61))).toThrow(/words: .*60 bytes.*61/);
    expect(say(['ok', 'ü'.repeat(31)])).toThrow(/words\[1\].*60 bytes.*62/);
    expect(say(['two words'])).toThrow(/words\[0\].*white space.*two words/);
    expect(say([''])).toThrow(TypeError);
    expect(say(['\ud800'])).toThrow(/well-formed/);
    expect(say([BROKEN_WORD])).toThrow(TypeError);
    expect(say([{ text: 'a', pauseAfterSeconds: 0 }])).toThrow(/words\[0\]\.pauseAfterSeconds.*0\.05/);
    expect(say(JSON.parse('[7]'))).toThrow(/words\[0\].*number/);
    expect(say(JSON.parse('7'))).toThrow(/words.*number/);
    expect(() => synthesizeConversation([])).toThrow(/channels.*1 to 16.*0/);
    expect(() => synthesizeSpeech('a', JSON.parse('{"encoding":"mulaw"}'))).toThrow(
      /encoding.*linear16.*mulaw/,
    );
    expect(() => encodeWav(new Int16Array(3), { sampleRate: 8000, channels: 2 })).toThrow(/2 channels.*3/);
    expect(() => encodeWav(new Int16Array(2), { sampleRate: 0, channels: 2 })).toThrow(/sampleRate.*0/);
  });
});

const FRAME_BYTES = 640;

/** One edit of a stream of frames. `touched` is the first frame that it touches, and how many it does. */
interface Edit {
  readonly name: string;
  readonly frames: readonly Buffer[];
  readonly touched: readonly [first: number, count: number];
}

function editsOf(frames: readonly Buffer[]): Edit[] {
  return frames.flatMap((frame, index): Edit[] => {
    const before = frames.slice(0, index);
    const after = frames.slice(index + 1);
    const [next] = after;
    const edits: Edit[] = [
      { name: `drop ${index}`, frames: [...before, ...after], touched: [index, 1] },
      { name: `double ${index}`, frames: [...before, frame, frame, ...after], touched: [index, 1] },
    ];
    if (next && !next.equals(frame)) {
      const swapped = [...before, next, frame, ...after.slice(1)];
      edits.push({ name: `swap ${index}`, frames: swapped, touched: [index, 2] });
    }
    return edits;
  });
}

/** Cuts into frames of 20 ms; the first one is `offset` bytes long, so frames lie anywhere on the words. */
function toFrames(audio: Uint8Array, offset: number): Buffer[] {
  const bytes = Buffer.from(audio);
  const frames = offset === 0 ? [] : [bytes.subarray(0, offset)];
  for (let at = offset; at < bytes.length; at += FRAME_BYTES) {
    frames.push(bytes.subarray(at, at + FRAME_BYTES));
  }
  return frames;
}

function toSamples(frames: readonly Buffer[]): Int16Array {
  const bytes = Buffer.concat(frames);
  const samples = new Int16Array(Math.floor(bytes.length / 2));
  for (let index = 0; index < samples.length; index += 1) samples[index] = bytes.readInt16LE(2 * index);
  return samples;
}

describe('damage shows', () => {
  /**
   * The edits that may stay unseen, and the only ones:
   *
   * - of frames wholly in the silence before the first word or behind the last one;
   * - a dropped frame of that silence that takes at most 0.5 ms of the outermost edge of a word along;
   * - where frames are cut between the two bytes of a sample: an edit that moves no more of a word than
   *   the low byte of its first audible sample, which is far below the level of silence.
   */
  function mayBeInvisible(edit: Edit, speech: SyntheticSpeech, offset: number): boolean {
    const startOf = (index: number) =>
      index === 0 ? 0 : offset + (offset === 0 ? index : index - 1) * FRAME_BYTES;
    const [first, count] = edit.touched;
    const firstSound = 2 * speech.pcm.findIndex((sample) => sample !== 0);
    const lastSound = 2 * (speech.pcm.findLastIndex((sample) => sample !== 0) + 1);
    const edgeBytes = edit.name.startsWith('drop') ? 16 : 0;
    if (startOf(first + count) <= firstSound + Math.max(edgeBytes, 1)) return true;
    if (startOf(first) >= lastSound - edgeBytes) return true;
    return (
      edit.name.startsWith('swap') &&
      toSamples(edit.frames).every((sample, index) => Math.abs(sample - (speech.pcm[index] ?? 0)) < 256)
    );
  }

  test('one dropped, doubled or swapped frame of 20 ms, at every place and any alignment', {
    timeout: 60_000,
  }, async () => {
    const random = createRandom(seed);
    const unseen: string[] = [];
    let checked = 0;
    for (let round = 0; round < 16; round += 1) {
      const spoken = randomWords(random, 1 + Math.floor(random() * 4));
      const pauseSeconds = round % 2 === 0 ? 0.12 : 0.05 + random() * 0.1;
      const speech = synthesizeSpeech(spoken, { container: 'raw', pauseSeconds });
      // The first rounds take whole symbols, the others any byte, odd ones too.
      const offset = round < 4 ? round * 160 : Math.floor(random() * FRAME_BYTES);
      for (const edit of editsOf(toFrames(speech.audio, offset))) {
        if (mayBeInvisible(edit, speech, offset)) continue;
        checked += 1;
        const heard = textOf(await recognize(toSamples(edit.frames), 16_000));
        if (heard === spoken.join(' ')) unseen.push(`${edit.name} at ${offset} of ${spoken.join(' ')}`);
      }
    }
    expect(checked).toBeGreaterThan(500);
    expect(unseen).toEqual([]);
  });

  test('a word whose symbols were replaced by others of the same place breaks by its checksum', async () => {
    const { pcm, words } = synthesizeSpeech('transcription');
    const start = Math.round((words[0]?.start ?? 0) * 16_000);
    const symbolAt = (position: number) => pcm.subarray(start + 160 * position, start + 160 * (position + 1));
    const symbols = Math.round(((words[0]?.end ?? 0) * 16_000 - start) / 160);
    let replaced = 0;
    // Tones repeat their meaning every three symbols; the first 9 symbols are marker and header.
    for (let position = 9; position + 3 < symbols - 1; position += 1) {
      if (symbolAt(position).every((sample, index) => sample === symbolAt(position + 3)[index])) continue;
      const changed = pcm.slice();
      changed.set(symbolAt(position), start + 160 * (position + 3));
      expect(textOf(await recognize(changed, 16_000))).toBe(BROKEN_WORD);
      replaced += 1;
    }
    expect(replaced).toBeGreaterThan(20);
  });

  test('the untouched words stay readable, the damaged one is reported where it is', async () => {
    const speech = synthesizeSpeech('one two three four five');
    const [, , three] = speech.words;
    const middle = Math.round((((three?.start ?? 0) + (three?.end ?? 0)) / 2) * 16_000);
    const cut = Int16Array.from([...speech.pcm.subarray(0, middle), ...speech.pcm.subarray(middle + 320)]);
    const heard = await recognize(cut, 16_000);
    expect(textOf(heard)).toBe(`one two ${BROKEN_WORD} four five`);
    expect(heard[2]?.start).toBeCloseTo(three?.start ?? 0, 2);
    expect(heard[2]?.end).toBeCloseTo((three?.end ?? 0) - 0.02, 2);
    expect(heard[2]?.confidence).toBe(0.1);
  });

  test('one frame missing from a pause, or silence put into it, breaks the next word only', async () => {
    const { pcm, words } = synthesizeSpeech('one two three');
    const pause = Math.round((words[0]?.end ?? 0) * 16_000) + 400;
    const shorter = Int16Array.from([...pcm.subarray(0, pause), ...pcm.subarray(pause + 320)]);
    const longer = Int16Array.from([
      ...pcm.subarray(0, pause),
      ...new Int16Array(100),
      ...pcm.subarray(pause),
    ]);
    expect(textOf(await recognize(shorter, 16_000))).toBe(`one ${BROKEN_WORD} three`);
    expect(textOf(await recognize(longer, 16_000))).toBe(`one ${BROKEN_WORD} three`);
  });

  test('a lost second and a repeated second are seen', async () => {
    const random = createRandom(seed ^ 0xabc);
    for (let round = 0; round < 50; round += 1) {
      const spoken = randomWords(random, 12);
      const { pcm, words } = synthesizeSpeech(spoken);
      const speechEnd = Math.floor((words.at(-1)?.end ?? 0) * 16_000);
      const from = 1600 + Math.floor(random() * (speechEnd - 1600 - 16_000));
      const lost = Int16Array.from([...pcm.subarray(0, from), ...pcm.subarray(from + 16_000)]);
      const repeated = Int16Array.from([...pcm.subarray(0, from + 16_000), ...pcm.subarray(from)]);
      expect(textOf(await recognize(lost, 16_000))).not.toBe(spoken.join(' '));
      expect(textOf(await recognize(repeated, 16_000))).not.toBe(spoken.join(' '));
    }
  });

  test('the wrong sample rate is not readable', async () => {
    const { pcm } = synthesizeSpeech('hello world');
    expect(textOf(await recognize(pcm, 8000))).not.toContain('hello');
    expect(textOf(await recognize(pcm, 8000))).toContain(BROKEN_WORD);
  });
});

describe('audio that is still arriving', () => {
  test.each([8000, 16_000, 22_050])('words before any cut stay as they are at %i Hz', async (sampleRate) => {
    const random = createRandom(seed + 7 * sampleRate);
    for (let round = 0; round < 8; round += 1) {
      const { pcm, words } = synthesizeSpeech(randomWords(random, 4), { sampleRate });
      const whole = await recognize(pcm, sampleRate);
      for (let cut = 0; cut < 60; cut += 1) {
        // Half of the cuts lie near the edge of a word.
        const edge = words[cut % words.length]?.[cut % 4 < 2 ? 'end' : 'start'] ?? 0;
        const seconds =
          cut % 2 === 0 ? edge + (random() - 0.5) * 0.004 : random() * (pcm.length / sampleRate);
        const length = Math.round(seconds * sampleRate);
        const heard = await recognize(pcm.subarray(0, length), sampleRate);
        const complete = heard.filter((word) => !word.partial);
        const due = words.filter((word) => word.end * sampleRate <= length).length;
        expect(complete.length).toBeGreaterThanOrEqual(due);
        expect(textOf(complete)).toBe(textOf(whole.slice(0, complete.length)));
        for (const [index, word] of complete.slice(0, due).entries()) {
          expect(Math.abs(word.end - (whole[index]?.end ?? 0))).toBeLessThan(0.0002);
          expect(word.start).toBe(whole[index]?.start);
        }
        const [partial, ...more] = heard.slice(complete.length);
        expect(more).toEqual([]);
        if (!partial) continue;
        expect(partial.partial).toBe(true);
        expect(whole[complete.length]?.word.startsWith(partial.word)).toBe(true);
        expect(partial.word).not.toBe('');
      }
    }
  });

  test('a word grows letter by letter', async () => {
    const { pcm, words } = synthesizeSpeech('größe日本');
    const seen = new Set<string>();
    const from = Math.round((words[0]?.start ?? 0) * 16_000);
    for (let length = from; length < pcm.length; length += 80) {
      const heard = await recognize(pcm.subarray(0, length), 16_000);
      seen.add(heard.map(({ word, partial }) => `${word}${partial ? '…' : ''}`).join(' '));
    }
    expect([...seen]).toEqual([
      '',
      'g…',
      'gr…',
      'grö…',
      'größ…',
      'größe…',
      'größe日…',
      'größe日本…',
      'größe日本',
    ]);
  });

  test('a cut at the beginning of a word is a broken word, and the next ones are fine', async () => {
    const { pcm, words } = synthesizeSpeech('one two three');
    const middle = Math.round(((words[0]?.start ?? 0) + 0.05) * 16_000);
    expect(textOf(await recognize(pcm.subarray(middle), 16_000))).toBe(`${BROKEN_WORD} two three`);
  });
});

describe('sound that is not perfect', () => {
  test.each(RATES)('noise, other volume and a telephone line at %i Hz', async (sampleRate) => {
    const random = createRandom(seed + 3 * sampleRate);
    // Even from -1 to 1 has an RMS of 0.58: this noise is at 0.01 of full scale.
    const noise = () => (2 * random() - 1) * 567;
    for (let round = 0; round < 8; round += 1) {
      const spoken = randomWords(random, 6);
      const { pcm, words } = synthesizeSpeech(spoken, { sampleRate });
      for (const gain of [0.5, 1, 2]) {
        const heard = await recognize(
          mapSamples(pcm, (sample) => sample * gain + noise()),
          sampleRate,
        );
        expect(textOf(heard)).toBe(spoken.join(' '));
        expect(heard.every((word, index) => Math.abs(word.start - (words[index]?.start ?? 0)) < 0.01)).toBe(
          true,
        );
      }
      expect(textOf(await recognize(mapSamples(pcm, throughMuLaw), sampleRate))).toBe(spoken.join(' '));
    }
  });

  test('nothing, one sample, silence and low noise are no words', async () => {
    const random = createRandom(seed);
    expect(await recognize(new Int16Array(0), 16_000)).toEqual([]);
    expect(await recognize(Int16Array.of(32_767), 16_000)).toEqual([]);
    expect(await recognize(new Int16Array(16_000), 16_000)).toEqual([]);
    const noise = mapSamples(new Int16Array(160_000), () => (2 * random() - 1) * 567);
    expect(await recognize(noise, 16_000)).toEqual([]);
  });

  test('loud noise and music are broken words, few of them', async () => {
    const random = createRandom(seed);
    const noise = mapSamples(new Int16Array(160_000), () => (2 * random() - 1) * 32_000);
    expect(textOf(await recognize(noise, 16_000))).toBe(BROKEN_WORD);
    const chord = Int16Array.from({ length: 160_000 }, (_, index) =>
      [262, 330, 392].reduce((sum, tone) => sum + 5000 * Math.sin((2 * Math.PI * tone * index) / 16_000), 0),
    );
    const heard = await recognize(chord, 16_000);
    expect(new Set(heard.map(({ word }) => word))).toEqual(new Set([BROKEN_WORD]));
  });

  test('an aborted signal is obeyed', () => {
    const signal = AbortSignal.abort(new Error('no longer needed'));
    const audio = { samples: new Int16Array(10), sampleRate: 16_000 };
    expect(() => syntheticSpeechRecognizer(audio, { signal, live: true })).toThrow('no longer needed');
  });
});

describe('cost', () => {
  async function secondsToRecognize(pcm: Int16Array): Promise<number> {
    const times: number[] = [];
    for (let run = 0; run < 3; run += 1) {
      const before = performance.now();
      await recognize(pcm, 16_000);
      times.push((performance.now() - before) / 1000);
    }
    return Math.min(...times);
  }

  test('is linear in the audio, speech and noise alike, and far below real time', {
    timeout: 60_000,
  }, async () => {
    const random = createRandom(seed);
    const speech = synthesizeSpeech(randomWords(random, 400)).pcm;
    const noise = mapSamples(new Int16Array(speech.length), () => (2 * random() - 1) * 32_000);
    for (const [name, pcm] of Object.entries({ speech, noise })) {
      await recognize(pcm, 16_000);
      const whole = await secondsToRecognize(pcm);
      const tenth = await secondsToRecognize(pcm.subarray(0, pcm.length / 10));
      const audioSeconds = pcm.length / 16_000;
      console.log(`${name}: ${Math.round(audioSeconds / whole)} times real time`);
      expect(audioSeconds / whole).toBeGreaterThan(50);
      // Ten times the audio: quadratic cost would take a hundred times as long.
      expect(whole / tenth).toBeLessThan(40);
    }
  });
});
