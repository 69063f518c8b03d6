import { encodeWebm, type WebmFormat } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import { expectExactCuts, expectSameCuts } from './cut-checks.js';
import {
  audioTrack,
  blockHead,
  element,
  type MatroskaLayout,
  number,
  writeMatroska,
} from './matroska-writer.js';
import { decode, followStream, readSample, resumeAt, unlikeSamples } from './streams.js';

const RATE = 16_000;
const LAYOUT: MatroskaLayout = { sampleRate: RATE, blockSamples: 320, blocksPerCluster: 13 };
const PCM = unlikeSamples(RATE);

describe('A WebM stream', () => {
  it.each<WebmFormat>([
    { sampleRate: RATE, channels: 1 },
    { sampleRate: RATE, channels: 2, sample: 'int16' },
    { sampleRate: 48_000, channels: 1 },
    // A block of 20 ms holds no whole number of samples.
    { sampleRate: 11_025, channels: 1, sample: 'int16' },
  ])('with PCM as a browser lays it out is heard from each cut point on: %o', (format) => {
    const seconds = 1.3;
    const pcm = unlikeSamples(Math.round(seconds * format.sampleRate) * format.channels);
    const cuts = expectExactCuts(encodeWebm(pcm, format));
    expect(cuts).toHaveLength(Math.ceil(seconds / 0.02));
    // Two of them begin clusters.
    expect(cuts.flatMap(({ prefix }, index) => (prefix ? [] : [index]))).toEqual([0, 50]);
  });

  it('that Chromium recorded with PCM is heard from each cut point on', () => {
    const cuts = expectExactCuts(readSample('chrome-pcm.webm'));
    expect(cuts.length).toBeGreaterThan(50);
  });

  it.each<[string, Partial<MatroskaLayout>]>([
    ['clusters of known size', { knownSizes: true }],
    ['block groups', { groups: true }],
    ['block groups in clusters of known size', { groups: true, knownSizes: true }],
    ['video beside the audio', { videoEvery: 3 }],
    ['video before each block', { videoEvery: 1 }],
    ['another scale of time', { scale: 100_000 }],
    ['times that begin late', { begin: 3600 }],
    ['times that run faster than the audio', { clock: 1.01 }],
    ['times that run slower than the audio', { clock: 0.99 }],
    ['a high track number', { track: 100 }],
  ])('is heard from each cut point on: %s', (_name, layout) => {
    const cuts = expectExactCuts(writeMatroska(PCM, { ...LAYOUT, ...layout }));
    expect(cuts).toHaveLength(50);
  });

  it('keeps the absolute times of its blocks behind a cut', () => {
    const bytes = writeMatroska(PCM, { ...LAYOUT, begin: 100 });
    const { container, cuts } = followStream(bytes, () => 500);
    const [, , third] = cuts;
    if (!third) throw new Error('There is no third cut point.');
    const resumed = resumeAt(bytes, container, third).subarray(container.header?.length);
    expect(Buffer.from(resumed.subarray(0, 15)).toString('hex')).toBe('1f43b675ffe78800000000000186a0');
    // The third block: 40 ms after its cluster.
    expect(Buffer.from(resumed.subarray(15 + 5, 15 + 9)).toString('hex')).toBe('81002880');
  });

  it('has as its header all before the first cluster, with a segment of unknown size', () => {
    const bytes = Buffer.from(writeMatroska(PCM, { ...LAYOUT, knownSizes: true }));
    const { container, cuts } = followStream(bytes, () => 64);
    const expected = bytes.subarray(0, bytes.indexOf('1f43b675', 0, 'hex'));
    const segment = expected.indexOf('18538067', 0, 'hex');
    expected.set(Buffer.from('1fffffff', 'hex'), segment + 4);
    expect(Buffer.from(container.header ?? []).equals(expected)).toBe(true);
    expect(cuts[0]).toEqual({ position: expected.length, seconds: 0 });
    expect(container.bytesPerSecond).toBeUndefined();
  });

  it('may have a track number of two bytes', () => {
    const { cuts } = followStream(writeMatroska(PCM, { ...LAYOUT, track: 300 }), () => 100);
    const plain = followStream(writeMatroska(PCM, LAYOUT), () => 100).cuts;
    expect(cuts.map(({ seconds }) => seconds)).toEqual(plain.map(({ seconds }) => seconds));
  });

  it.each([
    // Frames of 60 ms, a cluster for each chunk of the recorder.
    { name: 'chrome-opus.webm', count: 41, step: 0.06 },
    // Of known sizes, many of them in eight bytes.
    { name: 'with-video.webm', count: 101, step: 0.02 },
  ])('with Opus has a cut point at each block: $name', ({ name, count, step }) => {
    const bytes = readSample(name);
    const { cuts } = followStream(bytes, () => 100);
    const expected = Array.from({ length: count }, (_, index) => expect.closeTo(index * step, 6));
    expect(cuts.map(({ seconds }) => seconds)).toEqual(expected);
    expectSameCuts(bytes, cuts);
  });

  it('that Chromium recorded with Opus goes on at a block behind each cut', () => {
    const bytes = readSample('chrome-opus.webm');
    const { container, cuts } = followStream(bytes, () => 100);
    // The blocks are whole, and of the track that the header names: the decoder says what it lacks, and nothing else.
    for (const cut of cuts) {
      expect(() => decode(resumeAt(bytes, container, cut))).toThrow(/no decoder for Opus in WebM/);
    }
  });

  /** A cluster of blocks of Opus or another codec, 50 ms apart by their times. */
  function withBlocks(
    codec: string,
    frames: readonly Buffer[],
    flags: number,
    more?: Buffer<ArrayBuffer>,
  ): Uint8Array {
    const blocks = frames.map((frame, index) =>
      element('a3', Buffer.concat([blockHead(1, index * 50, flags), frame])),
    );
    return Buffer.concat([
      element('1a45dfa3', Buffer.alloc(0)),
      element('18538067', element('1654ae6b', audioTrack(1, 48_000, codec, more)), false),
      element('1f43b675', Buffer.concat([element('e7', number(0)), ...blocks]), false),
    ]);
  }

  const opusFrame = (toc: number, count = 0) => Buffer.from([toc, count, 9, 9, 9]);

  it.each<[string, Uint8Array, number[]]>([
    [
      'Opus frames that tell how long they are',
      withBlocks('A_OPUS', [opusFrame(0x08), opusFrame(0x19), opusFrame(0xfb, 3), opusFrame(0x80)], 0x80),
      [0, 0.02, 0.14, 0.2],
    ],
    ['laced Opus', withBlocks('A_OPUS', [opusFrame(1), opusFrame(1), opusFrame(1)], 0x86), [0, 0.05, 0.1]],
    [
      'laced PCM',
      withBlocks('A_PCM/INT/LIT', [opusFrame(1), opusFrame(1), opusFrame(1)], 0x82),
      [0, 0.05, 0.1],
    ],
    [
      'compressed Opus',
      withBlocks('A_OPUS', [opusFrame(1), opusFrame(1)], 0x80, element('6d80', Buffer.alloc(4))),
      [0, 0.05],
    ],
    ['another codec', withBlocks('A_FLAC', [opusFrame(1), opusFrame(1)], 0x80), [0, 0.05]],
  ])('counts the audio, and where it cannot goes by the times: %s', (_name, bytes, seconds) => {
    const { cuts } = followStream(bytes, () => 10);
    expect(cuts.map((cut) => cut.seconds)).toEqual(seconds.map((at) => expect.closeTo(at, 9)));
  });

  it.each<[string, Uint8Array]>([
    [
      'no tracks',
      Buffer.concat([
        element('1a45dfa3', Buffer.alloc(0)),
        element('1f43b675', element('e7', number(0)), false),
      ]),
    ],
    [
      'a header that is too long',
      Buffer.concat([
        element('1a45dfa3', Buffer.alloc(0)),
        element('ec', Buffer.alloc(270_000)),
        writeMatroska(PCM, LAYOUT),
      ]),
    ],
    [
      'tracks of unknown size',
      Buffer.concat([element('1a45dfa3', Buffer.alloc(0)), element('1654ae6b', Buffer.alloc(10), false)]),
    ],
  ])('has neither header nor cut points: %s', (_name, bytes) => {
    const { container, cuts } = followStream(bytes, () => 1000);
    expect(cuts).toEqual([]);
    expect(container.header).toBeUndefined();
  });

  it('has no more cut points behind bytes that got lost', () => {
    const bytes = writeMatroska(PCM, LAYOUT);
    const holed = Buffer.concat([bytes.subarray(0, 5000), bytes.subarray(5123)]);
    const { cuts } = followStream(holed, () => 100);
    expect(cuts.length).toBeGreaterThan(0);
    expect(cuts.every(({ position }) => position < 5000)).toBe(true);
  });
});
