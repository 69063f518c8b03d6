import { encodeWav, encodeWebm } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import { createAudioContainer } from '../../../src/audio/containers/index.js';
import { createRandom, newSeed } from '../../../src/testing/emulator/faults-random.js';
import { containerOf, followStream, randomSizes, readSample, unlikeSamples } from './streams.js';

const FORMAT = { sampleRate: 16_000, channels: 1 };
const STREAMS: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ['WAV', encodeWav(unlikeSamples(16_000), FORMAT)],
  ['WebM with PCM', encodeWebm(unlikeSamples(16_000), FORMAT)],
  ['WebM with Opus', readSample('chrome-opus.webm')],
  ['WebM with video', readSample('with-video.webm')],
  ['Ogg with Opus', readSample('ogg-opus.ogg')],
  ['Ogg with Vorbis', readSample('ogg-vorbis.ogg')],
];
const RANDOM_STREAMS = 60;
const MAX_MILLISECONDS = 1000;

describe('The first bytes', () => {
  it.each(STREAMS)('tell the format as soon as they can, and before that nothing: %s', (name, bytes) => {
    const needed = name === 'WAV' ? 12 : 4;
    for (let length = 0; length < needed; length += 1) {
      expect(createAudioContainer(bytes.subarray(0, length)), `${length} bytes`).toBe('undecided');
    }
    expect(createAudioContainer(bytes.subarray(0, needed))).toBeTypeOf('object');
  });

  it.each([
    'X',
    'RIX',
    'RIFX\0\0\0\0WAVE',
    'RIFF\0\0\0\0AVI ',
    'RIFF\0\0\0\0X',
    'OggX',
    'fLaC',
    'ID3\u0003',
    '\u001aE\u00df\u00a4',
    '{"type":"x"}',
  ])('are of another format: %j', (text) => {
    expect(createAudioContainer(Buffer.from(text, 'latin1'))).toBeUndefined();
  });
});

describe.each(STREAMS)('A stream of %s', (_name, bytes) => {
  const cleanCuts = followStream(bytes, () => 1000).cuts;

  it('with any bytes changed, lost or added throws nothing', () => {
    const seed = newSeed();
    const random = createRandom(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    for (let run = 0; run < RANDOM_STREAMS; run += 1) {
      let damaged = Buffer.from(bytes.subarray(0, 20_000));
      for (let fault = below(5); fault >= 0; fault -= 1) {
        const at = 12 + below(random() < 0.5 ? 300 : damaged.length - 12);
        const garbage = Buffer.from(Array.from({ length: below(20) }, () => below(256)));
        damaged = Buffer.concat([damaged.subarray(0, at), garbage, damaged.subarray(at + below(30))]);
      }
      expect(() => followStream(damaged, randomSizes(seed + run)), `seed ${seed}, run ${run}`).not.toThrow();
    }
  });

  it.each([
    ['from its first bytes on', 12],
    ['behind its header', (cleanCuts[0]?.position ?? 0) + 1],
    ['inside its audio', cleanCuts[3]?.position ?? 0],
  ])('that is garbage %s takes little time byte by byte', (_place, begin) => {
    const seed = newSeed();
    const random = createRandom(seed);
    const garbage = Buffer.from(Array.from({ length: 100_000 }, () => Math.floor(random() * 256)));
    expectQuick(Buffer.concat([bytes.subarray(0, begin), garbage]), seed);
  });

  it('takes little time byte by byte', () => {
    expectQuick(Buffer.concat([bytes.subarray(0, 100_000)]), 0);
  });
});

describe('Elements that want to be long take little time byte by byte', () => {
  const zeros = Buffer.alloc(250_000);
  it.each<[string, string]>([
    ['a WAV chunk', '524946460000000057415645' + '4c495354' + '00000400'],
    ['an element before the first cluster', '1a45dfa380' + '18538067ff' + 'ec1003fff0'],
    ['a header page', `4f67675300020000000000000000010000000000000000000000ff${'ff'.repeat(255)}`],
    [
      'pages without content',
      `4f67675300020000000000000000010000000000000000000000ff${'00'.repeat(255)}`.repeat(300),
    ],
  ])('%s', (_name, begin) => {
    expectQuick(Buffer.concat([Buffer.from(begin, 'hex'), zeros]), 0);
  });
});

/** In one of three runs: another process may take the machine in the others. */
function expectQuick(bytes: Buffer, seed: number): void {
  let quickest = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 3 && quickest >= MAX_MILLISECONDS; run += 1) {
    const container = containerOf(bytes);
    const before = performance.now();
    for (let at = 0; at < bytes.length; at += 1) container.push(bytes.subarray(at, at + 1));
    quickest = Math.min(quickest, performance.now() - before);
  }
  expect(quickest, `seed ${seed}`).toBeLessThan(MAX_MILLISECONDS);
}
