import { getEventListeners } from 'node:events';
import { TranscriptionClient } from 'transcription-client';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';

describe('one signal for the calls of a whole application', () => {
  it('warns of no leak, and holds nothing when the calls are over', async () => {
    const warnings: string[] = [];
    const listen = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', listen);
    await using emulator = await startDeepgramEmulator();
    await using client = new TranscriptionClient({
      apiKey: 'test',
      regions: [{ name: 'emulator', endpoint: emulator.url }],
    });
    const { signal } = new AbortController();
    const { audio } = synthesizeSpeech('one two three');

    const calls = Array.from({ length: 30 }, () => client.transcribe(audio, { signal }));
    const lives = Array.from({ length: 15 }, () => client.stream({ signal }));
    const jobs = await Promise.all(Array.from({ length: 15 }, () => client.enqueue(audio, { signal })));
    const results = jobs.map((job) => job.result({ signal }));
    await Promise.all([...calls, ...lives.map((live) => live.finish()), ...results]);
    process.off('warning', listen);

    expect(warnings).toEqual([]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
