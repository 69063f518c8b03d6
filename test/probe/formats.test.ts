import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENCODINGS, type EncodedAudio, encodeAudio } from './encoded-audio.js';
import { probeFile, probeSource } from './support.js';

let audio: EncodedAudio;
beforeAll(async () => {
  audio = await encodeAudio();
}, 60_000);
afterAll(() => audio[Symbol.asyncDispose]());

const CLOSE_SECONDS = 0.1;

describe('the length of a file', () => {
  it.each(Object.keys(ENCODINGS))('%s: as ffprobe has it, of a few kilobytes', async (name) => {
    const { seconds = Number.NaN, bytesRead, isClosed } = await probeFile(audio.pathOf(name));
    expect(Math.abs(seconds - (await audio.secondsOf(name)))).toBeLessThan(CLOSE_SECONDS);
    expect(isClosed).toBe(true);
    expect(bytesRead).toBeLessThanOrEqual(40 * 1024);
  });

  it('fragments that are announced by no length leave it unknown', async () => {
    for (const flags of ['frag_keyframe', 'frag_keyframe+empty_moov']) {
      const options = ['-c:a', 'aac', '-movflags', flags, '-frag_duration', '1000000'];
      const path = await audio.encode(`${flags}.mp4`, options);
      expect((await probeFile(path)).seconds).toBeUndefined();
    }
  });

  it('MP3 of one bitrate with something else behind it stays unknown', async () => {
    const frames = await readFile(audio.pathOf('cbr-without-xing.mp3'));
    const { seconds } = await probeSource(Buffer.concat([frames, Buffer.alloc(2 * frames.length)]));
    expect(seconds).toBeUndefined();
  });

  it('bytes and blobs are read like files', async () => {
    for (const name of ['pcm.wav', 'opus.ogg', 'moov-behind.m4a']) {
      const bytes = await readFile(audio.pathOf(name));
      const { seconds } = await probeFile(audio.pathOf(name));
      expect(seconds).toBeGreaterThan(1);
      expect(await probeSource(bytes)).toMatchObject({ seconds });
      expect(await probeSource(new Blob([bytes]))).toMatchObject({ seconds });
      expect(await probeSource(new Uint8Array(bytes).buffer)).toMatchObject({ seconds });
    }
  });
});
