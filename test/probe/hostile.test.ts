import { open, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RangeReader } from '../../src/probe/range-reader.js';
import { createRandom } from '../../src/testing/emulator/faults-random.js';
import { type EncodedAudio, encodeAudio } from './encoded-audio.js';
import { probe, probeFile, probeSource } from './support.js';

const SEED = Date.now() % 1_000_000;
const KILOBYTE = 1024;
const MAX_BYTES = 512 * KILOBYTE;

let audio: EncodedAudio;
beforeAll(async () => {
  audio = await encodeAudio();
}, 60_000);
afterAll(() => audio[Symbol.asyncDispose]());

function id3Tag(size: number): Buffer {
  const sizes = [21, 14, 7, 0].map((shift) => (size >> shift) & 0x7f);
  return Buffer.from([0x49, 0x44, 0x33, 4, 0, 0, ...sizes]);
}

const box = (name: string, size: number, content = Buffer.alloc(0)): Buffer => {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(size);
  head.write(name, 4, 'latin1');
  return Buffer.concat([head, content]);
};

describe('audio that is damaged or hostile', () => {
  const endless = Buffer.concat(Array.from({ length: 20_000 }, () => id3Tag(0)));
  const cases: [string, () => Buffer][] = [
    ['nothing', () => Buffer.alloc(0)],
    ['one byte', () => Buffer.from([1])],
    ['zeros', () => Buffer.alloc(3_000_000)],
    ['text', () => Buffer.from('no audio at all, '.repeat(10_000))],
    ['an ID3 tag larger than the file', () => Buffer.concat([id3Tag(0xfffffff), Buffer.alloc(5000)])],
    ['one ID3 tag after another', () => endless],
    ['an MP4 of boxes without a length', () => box('ftyp', 8, Buffer.alloc(100_000))],
    [
      'an MP4 of very many boxes',
      () => Buffer.concat([box('ftyp', 8), ...Array.from({ length: 20_000 }, () => box('free', 8))]),
    ],
    [
      'an MP4 whose boxes are longer than the file',
      () => Buffer.concat([box('ftyp', 8), box('moov', 0xffff_ffff, Buffer.alloc(100))]),
    ],
    ['a WAV without data', () => Buffer.from('RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff', 'latin1')],
    ['a FLAC without a block', () => Buffer.from('fLaC\x04\xff\xff\xff', 'latin1')],
    [
      'an Ogg page that repeats itself',
      () => Buffer.from('OggS\0\x02'.padEnd(27, '\0').repeat(5000), 'latin1'),
    ],
    ['an EBML of nothing', () => Buffer.concat([Buffer.from('1a45dfa3', 'hex'), Buffer.alloc(1_000_000)])],
    ['bytes that each may begin a frame of MP3', () => Buffer.alloc(2_000_000, 0xff)],
  ];

  it.each(cases)('%s: unknown, and soon', async (_what, make) => {
    const { seconds, bytesRead, elapsedMs, isClosed } = await probeSource(make());
    expect(seconds).toBeUndefined();
    expect(bytesRead).toBeLessThanOrEqual(MAX_BYTES);
    expect(elapsedMs).toBeLessThan(3500);
    expect(isClosed).toBe(true);
  });

  it('a large claim in a sparse file costs neither memory nor time', async () => {
    const path = audio.pathOf('sparse.flac');
    const handle = await open(path, 'w');
    await handle.write(Buffer.from('fLaC\x84\xff\xff\xff', 'latin1'));
    await handle.truncate(3_000_000_000);
    await handle.close();
    const before = process.memoryUsage().rss;
    const { seconds, bytesRead } = await probeFile(path);
    expect(seconds).toBeUndefined();
    expect(bytesRead).toBeLessThanOrEqual(MAX_BYTES);
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  });

  it('a picture in the tags is passed over', async () => {
    for (const name of ['cbr.mp3', 'cbr-without-xing.mp3', 'vbr.mp3']) {
      const plain = await readFile(audio.pathOf(name));
      const { seconds } = await probeSource(plain);
      const tagged = Buffer.concat([id3Tag(3_000_000), Buffer.alloc(3_000_000, 0xff), plain]);
      const { seconds: secondsTagged = 0, bytesRead } = await probeSource(tagged);
      expect(Math.abs(secondsTagged - (seconds ?? Number.NaN))).toBeLessThan(0.1);
      expect(bytesRead).toBeLessThan(64 * KILOBYTE);
    }
  });

  it('variable bitrate that begins with silence and does not count its frames is not reckoned by its begin', async () => {
    const options = ['-af', 'adelay=3000', '-c:a', 'libmp3lame', '-q:a', '4', '-write_xing', '0'];
    const path = await audio.encode('silent-begin.mp3', options);
    expect((await probeFile(path)).seconds).toBeUndefined();
  });

  it('a file that is cut off is never told longer than it was, and random damage never takes long', async () => {
    console.log(`seed ${SEED}`);
    const random = createRandom(SEED);
    for (const name of ['pcm.wav', 'vbr.mp3', 'a.flac', 'opus.ogg', 'moov-before.m4a', 'opus.webm']) {
      const whole = await readFile(audio.pathOf(name));
      const seconds = await audio.secondsOf(name);
      for (let round = 0; round < 12; round += 1) {
        const cut = whole.subarray(0, Math.floor(random() * whole.length));
        const cutReport = await probeSource(cut);
        expect(cutReport.seconds ?? 0, name).toBeLessThan(seconds + 0.2);
        const damaged = Buffer.from(whole);
        for (let byte = 0; byte < 20; byte += 1) {
          damaged[Math.floor(random() * Math.min(damaged.length, 5000))] = Math.floor(random() * 256);
        }
        const report = await probeSource(damaged);
        expect(report.bytesRead, name).toBeLessThanOrEqual(MAX_BYTES);
        expect(report.elapsedMs, name).toBeLessThan(3500);
      }
    }
  });
});

