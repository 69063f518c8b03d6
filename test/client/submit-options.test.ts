import { BadRequestError, type SubmitOptions, TranscriptionClient } from 'transcription-client';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import { clientOf } from '../support/client.js';

describe('submit() refuses what is out of range, whichever mode the router would pick', () => {
  const client = new TranscriptionClient({ apiKey: 'test' });

  it.each<SubmitOptions>([
    { delayMs: -1 },
    { attempts: 0 },
    { retry: { attempts: 0 } },
    { finishTimeoutMs: -5 },
    { connectTimeoutMs: 0 },
    { endpointing: -5 },
    { utt_split: -1 },
    { priority: -1 },
  ])('%j', async (options) => {
    for (const durationSeconds of [10, 400]) {
      const error = await client
        .submit(new Uint8Array([1, 2]), { ...options, durationSeconds })
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(BadRequestError);
      expect(error).toMatchObject({ code: 'invalid_option' });
    }
  });

  it('and takes what only another mode has a use for', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url);
    const options: SubmitOptions = {
      webhook: { url: 'https://app.example.com/hooks' },
      delivery: 'worker',
      totalTimeoutMs: 60_000,
      idempotencyKey: 'one',
    };
    const { audio } = synthesizeSpeech('one');
    expect((await client.submit(audio, { ...options, durationSeconds: 1 })).mode).toBe('sync');
    const streamed = await client.submit(audio, { ...options, mode: 'stream' });
    expect(streamed.mode).toBe('stream');
    if (streamed.mode === 'stream') await streamed.live.finish();
  });

  it.each([
    [
      [{ source: new Uint8Array([1]), option: { priority: 1 } }],
      /'option' in items\[0\]\. Did you mean options\?/,
    ],
    [[{ source: new Uint8Array([1]), priority: 5 }], /'priority' in items\[0\]/],
    [new Array(1), /items\[0\]/],
  ])('enqueueMany() refuses items of another shape', async (items, message) => {
    await expect(client.enqueueMany(items)).rejects.toThrow(message);
    await expect(client.enqueueMany(items)).rejects.toBeInstanceOf(BadRequestError);
  });

  it('stream() refuses a model that is no string', () => {
    expect(() => client.stream({ model: 5 as unknown as string })).toThrow(BadRequestError);
  });

  it.each([
    [{ queue: { startWorker() {} } }, /queue/],
    [{ storage: { get() {}, put() {}, list() {}, delete() {} } }, /storage\.capabilities/],
    [
      { retry: { minDelayMs: 5000, maxDelayMs: 10 } },
      /retry\.minDelayMs must be at most retry\.maxDelayMs \(10\)/,
    ],
    [{ queue: { backoffMs: 5000, maxBackoffMs: 10 } }, /queue\.backoffMs must be at most/],
  ])('the constructor refuses %j', (options, message) => {
    const construct = () => new TranscriptionClient(options as never);
    expect(construct).toThrow(BadRequestError);
    expect(construct).toThrow(message);
  });
});
