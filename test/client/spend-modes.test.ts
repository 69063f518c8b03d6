import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';

const { audio } = synthesizeSpeech('short and long');
const RAW = { encoding: 'linear16', sample_rate: 16_000 } as const;
const spend = { maxDurationSeconds: 60, unknownDuration: 'refuse' } as const;

describe('the length of the audio reaches the spend guard', () => {
  it('in transcribe() and in submit() as sync', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url, { spend });
    expect(await failureOf(client.transcribe(audio, { durationSeconds: 61 }))).toMatchObject({
      code: 'audio_too_long',
    });
    const tooLong = { durationSeconds: 61, mode: 'sync' } as const;
    expect(await failureOf(client.submit(audio, tooLong))).toMatchObject({ code: 'audio_too_long' });
    expect(emulator.requests).toHaveLength(0);
    const outcome = await client.submit(audio, { durationSeconds: 2 });
    expect(outcome.mode === 'sync' && outcome.transcript.text).toBe('short and long');
  });

  it('in enqueue() and in submit() as async, with the job', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url, { spend });
    const job = await client.enqueue(audio, { durationSeconds: 2 });
    expect((await job.result()).text).toBe('short and long');
    const tooLong = await client.submit(audio, { durationSeconds: 400 });
    if (tooLong.mode !== 'async') throw new Error(`mode ${tooLong.mode}`);
    expect(await failureOf(tooLong.job.result())).toMatchObject({ code: 'audio_too_long' });
    expect((await tooLong.job.status()).attempts).toBe(1);
    expect(emulator.requests).toHaveLength(1);
  });

  it('is not asked of live sessions', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url, { spend });
    const raw = synthesizeSpeech('short and long', { container: 'raw' }).audio;
    const outcome = await client.submit(
      (async function* () {
        yield raw;
      })(),
      { ...RAW, live: true, durationSeconds: 2 },
    );
    if (outcome.mode !== 'stream') throw new Error(`mode ${outcome.mode}`);
    expect((await outcome.live.finish()).text).toBe('short and long');
  });

  it.each([-1, Number.NaN, '5'])('and is checked: %s', async (durationSeconds) => {
    await using client = clientOf('http://127.0.0.1:9');
    const options = { durationSeconds } as { durationSeconds: number };
    for (const call of [
      client.transcribe(audio, options),
      client.enqueue(audio, options),
      client.submit(audio, options),
    ]) {
      expect(await failureOf(call)).toMatchObject({ name: 'BadRequestError', code: 'invalid_option' });
    }
  });
});
