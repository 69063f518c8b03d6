import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../../examples/storage/', import.meta.url));

let work: string;
let emulator: DeepgramEmulator;

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'archive-'));
  emulator = await startDeepgramEmulator();
  emulator.serveAudio(synthesizeSpeech('hello from the emulator').audio, { path: '/hello.wav' });
});

afterEach(async () => {
  await emulator.close();
  await rm(work, { recursive: true });
});

/** So that the text stands for itself. */
function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

async function shell(command: string): Promise<Finished> {
  const env = { ...process.env, DEEPGRAM_API_KEY: 'any', DEEPGRAM_ENDPOINT: emulator.url };
  try {
    const { stdout, stderr } = await promisify(execFile)('sh', ['-c', command], { cwd: work, env });
    return { stdout, stderr, exitCode: 0 };
  } catch (error) {
    const { stdout, stderr, code } = error as { stdout: string; stderr: string; code: number };
    return { stdout, stderr, exitCode: code };
  }
}

const archive = (parameters: string): Promise<Finished> =>
  shell(`node ${join(folder, 'archive.mjs')} ${parameters}`);

describe('the archive', () => {
  it('does what its README says, command by command', async () => {
    const readme = await readFile(join(folder, 'README.md'), 'utf8');
    const blocks = [...readme.matchAll(/```(sh)?\n(.*?)```/gs)].slice(1);
    const answers: string[] = [];
    let output = '';
    for (const [, language, text = ''] of blocks) {
      if (language === undefined) {
        answers.push(text);
        const pattern = text.trim().split('…').map(escapePattern).join('.*');
        expect(output.trim()).toMatch(new RegExp(`^${pattern}$`));
        continue;
      }
      const command = text
        .replaceAll('http://127.0.0.1:8080', emulator.url)
        .replaceAll('examples/storage/', folder);
      ({ stdout: output } = await shell(command));
    }
    expect(answers).toHaveLength(4);
  });

  it('keeps its files private, and no audio after a job', async () => {
    await shell(`curl -s ${emulator.url}/hello.wav -o hello.wav`);
    await archive('add hello.wav');
    for (const name of ['archive.db', 'archive.key']) {
      expect((await stat(join(work, name))).mode & 0o777, name).toBe(0o600);
    }
    expect(await readdir(join(work, 'archive-audio'))).toEqual([]);
  });

  it('shows a transcript, of its user only in the list', async () => {
    await shell(`curl -s ${emulator.url}/hello.wav -o hello.wav`);
    const [id = ''] = (await archive('add hello.wav --user ada')).stdout.split(' ');
    expect((await archive(`show ${id}`)).stdout).toMatch(/Hello from the emulator/);
    expect((await archive('list --user eve')).stdout).toBe('Nothing is stored for eve.\n');
  });

  it.each([
    ['', /^Usage:/],
    ['show', /^Usage:/],
    ['show tr_nothing', /^There is no transcript tr_nothing\./],
    ['purge', /^Usage:/],
    ['purge never', /^Usage:/],
    ['add missing.wav', /no file at the path/],
  ])('says what is wrong with `%s`', async (parameters, message) => {
    const { stderr, exitCode } = await archive(parameters);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(message);
  });
});
