import { execFile } from 'node:child_process';
import { open, readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EncodedAudio, encodeAudio } from './encoded-audio.js';
import { type ProbeReport, probeFile } from './support.js';
import {
  beforeData,
  chunk,
  dataAt,
  factChunk,
  formatChunk,
  longSizes,
  riff,
  wav,
  withDataSize,
  withRiffSize,
} from './wav-bytes.js';

const run = promisify(execFile);
const CLOSE_SECONDS = 0.1;
const FEW_BYTES = 40 * 1024;

let audio: EncodedAudio;
let speech: Buffer;
beforeAll(async () => {
  audio = await encodeAudio();
  speech = await readFile(audio.pathOf('pcm.wav'));
}, 60_000);
afterAll(() => audio[Symbol.asyncDispose]());

/** As FFmpeg writes where it cannot go back to the header. */
async function piped(options: readonly string[]): Promise<Buffer> {
  const all = ['-loglevel', 'error', '-i', audio.pathOf('pcm.wav'), ...options, '-f', 'wav', 'pipe:1'];
  return (await run('ffmpeg', all, { encoding: 'buffer', maxBuffer: 100_000_000 })).stdout;
}

/** Of what a decoder makes of it. */
async function decodedSeconds(name: string): Promise<number> {
  const raw = ['-f', 's16le', '-ar', '8000', '-ac', '1', 'pipe:1'];
  const all = ['-loglevel', 'error', '-i', audio.pathOf(name), ...raw];
  const { stdout } = await run('ffmpeg', all, { encoding: 'buffer', maxBuffer: 100_000_000 });
  return stdout.length / 16_000;
}

/** A file that begins so, and is otherwise a hole. */
async function sparse(name: string, begin: Buffer, size: number): Promise<string> {
  const handle = await open(audio.pathOf(name), 'w');
  await handle.write(begin);
  await handle.truncate(size);
  await handle.close();
  return audio.pathOf(name);
}

function expectFew({ bytesRead, isClosed, isMissingTold }: ProbeReport): void {
  expect(bytesRead).toBeLessThanOrEqual(FEW_BYTES);
  expect(isClosed).toBe(true);
  expect(isMissingTold).toBe(false);
}

async function expectAsFfprobe(name: string): Promise<void> {
  const report = await probeFile(audio.pathOf(name));
  const seconds = await audio.secondsOf(name);
  expect(seconds).toBeGreaterThan(20);
  expect(Math.abs((report.seconds ?? Number.NaN) - seconds)).toBeLessThan(CLOSE_SECONDS);
  expectFew(report);
}

