import {
  type Transcript,
  type TranscriptChannel,
  toPlainText,
  toSrt,
  toVtt,
  type Utterance,
  type Word,
} from 'transcription-client';
import { describe, expect, it } from 'vitest';
import { buildTranscript } from '../../src/transcript/build.js';

type Spoken = readonly [text: string, start: number, end: number, speaker?: number];

function word([text, start, end, speaker]: Spoken): Word {
  return {
    word: text.toLowerCase(),
    punctuatedWord: text,
    start,
    end,
    confidence: 1,
    ...(speaker === undefined ? {} : { speaker }),
  };
}

function transcriptOf(
  channels: readonly (readonly Spoken[])[],
  utterances: readonly Utterance[] = [],
): Transcript {
  const built = channels.map(
    (spoken): TranscriptChannel => ({
      text: spoken.map(([text]) => text).join(' '),
      confidence: 1,
      words: spoken.map(word),
    }),
  );
  return buildTranscript({
    mode: 'sync',
    requestIds: ['r'],
    durationSeconds: 10,
    language: undefined,
    channels: built,
    utterances,
    paragraphs: [],
    model: 'nova-3',
    region: 'here',
    createdAtMs: 0,
    response: {} as never,
  });
}

const lines = (...text: string[]): string => text.join('\n');

describe('captions', () => {
  it('of an empty transcript', () => {
    for (const empty of [transcriptOf([]), transcriptOf([[]])]) {
      expect(toSrt(empty)).toBe('');
      expect(toVtt(empty)).toBe('WEBVTT\n');
    }
  });

  const talk = transcriptOf([
    [
      ['Hello', 0.08, 0.5],
      ['there.', 0.5, 0.9],
      ['Who', 2.0, 2.2, 0],
      ['is', 2.2, 2.3, 0],
      ['it?', 2.3, 2.5, 0],
      ['Me.', 2.6, 2.65, 1],
    ],
  ]);

  it('split at pauses and changes of speaker (SRT)', () => {
    expect(toSrt(talk)).toBe(
      lines(
        '1',
        '00:00:00,080 --> 00:00:00,900',
        'Hello there.',
        '',
        '2',
        '00:00:02,000 --> 00:00:02,500',
        'Who is it?',
        '',
        '3',
        '00:00:02,600 --> 00:00:03,100',
        'Me.',
        '',
      ),
    );
  });

  it('the same as WebVTT', () => {
    expect(toVtt(talk)).toBe(
      lines(
        'WEBVTT',
        '',
        '00:00:00.080 --> 00:00:00.900',
        'Hello there.',
        '',
        '00:00:02.000 --> 00:00:02.500',
        'Who is it?',
        '',
        '00:00:02.600 --> 00:00:03.100',
        'Me.',
        '',
      ),
    );
  });

  it('break lines at 42 characters and captions after two lines or 7 seconds', () => {
    const spoken = Array.from(
      { length: 40 },
      (_, index): Spoken => [`word${index}`, index * 0.3, index * 0.3 + 0.3],
    );
    const blocks = toSrt(transcriptOf([spoken])).split('\n\n');
    const text = blocks.flatMap((block) => block.trim().split('\n').slice(2));
    expect(text.join(' ')).toBe(spoken.map(([shown]) => shown).join(' '));
    for (const line of text) expect(line.length).toBeLessThanOrEqual(42);
    for (const block of blocks) expect(block.trim().split('\n').length).toBeLessThanOrEqual(4);
    const slow = Array.from({ length: 20 }, (_, index): Spoken => ['a', index * 0.9, index * 0.9 + 0.9]);
    expect(toSrt(transcriptOf([slow])).split('\n\n')).toHaveLength(3);
  });

  it('keep a word that is longer than a line', () => {
    const long = 'x'.repeat(100);
    const text = toSrt(
      transcriptOf([
        [
          ['a', 0, 1],
          [long, 1, 2],
          ['b', 2, 3],
        ],
      ]),
    );
    expect(text).toContain(lines('a', long, '', '2'));
  });

  it('count hours beyond 99, and round to milliseconds', () => {
    const text = toVtt(transcriptOf([[['late', 360_000 + 3599.9996, 363_600.5]]]));
    expect(text).toContain('101:00:00.000 --> 101:00:00.500');
  });

  it('let channels overlap, in order of their start, and cut none short', () => {
    const both = transcriptOf([
      [
        ['Hello', 0, 1],
        ['there', 1, 3],
      ],
      [['Yes', 0.5, 1.5]],
    ]);
    expect(toSrt(both)).toBe(
      lines(
        '1',
        '00:00:00,000 --> 00:00:03,000',
        'Hello there',
        '',
        '2',
        '00:00:00,500 --> 00:00:01,500',
        'Yes',
        '',
      ),
    );
  });

  it('never end before they begin', () => {
    const same = transcriptOf([
      [
        ['a', 1, 1, 0],
        ['b', 1.0001, 1.0001, 1],
        ['c', 1.2, 1.2, 0],
      ],
    ]);
    const times = [...toSrt(same).matchAll(/(\S+) --> (\S+)/g)];
    expect(times).toHaveLength(3);
    for (const [, start, end] of times) expect((end ?? '') > (start ?? '')).toBe(true);
  });

  it('hold what would end a cue or be taken for markup', () => {
    const evil = transcriptOf([
      [
        ['a-->b', 0, 1],
        ['<i>&', 1, 2],
        ['x\n\n2\ny', 2, 3],
        [' ', 3, 4],
        ['', 4, 5],
        ['end', 5, 6],
      ],
    ]);
    expect(toVtt(evil)).toBe(
      lines(
        'WEBVTT',
        '',
        '00:00:00.000 --> 00:00:03.000',
        'a→b &lt;i&gt;&amp; x 2 y',
        '',
        '00:00:05.000 --> 00:00:06.000',
        'end',
        '',
      ),
    );
    expect(toSrt(evil).split('\n\n')).toHaveLength(2);
  });
});

