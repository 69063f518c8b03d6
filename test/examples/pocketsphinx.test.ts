import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createPocketSphinxRecognizer,
  isPocketSphinxInstalled,
} from '../../examples/recognizers/pocketsphinx.mjs';
import type { PcmAudio, RecognizedWord } from '../../src/testing/recognizer.js';
import { librivoxRecordings, type Recording } from '../support/librivox.js';
import { readWav } from '../support/read-wav.js';
import { wordErrorRate } from '../support/word-error-rate.js';

const SLOW = 120_000;
const recognize = createPocketSphinxRecognizer();

/** The recognizer's temporary files go here, so that a test can see that none is left. */
let temporary: string;

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'pocketsphinx-test-'));
  vi.stubEnv('TMPDIR', temporary);
});

afterEach(() => {
  vi.unstubAllEnvs();
  const left = readdirSync(temporary).filter((name) => name.startsWith('pocketsphinx-'));
  rmSync(temporary, { recursive: true });
  expect(left).toEqual([]);
  expect(decoders()).toEqual([]);
});

describe('createPocketSphinxRecognizer', { timeout: SLOW }, () => {
  it('understands most words of whole recordings, with times and confidences', async () => {
    const clips = await Promise.all(
      librivoxRecordings().map(async (recording) => {
        const audio = readWav(recording.path);
        return { recording, audio, words: await recognize(audio, whole()) };
      }),
    );
    expect(clips).toHaveLength(5);
    for (const { audio, words } of clips) expectTimed(words, audio);
    const scores = clips.map(({ recording, words }) => wordErrorRate(recording.text, textOf(words)));
    expect(jointRate(scores)).toBeLessThanOrEqual(0.4);
    const confidences = clips.flatMap(({ words }) => words.map(({ confidence }) => confidence));
    expect(Math.min(...confidences)).toBeLessThan(0.5);
    expect(Math.max(...confidences)).toBeGreaterThan(0.9);
  });

  it('understands live pieces of four seconds', async () => {
    const scores = await Promise.all(
      librivoxRecordings().map(async ({ path, text }) => {
        const audio = readWav(path);
        const pieces = cut(audio, 4);
        const words = await Promise.all(pieces.map((piece) => recognize(piece, { ...whole(), live: true })));
        return wordErrorRate(text, textOf(words.flat()));
      }),
    );
    expect(jointRate(scores)).toBeLessThanOrEqual(0.54);
  });

  it('always hears the same in the same audio', async () => {
    const audio = readWav(shortest().path);
    const first = await recognize(audio, whole());
    expect(first.length).toBeGreaterThan(0);
    expect(await recognize(audio, whole())).toEqual(first);
  });

  it('counts times from the first sample, also after a pause', async () => {
    const audio = readWav(shortest().path);
    const pause = new Int16Array(2 * audio.sampleRate);
    const words = await recognize(joined(audio, pause, pause, audio), whole());
    const lengthSeconds = audio.samples.length / audio.sampleRate;
    const firstWords = words.filter(({ word }) => word === 'he').map(({ start }) => start);
    expect(firstWords).toHaveLength(2);
    const [first = 0, second = 0] = firstWords;
    expect(second - first).toBeCloseTo(lengthSeconds + 4, 0);
    expect(words.filter(({ end }) => end > lengthSeconds && end < lengthSeconds + 4)).toEqual([]);
  });

  it.each([8_000, 44_100, 48_000])('takes audio of %i Hz', async (sampleRate) => {
    const { path, text } = shortest();
    const audio = atRate(readWav(path), sampleRate);
    const words = await recognize(audio, whole());
    expectTimed(words, audio);
    expect(wordErrorRate(text, textOf(words)).rate).toBeLessThan(0.7);
  });

  it('hears no words in silence', async () => {
    expect(await recognize({ samples: new Int16Array(32_000), sampleRate: 16_000 }, whole())).toEqual([]);
    expect(await recognize({ samples: new Int16Array(10), sampleRate: 16_000 }, whole())).toEqual([]);
    expect(await recognize({ samples: new Int16Array(0), sampleRate: 16_000 }, whole())).toEqual([]);
  });

  it('ends its process when the call is aborted', async () => {
    const reason = new Error('no longer needed');
    const controller = new AbortController();
    const outcome = recognize(readWav(shortest().path), { signal: controller.signal, live: false }).catch(
      (error) => error,
    );
    await vi.waitFor(() => expect(decoders()).toHaveLength(1), { timeout: 5_000, interval: 5 });
    controller.abort(reason);
    expect(await outcome).toBe(reason);
    expect(decoders()).toEqual([]);
  });

  it('starts nothing for a call that was aborted before', async () => {
    const call = recognize(readWav(shortest().path), { signal: AbortSignal.abort('early'), live: false });
    await expect(call).rejects.toBe('early');
  });

  it('runs no more processes at a time than allowed, and drops aborted calls from the line', async () => {
    const log = join(temporary, 'log');
    const command = join(temporary, 'counting-decoder');
    writeFileSync(
      command,
      `#!/bin/sh\necho + >>'${log}'\npocketsphinx_continuous "$@"\necho - >>'${log}'\n`,
      {
        mode: 0o755,
      },
    );
    const one = createPocketSphinxRecognizer({ command, concurrency: 1 });
    const audio = { samples: new Int16Array(16_000), sampleRate: 16_000 };
    const waiting = new AbortController();
    const first = one(audio, whole());
    const dropped = one(audio, { signal: waiting.signal, live: false });
    const last = one(audio, whole());
    waiting.abort('not needed');
    await expect(dropped).rejects.toBe('not needed');
    expect(await Promise.all([first, last])).toEqual([[], []]);
    expect(readFileSync(log, 'utf8').split('\n')).toEqual(['+', '-', '+', '-', '']);
  });

  it('refuses a concurrency that lets nobody in', () => {
    for (const concurrency of [0, -1, 1.5, Number.NaN]) {
      expect(() => createPocketSphinxRecognizer({ concurrency })).toThrow(RangeError);
    }
  });

  it('names the command that installs a missing program', async () => {
    const command = join(temporary, 'nothing-here');
    const missing = createPocketSphinxRecognizer({ command });
    await expect(missing(readWav(shortest().path), whole())).rejects.toThrow(
      `${command} was not found. Install it with: sudo apt-get install -y pocketsphinx pocketsphinx-en-us`,
    );
  });

  it('says how a failed program ended', async () => {
    const failing = createPocketSphinxRecognizer({ command: 'false' });
    await expect(failing(readWav(shortest().path), whole())).rejects.toThrow('false ended with 1');
  });
});

