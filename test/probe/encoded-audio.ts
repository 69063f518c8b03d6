import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { librivoxRecordings } from '../support/librivox.js';

const run = promisify(execFile);

/** Names of files, and how ffmpeg makes them of a speech of half a minute. */
export const ENCODINGS: Readonly<Record<string, readonly string[]>> = {
  'pcm.wav': ['-c:a', 'pcm_s16le'],
  'mulaw.wav': ['-c:a', 'pcm_mulaw', '-ar', '8000'],
  'cbr.mp3': ['-c:a', 'libmp3lame', '-b:a', '64k'],
  'cbr-without-xing.mp3': ['-c:a', 'libmp3lame', '-b:a', '64k', '-write_xing', '0'],
  'vbr.mp3': ['-c:a', 'libmp3lame', '-q:a', '4'],
  'a.flac': ['-c:a', 'flac'],
  'opus.ogg': ['-c:a', 'libopus'],
  'vorbis.ogg': ['-c:a', 'libvorbis'],
  'flac.ogg': ['-c:a', 'flac', '-f', 'ogg'],
  'moov-behind.m4a': ['-c:a', 'aac'],
  'moov-before.m4a': ['-c:a', 'aac', '-movflags', '+faststart'],
  'opus.webm': ['-c:a', 'libopus'],
};

export interface EncodedAudio extends AsyncDisposable {
  readonly folder: string;
  /** The path of one of them. */
  pathOf(name: string): string;
  /** By ffprobe. */
  secondsOf(name: string): Promise<number>;
  /** Makes another file of the speech. */
  encode(name: string, options: readonly string[]): Promise<string>;
}

/** Real speech in real files. */
export async function encodeAudio(): Promise<EncodedAudio> {
  const folder = await mkdtemp(join(tmpdir(), 'encoded-audio-'));
  const pathOf = (name: string): string => join(folder, name);
  const list = librivoxRecordings().map(({ path }) => `file '${path}'\n`);
  await writeFile(pathOf('list.txt'), list.join(''));
  const input = ['-f', 'concat', '-safe', '0', '-i', pathOf('list.txt')];
  const encode = async (name: string, options: readonly string[]): Promise<string> => {
    await run('ffmpeg', ['-loglevel', 'error', '-y', ...input, ...options, pathOf(name)]);
    return pathOf(name);
  };
  for (const [name, options] of Object.entries(ENCODINGS)) await encode(name, options);
  return {
    folder,
    pathOf,
    encode,
    async secondsOf(name) {
      const fields = ['-show_entries', 'format=duration', '-of', 'csv=p=0'];
      const { stdout } = await run('ffprobe', ['-v', 'error', ...fields, pathOf(name)]);
      return Number(stdout);
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