describe('a source that does not answer', () => {
  const stuck = (): RangeReader => ({
    sizeBytes: 1000,
    blockBytes: 4096,
    read: () => new Promise(() => undefined),
    close: async () => undefined,
  });

  it('is given up after 3 seconds, and closed', async () => {
    const { seconds, elapsedMs, isClosed } = await probe(async () => stuck());
    expect(seconds).toBeUndefined();
    expect(elapsedMs).toBeGreaterThan(2900);
    expect(elapsedMs).toBeLessThan(6000);
    expect(isClosed).toBe(true);
  });

  it('is given up at once where the call is aborted', async () => {
    const controller = new AbortController();
    const probing = probe(async () => stuck(), { signal: controller.signal });
    controller.abort();
    await expect(probing).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('without the packages', () => {
  const load = async (): Promise<never> => {
    throw new Error("Cannot find package 'music-metadata'");
  };

  it('Ogg, MP4 and WAV are known, the others unknown, and that is told', async () => {
    const readerOf = (bytes: Buffer): RangeReader => ({
      sizeBytes: bytes.length,
      blockBytes: 4096,
      read: async (start, length) => bytes.subarray(start, start + length),
      close: async () => undefined,
    });
    const probed = async (name: string) => {
      const bytes = await readFile(audio.pathOf(name));
      return probe(async () => readerOf(bytes), { load });
    };
    for (const name of ['opus.ogg', 'moov-behind.m4a', 'pcm.wav']) {
      const report = await probed(name);
      expect(report, name).toMatchObject({ seconds: expect.any(Number), isMissingTold: false });
    }
    for (const name of ['a.flac', 'vbr.mp3', 'opus.webm']) {
      expect(await probed(name), name).toMatchObject({ seconds: undefined, isMissingTold: true });
    }
  });
});