describe('toPlainText()', () => {
  const spoken: Spoken[] = [
    ['Hi', 0, 0.5, 0],
    ['you.', 0.5, 1, 0],
    ['Yes?', 65, 66, 1],
    ['Fine.', 3_700, 3_701, 0],
  ];

  it('is the text as it is without options', () => {
    expect(toPlainText(transcriptOf([spoken]))).toBe('Hi you. Yes? Fine.');
    expect(toPlainText(transcriptOf([]))).toBe('');
    expect(toPlainText(transcriptOf([]), { speakers: true, timestamps: true })).toBe('');
  });

  it('names speakers and times', () => {
    const transcript = transcriptOf([spoken]);
    expect(toPlainText(transcript, { speakers: true })).toBe(
      lines('Speaker 1: Hi you.', 'Speaker 2: Yes?', 'Speaker 1: Fine.'),
    );
    expect(toPlainText(transcript, { speakers: true, timestamps: true })).toBe(
      lines('[00:00:00] Speaker 1: Hi you.', '[00:01:05] Speaker 2: Yes?', '[01:01:40] Speaker 1: Fine.'),
    );
  });

  it('names channels where there are several', () => {
    const two = transcriptOf([[['Hello', 0, 1]], [['Yes', 0.5, 1, 0]]]);
    expect(toPlainText(two)).toBe('Hello\nYes');
    expect(toPlainText(two, { speakers: true })).toBe(lines('Channel 1: Hello', 'Channel 2, Speaker 1: Yes'));
  });

  it('splits an utterance with several speakers', () => {
    const utterance: Utterance = {
      start: 0,
      end: 66,
      confidence: 1,
      channel: 0,
      text: 'Hi you. Yes?',
      words: spoken.slice(0, 3).map(word),
    };
    const transcript = transcriptOf([spoken.slice(0, 3)], [utterance]);
    expect(toPlainText(transcript, { speakers: true })).toBe(lines('Speaker 1: Hi you.', 'Speaker 2: Yes?'));
    const plain = { ...utterance, words: [], speaker: 3 };
    expect(toPlainText(transcriptOf([spoken], [plain]), { speakers: true })).toBe('Speaker 4: Hi you. Yes?');
  });

  it('changes nothing in the transcript', () => {
    const transcript = transcriptOf([spoken]);
    const before = structuredClone(transcript);
    toPlainText(transcript, { speakers: true });
    toSrt(transcript);
    toVtt(transcript);
    expect(transcript).toEqual(before);
  });
});