describe('a WAV file is as long as ffprobe says', () => {
  const encodings: Readonly<Record<string, readonly string[]>> = {
    u8: ['-c:a', 'pcm_u8'],
    s16: ['-c:a', 'pcm_s16le'],
    s24: ['-c:a', 'pcm_s24le'],
    s32: ['-c:a', 'pcm_s32le'],
    f32: ['-c:a', 'pcm_f32le'],
    f64: ['-c:a', 'pcm_f64le'],
    'mu-law': ['-c:a', 'pcm_mulaw', '-ar', '8000'],
    'A-law': ['-c:a', 'pcm_alaw', '-ar', '8000'],
    'ADPCM of Microsoft': ['-c:a', 'adpcm_ms', '-ar', '8000'],
    'ADPCM of the IMA': ['-c:a', 'adpcm_ima_wav', '-ar', '8000'],
    'ADPCM of the IMA in stereo': ['-c:a', 'adpcm_ima_wav', '-ac', '2'],
    'ADPCM of Yamaha': ['-c:a', 'adpcm_yamaha'],
    'G.722': ['-c:a', 'g722'],
    GSM: ['-c:a', 'libgsm_ms', '-ar', '8000'],
    MP3: ['-c:a', 'libmp3lame', '-b:a', '64k'],
    'MP3 of a variable bitrate': ['-c:a', 'libmp3lame', '-q:a', '4', '-ar', '44100', '-ac', '2'],
    AAC: ['-c:a', 'aac'],
    'six channels': ['-ac', '6'],
    'six channels of 24 bits': ['-ac', '6', '-c:a', 'pcm_s24le'],
    RF64: ['-rf64', 'always'],
    'bit exact': ['-bitexact'],
    'a chunk bext before': ['-write_bext', '1', '-metadata', 'description=call'],
    'a chunk levl behind': ['-write_peak', 'on'],
    titles: ['-metadata', 'title=odd', '-metadata', 'comment=odd, too'],
  };

  it.each(Object.keys(encodings))('%s', async (what) => {
    await audio.encode(`${what}.wav`, encodings[what] ?? []);
    await expectAsFfprobe(`${what}.wav`);
  });

  const extra = Buffer.alloc(100_001, 'data');
  const patches: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
    'a RIFF size of 0': (bytes) => withRiffSize(bytes, 0),
    'a RIFF size of 0xFFFFFFFF': (bytes) => withRiffSize(bytes, 0xffff_ffff),
    'all sizes of 0': (bytes) => withRiffSize(withDataSize(bytes, 0), 0),
    'a data size of 0': (bytes) => withDataSize(bytes, 0),
    'a data size of 0xFFFFFFFF': (bytes) => withDataSize(bytes, 0xffff_ffff),
    'a data size of 0xFFFFFFDB': (bytes) => withDataSize(bytes, 0xffff_ffdb),
    'a data size of 0x7FFFF000': (bytes) => withDataSize(bytes, 0x7fff_f000),
    'a data size larger than the file': (bytes) => withDataSize(bytes, bytes.length + 100),
    'chunks before the data': (bytes) =>
      beforeData(
        bytes,
        chunk('JUNK', Buffer.alloc(3_000_000)),
        chunk('bext', Buffer.alloc(602)),
        chunk('iXML', extra),
        chunk('id3 ', Buffer.alloc(1_000_001)),
        chunk('LIST', Buffer.from('INFO')),
      ),
    'a chunk before the format': (bytes) =>
      Buffer.concat([bytes.subarray(0, 12), chunk('iXML', extra), bytes.subarray(12)]),
    'a long chunk behind the data': (bytes) =>
      Buffer.concat([bytes, chunk('LIST', extra), chunk('id3 ', extra)]),
    'a wrong number of samples': (bytes) => beforeData(bytes, factChunk(1234)),
    'a wrong block size': (bytes) => {
      const patched = Buffer.from(bytes);
      patched.writeUInt16LE(0, 32);
      return patched;
    },
    'audio in two pieces': (bytes) =>
      Buffer.concat([
        beforeData(bytes, chunk('data', Buffer.alloc(1601)), chunk('LIST', extra)),
        chunk('LIST', extra),
      ]),
    'the long sizes of another format': (bytes) => beforeData(bytes, longSizes(100)),
    'half of the file': (bytes) => bytes.subarray(0, bytes.length - 4444),
  };

  it.each(Object.keys(patches))('%s', async (what) => {
    await writeFile(audio.pathOf('patched.wav'), patches[what]?.(speech) ?? '');
    await expectAsFfprobe('patched.wav');
  });

  it('the extensible format, whatever bitrate it names', async () => {
    const options = ['-ac', '6', '-c:a', 'pcm_s24le'];
    const bytes = await readFile(await audio.encode('extensible.wav', options));
    expect(bytes.readUInt16LE(20)).toBe(0xfffe);
    bytes.writeUInt32LE(1, 28);
    await writeFile(audio.pathOf('extensible.wav'), bytes);
    await expectAsFfprobe('extensible.wav');
  });

  it.each([
    ['PCM', []],
    ['PCM in RF64', ['-rf64', 'always']],
    ['GSM', ['-c:a', 'libgsm_ms', '-ar', '8000']],
    ['mu-law', ['-c:a', 'pcm_mulaw']],
  ])('through a pipe: %s', async (_what, options) => {
    const bytes = await piped(options);
    expect(bytes.readUInt32LE(dataAt(bytes) + 4)).toBe(0xffff_ffff);
    await writeFile(audio.pathOf('piped.wav'), bytes);
    await expectAsFfprobe('piped.wav');
  });

  it.each(['RF64', 'BW64'])('%s of more than 4 GB', async (name) => {
    const size = 5_000_000_000;
    const audioBytes = size - 2_000_000;
    const pcm = formatChunk({ rate: 48_000, channels: 2, average: 192_000, blockBytes: 4 });
    const data = chunk('data', Buffer.alloc(0), 0xffff_ffff);
    for (const told of [audioBytes, 0]) {
      await sparse('long.wav', riff(name, longSizes(told), pcm, data), size);
      const { seconds = Number.NaN, ...report } = await probeFile(audio.pathOf('long.wav'));
      expect(seconds).toBeCloseTo((told || size) / 192_000, 1);
      expectFew({ seconds, ...report });
      if (told > 0)
        expect(Math.abs(seconds - (await audio.secondsOf('long.wav')))).toBeLessThan(CLOSE_SECONDS);
    }
  });
});

describe('a WAV file is as long as its audio where ffprobe is wrong', () => {
  it.each(['adpcm_ms', 'adpcm_ima_wav'])('%s in stereo, and through a pipe', async (codec) => {
    const options = ['-c:a', codec, '-ar', '8000', '-ac', '2'];
    await audio.encode('blocks.wav', options);
    await writeFile(audio.pathOf('blocks-piped.wav'), await piped(options));
    for (const name of ['blocks.wav', 'blocks-piped.wav']) {
      const report = await probeFile(audio.pathOf(name));
      const wrong = Math.abs((report.seconds ?? Number.NaN) - (await decodedSeconds(name)));
      expect(wrong, name).toBeLessThan(CLOSE_SECONDS);
      expectFew(report);
    }
  });

  it('the size that SoX writes into a pipe, in a file of more', async () => {
    const size = 2_500_000_044;
    const begin = wav(formatChunk(), chunk('data', Buffer.alloc(0), 0x7fff_f000));
    const report = await probeFile(await sparse('sox.wav', begin, size));
    expect(report.seconds).toBe((size - 44) / 16_000);
    expectFew(report);
  });
});