describe('isPocketSphinxInstalled', () => {
  it('looks for the program on PATH', () => {
    expect(isPocketSphinxInstalled()).toBe(true);
    vi.stubEnv('PATH', temporary);
    expect(isPocketSphinxInstalled()).toBe(false);
  });
});

function whole() {
  return { signal: new AbortController().signal, live: false };
}

function shortest(): Recording {
  const recording = librivoxRecordings().find(({ name }) => name.endsWith('0880'));
  if (recording === undefined) throw new Error('The recording 0880 is not there.');
  return recording;
}

function textOf(words: readonly RecognizedWord[]): string {
  return words.map(({ word }) => word).join(' ');
}

function jointRate(scores: readonly { errors: number; words: number }[]): number {
  const errors = scores.reduce((sum, score) => sum + score.errors, 0);
  return errors / scores.reduce((sum, score) => sum + score.words, 0);
}

function expectTimed(words: readonly RecognizedWord[], { samples, sampleRate }: PcmAudio): void {
  let previousEnd = 0;
  for (const { word, start, end, confidence } of words) {
    expect(word).toMatch(/^[a-z'.-]+$/);
    expect(start).toBeGreaterThanOrEqual(previousEnd);
    expect(end).toBeGreaterThan(start);
    expect(confidence).toBeGreaterThanOrEqual(0);
    expect(confidence).toBeLessThanOrEqual(1);
    previousEnd = end;
  }
  expect(previousEnd).toBeLessThanOrEqual(samples.length / sampleRate);
}

function joined(audio: PcmAudio, ...more: readonly (PcmAudio | Int16Array)[]): PcmAudio {
  const parts = more.map((part) => (part instanceof Int16Array ? part : part.samples));
  const samples = Int16Array.from([audio.samples, ...parts].flatMap((part) => [...part]));
  return { samples, sampleRate: audio.sampleRate };
}

function cut({ samples, sampleRate }: PcmAudio, seconds: number): PcmAudio[] {
  const size = seconds * sampleRate;
  return Array.from({ length: Math.ceil(samples.length / size) }, (_, index) => ({
    samples: samples.subarray(index * size, (index + 1) * size),
    sampleRate,
  }));
}

/** Takes the nearest sample: crude, but independent of the code under test. */
function atRate({ samples, sampleRate }: PcmAudio, newRate: number): PcmAudio {
  const step = sampleRate / newRate;
  const length = Math.floor(samples.length / step);
  const resampled = Int16Array.from({ length }, (_, index) => samples[Math.floor(index * step)] ?? 0);
  return { samples: resampled, sampleRate: newRate };
}

/** Decoders that are this process's children, running or not yet reaped. */
function decoders(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(processStatus)
    .filter((status) => status.includes('(pocketsphinx'))
    .filter((status) => status.slice(status.lastIndexOf(')') + 2).split(' ')[1] === String(process.pid));
}

function processStatus(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // The process ended between the listing and the reading.
    return '';
  }
}
