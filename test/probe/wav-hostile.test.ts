import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/testing/emulator/faults-random.js';
import { type EncodedAudio, encodeAudio } from './encoded-audio.js';
import { type ProbeReport, probeSource } from './support.js';
import { chunk, type Format, factChunk, formatChunk, longSizes, riff, wav } from './wav-bytes.js';

const MAX_BYTES = 512 * 1024;
const SEED = Date.now() % 1_000_000;
const ROUNDS = 2000;

let audio: EncodedAudio;
beforeAll(async () => {
  audio = await encodeAudio();
}, 60_000);
afterAll(() => audio[Symbol.asyncDispose]());

describe('the number of samples', () => {
  const data = chunk('data', Buffer.alloc(100_000));
  const gsm: Format = { tag: 0x31, average: 1625, blockBytes: 65, bits: 0, blockSamples: 320 };
  const gsmSeconds = (100_000 / 65) * (320 / 8000);
  const mp3: Format = { tag: 0x55, average: 1000, blockBytes: 1, bits: 0 };

  it.each([
    ['is taken where the last block is filled up', gsm, 492_200, data, 61.525],
    ['is not taken where it is far off', gsm, 2 * 492_300, data, gsmSeconds],
    ['is not taken where it is 0', gsm, 0, data, gsmSeconds],
    ['is taken for MP3', mp3, 808_000, data, 101],
    ['is not taken for MP3 where it is 0', mp3, 0, data, 100],
    ['is not taken for MP3 where it is unknown', mp3, 0xffff_ffff, data, 100],
    ['is not taken for MP3 that is cut off', mp3, 808_000, data.subarray(0, 50_008), 50],
    ['may be all that is told', { ...mp3, average: 0 }, 808_000, data, 101],
  ] as const)('%s', async (_what, format, samples, audioChunk, seconds) => {
    const report = await probeSource(wav(formatChunk(format), factChunk(samples), audioChunk));
    expect(report.seconds).toBeCloseTo(seconds, 3);
  });

  it('may be missing', async () => {
    expect((await probeSource(wav(formatChunk(mp3), data))).seconds).toBe(100);
    expect((await probeSource(wav(formatChunk(gsm), data))).seconds).toBeCloseTo(gsmSeconds, 6);
  });
});

describe('a WAV file that tells no length', () => {
  const data = chunk('data', Buffer.alloc(16_000));
  const cases: [string, Buffer][] = [
    ['no audio', wav(formatChunk(), chunk('data', Buffer.alloc(0)))],
    ['no data', wav(formatChunk(), chunk('LIST', Buffer.alloc(100)))],
    ['no format', wav(data)],
    ['a format that is too short', wav(chunk('fmt ', Buffer.alloc(14, 1)), data)],
    ['a rate of 0', wav(formatChunk({ rate: 0 }), data)],
    ['no channels', wav(formatChunk({ channels: 0 }), data)],
    ['samples of 0 bits', wav(formatChunk({ bits: 0 }), data)],
    ['blocks of 0 bytes', wav(formatChunk({ tag: 0x11, blockBytes: 0, blockSamples: 505 }), data)],
    ['blocks of 0 samples', wav(formatChunk({ tag: 0x11, blockBytes: 256, blockSamples: 0 }), data)],
    ['ADPCM without blocks', wav(formatChunk({ tag: 0x02 }), data)],
    ['MP3 of a rate of 0', wav(formatChunk({ tag: 0x55, rate: 0 }), data)],
    ['MP3 of no bitrate', wav(formatChunk({ tag: 0x55, average: 0 }), data)],
    ['RIFF that is no WAV', riff('RIFF', formatChunk(), data).fill('AVI ', 8, 12, 'latin1')],
    [
      'very many chunks',
      wav(formatChunk(), ...Array.from({ length: 600 }, () => chunk('JUNK', Buffer.alloc(0))), data),
    ],
    [
      'very many chunks far apart',
      wav(formatChunk(), ...Array.from({ length: 600 }, () => chunk('JUNK', Buffer.alloc(9000))), data),
    ],
  ];

  it.each(cases)('%s', async (_what, bytes) => {
    const { seconds, bytesRead } = await probeSource(bytes);
    expect(seconds).toBeUndefined();
    expect(bytesRead).toBeLessThanOrEqual(MAX_BYTES);
  });

  it('is one second long otherwise', async () => {
    expect((await probeSource(wav(formatChunk(), data))).seconds).toBe(1);
    const some = Array.from({ length: 500 }, () => chunk('JUNK', Buffer.alloc(0)));
    expect((await probeSource(wav(formatChunk(), ...some, data))).seconds).toBe(1);
  });
});

describe('a WAV file that is damaged', () => {
  const expectBounded = ({ seconds, bytesRead, elapsedMs, isClosed }: ProbeReport, what: string): void => {
    const isLength = seconds === undefined || (Number.isFinite(seconds) && seconds > 0);
    expect(isLength, `${what}: ${seconds}`).toBe(true);
    expect(bytesRead, what).toBeLessThanOrEqual(MAX_BYTES);
    expect(elapsedMs, what).toBeLessThan(3500);
    expect(isClosed, what).toBe(true);
  };

  it('may end at each byte of its header', async () => {
    for (const name of ['pcm.wav', 'rf64.wav', 'mp3.wav']) {
      const options = name === 'rf64.wav' ? ['-rf64', 'always'] : ['-c:a', 'libmp3lame', '-b:a', '64k'];
      if (name !== 'pcm.wav') await audio.encode(name, options);
      const whole = await readFile(audio.pathOf(name));
      for (let length = 0; length < 100; length += 1) {
        const report = await probeSource(whole.subarray(0, length));
        expectBounded(report, `${name} of ${length} bytes`);
        expect(report.seconds ?? 0).toBeLessThan(0.1);
      }
    }
  });

  it('may have any bytes in its header', async () => {
    console.log(`seed ${SEED}`);
    const random = createRandom(SEED);
    const headers = [
      (await readFile(audio.pathOf('pcm.wav'))).subarray(0, 5000),
      riff('RF64', longSizes(4000), formatChunk(), chunk('data', Buffer.alloc(4000), 0xffff_ffff)),
      wav(formatChunk({ tag: 0x11, blockSamples: 505 }), factChunk(7000), chunk('data', Buffer.alloc(4000))),
      wav(formatChunk({ tag: 0x55 }), factChunk(7000), chunk('data', Buffer.alloc(4000))),
    ];
    let known = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const damaged = Buffer.from(headers[round % headers.length] ?? '');
      const mutations = 1 + Math.floor(random() * 8);
      for (let byte = 0; byte < mutations; byte += 1) {
        damaged[12 + Math.floor(random() * 90)] = [0, 255, Math.floor(random() * 256)][byte % 3] ?? 0;
      }
      const report = await probeSource(damaged);
      expectBounded(report, `seed ${SEED}, round ${round}`);
      if (report.seconds !== undefined) known += 1;
    }
    // Most of them are WAV still.
    expect(known).toBeGreaterThan(ROUNDS / 10);
    expect(known).toBeLessThan(ROUNDS);
  });
});
