import { readFile } from 'node:fs/promises';
import { fromFile, type LiveEvent, type Transcript, TranscriptionClient } from 'transcription-client';
import { type DeepgramEmulator, startDeepgramEmulator } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPocketSphinxRecognizer } from '../../examples/recognizers/pocketsphinx.mjs';
import { librivoxRecordings } from '../support/librivox.js';
import { wordErrorRate } from '../support/word-error-rate.js';

const recordings = librivoxRecordings();
const reference = recordings.map(({ text }) => text).join(' ');

let emulator: DeepgramEmulator;
let client: TranscriptionClient;

beforeAll(async () => {
  emulator = await startDeepgramEmulator({ recognizer: createPocketSphinxRecognizer({ concurrency: 2 }) });
  client = new TranscriptionClient({
    apiKey: 'test',
    regions: [{ name: 'emulator', endpoint: emulator.url }],
  });
});

afterAll(async () => {
  await client.close();
  await emulator.close();
});

function jointErrorRate(transcripts: readonly Transcript[]): number {
  const { rate, errors, words } = wordErrorRate(reference, transcripts.map(({ text }) => text).join(' '));
  console.log(`word error rate ${(rate * 100).toFixed(0)}% (${errors} errors, ${words} words)`);
  return rate;
}

describe('five recordings of human speech', () => {
  it('are recognised in transcribe() and in enqueue(), word for word alike', async () => {
    const sync: Transcript[] = [];
    for (const { path } of recordings) sync.push(await client.transcribe(fromFile(path)));
    const jobs = await client.enqueueMany(recordings.map(({ path }) => ({ source: fromFile(path) })));
    const queued = await Promise.all(jobs.map((job) => job.result()));

    expect(jointErrorRate(sync)).toBeLessThanOrEqual(0.4);
    expect(queued.map(({ text }) => text)).toEqual(sync.map(({ text }) => text));
    expect(queued.map(({ channels }) => channels)).toEqual(sync.map(({ channels }) => channels));
  }, 120_000);

  it('are recognised in stream(), with words before half of each was sent', async () => {
    const transcripts: Transcript[] = [];
    for (const { path } of recordings) transcripts.push(await streamRecording(path));
    expect(jointErrorRate(transcripts)).toBeLessThanOrEqual(0.55);
  }, 240_000);
});

/** Sends less than half of the recording, waits until words are there, and only then sends the rest. */
async function streamRecording(path: string): Promise<Transcript> {
  const audio = await readFile(path);
  // The recognizer is slow on a busy machine, and every word is wanted.
  const live = client.stream({ interim_results: true, finishTimeoutMs: 120_000 });
  const events: LiveEvent[] = [];
  const wordsSeen = new Promise<void>((resolve, reject) => {
    live.on('interim', ({ text }) => text !== '' && resolve());
    live.on('end', () => reject(new Error('The stream ended before there were any words.')));
  });
  wordsSeen.catch(() => undefined);
  const piped = live.pipeFrom(
    (async function* () {
      const half = Math.floor(audio.byteLength * 0.49);
      yield audio.subarray(0, half);
      await wordsSeen;
      yield audio.subarray(half);
    })(),
  );
  for await (const event of live) events.push(event);
  await piped;
  const finals = events.filter((event) => event.type === 'final');
  const transcript = await live.finish();
  expect(
    finals
      .map(({ text }) => text)
      .filter(Boolean)
      .join(' '),
  ).toBe(transcript.text);
  return transcript;
}
