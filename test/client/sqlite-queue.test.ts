import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TranscriptionClient } from 'transcription-client';
import { createSqliteQueue, createSqliteStorage } from 'transcription-client/sqlite';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
let emulator: Awaited<ReturnType<typeof startDeepgramEmulator>>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sqlite-queue-'));
  emulator = await startDeepgramEmulator();
});

afterEach(async () => {
  await emulator.close();
  await rm(folder, { recursive: true });
});

/** Everything in one file. */
function open(queue: object = {}) {
  const path = join(folder, 'transcription.db');
  const storage = createSqliteStorage({ path });
  const client = new TranscriptionClient({
    apiKey: 'test',
    regions: [{ name: 'emulator', endpoint: emulator.url, allowedSources: ['127.0.0.1'] }],
    storage,
    queue: { adapter: createSqliteQueue({ path }), ...queue },
  });
  return {
    client,
    async close() {
      await client.close({ timeoutMs: 0 });
      await storage.close?.();
    },
  };
}

describe('a client on one file of SQLite', () => {
  it('works on its jobs by itself', async () => {
    const { client, close } = open();
    const url = emulator.serveAudio(synthesizeSpeech('good morning').audio);
    const job = await client.enqueue(url);
    expect((await job.result({ timeoutMs: 10_000 })).text).toBe('good morning');
    expect(await client.health()).toMatchObject({ status: 'ok', problems: [] });
    await close();
  });

  it('goes on with the jobs of the process before it', async () => {
    const before = open({ autoStart: false });
    const url = emulator.serveAudio(synthesizeSpeech('good evening').audio);
    const { id } = await before.client.enqueue(url);
    await before.close();
    const after = open();
    after.client.startWorker();
    const job = await after.client.jobs.get(id);
    expect((await job?.result({ timeoutMs: 10_000 }))?.text).toBe('good evening');
    await after.close();
  });

  it('refuses bytes, which a worker elsewhere could not read', async () => {
    const { client, close } = open();
    await expect(client.enqueue(synthesizeSpeech('x').audio)).rejects.toMatchObject({ name: 'QueueError' });
    await close();
  });
});
