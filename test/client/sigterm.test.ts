import { TranscriptionClient } from 'transcription-client';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { buildScript, type Script } from '../support/script-process.js';

let script: Script | undefined;

afterAll(() => script?.dispose());

const count = () => process.listenerCount('SIGTERM');

describe('the listener for SIGTERM', () => {
  it.each([
    ['the close of the client', (client: TranscriptionClient) => client.close()],
    ['the close of the worker', async (_client: TranscriptionClient, close: () => Promise<void>) => close()],
  ])('goes with %s', async (_name, end) => {
    const before = count();
    const client = new TranscriptionClient({ apiKey: 'test' });
    const worker = client.startWorker({ closeOnSigterm: true });
    expect(count()).toBe(before + 1);
    await end(client, () => worker.close({ timeoutMs: 0 }));
    expect(count()).toBe(before);
    await client.close();
    expect(count()).toBe(before);
  });

  it('is that of the last worker', async () => {
    const before = count();
    const client = new TranscriptionClient({ apiKey: 'test', queue: { autoStart: false } });
    for (let round = 0; round < 2; round += 1) {
      const worker = client.startWorker({ closeOnSigterm: true });
      expect(count()).toBe(before + 1);
      await client.jobs.list();
      await worker.close({ timeoutMs: 0 });
      expect(count()).toBe(before);
    }
    client.startWorker({ closeOnSigterm: true });
    await client.close();
    expect(count()).toBe(before);
  });
});

describe('SIGTERM in a process with two clients', () => {
  it('ends the process when both are closed, and the job of the slower one is done', async () => {
    const emulator = await startDeepgramEmulator({ processingMs: 1500 });
    script = await buildScript(new URL('sigterm-child.ts', import.meta.url));
    const audio = emulator.serveAudio(synthesizeSpeech('one two').audio);
    const child = script.start(emulator.url, audio);
    try {
      await child.printed('ready');
      await vi.waitFor(() => expect(child.lines).toContain('busy active'), 10_000);
      child.signal('SIGTERM');
      await child.printed('idle closed');
      expect(child.lines).not.toContain('busy completed');
      expect(await child.ended()).toBe('SIGTERM');
      expect(child.lines.slice(-2)).toEqual(['busy completed', 'busy closed']);
    } finally {
      await child.kill();
      await emulator.close();
    }
  }, 30_000);
});
