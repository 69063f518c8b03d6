import { createMemoryStorage, type StorageAdapter } from 'transcription-client';
import { describe, expect, it, vi } from 'vitest';
import { clientOf } from '../support/client.js';
import { listenAnswer, startAnswering } from '../support/fault-server.js';
import { ManualClock } from '../support/manual-clock.js';

const AUDIO = new Uint8Array([1, 2, 3]);
const GOOD = { status: 200, body: listenAnswer() };

/** A storage that refuses the first `failures` writes. */
function failing(failures: number) {
  const memory = createMemoryStorage();
  let left = failures;
  const put = vi.fn<StorageAdapter['put']>(async (...args) => {
    left -= 1;
    if (left >= 0) throw new Error('disk full');
    return memory.put(...args);
  });
  const storage: StorageAdapter = {
    capabilities: memory.capabilities,
    get: (...args) => memory.get(...args),
    list: (...args) => memory.list(...args),
    delete: (...args) => memory.delete(...args),
    put,
  };
  return { storage, put };
}

async function clientWith(failures: number, attempts: number) {
  const server = await startAnswering(GOOD);
  const clock = new ManualClock();
  const { storage, put } = failing(failures);
  const client = clientOf(server.url, { clock, storage, storageRetry: { attempts } });
  const events: string[] = [];
  client.on('storage-failure', ({ operation }) => events.push(`failed ${operation}`));
  client.on('warning', ({ code }) => events.push(code));
  return { server, clock, client, put, events };
}

describe('storageRetry', () => {
  it('writes again on the client’s clock, after the transcript was returned', async () => {
    const { server, clock, client, put, events } = await clientWith(2, 4);
    const { id } = await client.transcribe(AUDIO);
    expect(put).toHaveBeenCalledTimes(1);
    expect(await client.transcripts.get(id)).toBeUndefined();
    await clock.advance(999);
    expect(put).toHaveBeenCalledTimes(1);
    await clock.advance(10_000);
    expect((await client.transcripts.get(id))?.text).toBe('hello world');
    expect(put).toHaveBeenCalledTimes(3);
    expect(events).toEqual(['failed put', 'failed put']);
    expect(clock.pendingTimers).toBe(0);
    await client.close();
    await server[Symbol.asyncDispose]();
  });

  it('gives up after its attempts, and says so', async () => {
    const { server, clock, client, put, events } = await clientWith(99, 3);
    await client.transcribe(AUDIO);
    await clock.advance(200_000);
    expect(put).toHaveBeenCalledTimes(3);
    expect(events).toEqual(['failed put', 'failed put', 'failed put', 'transcript-not-stored']);
    await client.close();
    await server[Symbol.asyncDispose]();
  });

  it('is off by default', async () => {
    const { server, clock, client, put, events } = await clientWith(1, 1);
    await client.transcribe(AUDIO);
    await clock.advance(200_000);
    expect(put).toHaveBeenCalledTimes(1);
    expect(events).toEqual(['failed put']);
    await client.close();
    await server[Symbol.asyncDispose]();
  });

  it('ends with the client, which says what was lost', async () => {
    const { server, clock, client, put, events } = await clientWith(99, 100);
    await client.transcribe(AUDIO);
    const closed = client.close({ timeoutMs: 500 });
    await clock.advance(500);
    await closed;
    expect(put).toHaveBeenCalledTimes(1);
    expect(events).toEqual(['failed put', 'transcript-not-stored']);
    expect(clock.pendingTimers).toBe(0);
    await server[Symbol.asyncDispose]();
  });
});
