import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createFileAudioStore } from 'transcription-client/files';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';

const one = synthesizeSpeech('one').audio;
const other = synthesizeSpeech('another one').audio;
const stream = (bytes: Uint8Array): Readable => Readable.from([bytes]);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'submit-keys-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('the key of a submission', () => {
  it('stands for the mode of the first one, whatever the router thinks of the next', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url, {
      router: {
        rules: [
          { name: 'vip', decide: ({ durationSeconds }) => (durationSeconds === 2 ? 'async' : undefined) },
        ],
      },
    });
    const call = { idempotencyKey: 'k', userId: 'ada' };
    const first = await client.submit(one, { ...call, durationSeconds: 1 });
    const second = await client.submit(one, { ...call, durationSeconds: 2 });
    expect(second).toMatchObject({ mode: 'sync', decision: { rule: 'idempotency-key', mode: 'sync' } });
    if (first.mode !== 'sync' || second.mode !== 'sync') throw new Error('Both are synchronous.');
    expect(second.transcript.id).toBe(first.transcript.id);
    expect(emulator.requests).toHaveLength(1);
    // Another user's key is another one.
    const ofBen = await client.submit(one, { ...call, userId: 'ben', durationSeconds: 2 });
    expect(ofBen.mode).toBe('async');
  });

  it('is refused in another mode that was asked for, and with other audio', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url);
    const call = { idempotencyKey: 'k' };
    await client.submit(one, { ...call, mode: 'sync' });
    for (const refused of [
      client.submit(one, { ...call, mode: 'async' }),
      client.submit(other, { ...call, mode: 'async' }),
      client.submit(other, { ...call, mode: 'sync' }),
    ]) {
      expect((await failureOf(refused)).code).toBe('idempotency_conflict');
    }
    expect(emulator.requests).toHaveLength(1);
  });

  it('is free again where the submission has failed', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url);
    const call = { idempotencyKey: 'k' };
    const failed = await failureOf(client.submit(new Uint8Array([1, 2, 3]), { ...call, mode: 'sync' }));
    expect(failed.code).not.toBe('idempotency_conflict');
    expect((await client.submit(one, { ...call, mode: 'async' })).mode).toBe('async');
  });
});

describe('the key of a job whose audio can be read only once', () => {
  it('stands for that audio', async () => {
    await using emulator = await startDeepgramEmulator();
    const audioStore = createFileAudioStore({ directory: folder });
    await using client = clientOf(emulator.url, { audioStore });
    const call = { idempotencyKey: 'k' };
    const first = await client.enqueue(stream(one), call);
    const again = await client.enqueue(stream(one), call);
    expect(again.id).toBe(first.id);
    expect((await client.enqueue(one, call)).id).toBe(first.id);
    const refused = await failureOf(client.enqueue(stream(other), call));
    expect(refused.code).toBe('idempotency_conflict');
    await first.result();
    expect(emulator.requests).toHaveLength(1);
  });
});
