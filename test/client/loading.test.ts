import { type ClientEvent, TranscriptionClient } from 'transcription-client';
import { describe, expect, it, vi } from 'vitest';

const URL = 'http://127.0.0.1:9/a.wav';

describe('a first call that is aborted while its code is loading', () => {
  it('ends at once, and tells its events all the same', async () => {
    await using client = new TranscriptionClient({ apiKey: 'key' });
    const events: ClientEvent[] = [];
    client.on('request-start', (event) => events.push(event));
    client.on('request-end', (event) => events.push(event));
    const controller = new AbortController();
    const call = client.transcribe(URL, { signal: controller.signal });
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
    await vi.waitFor(() => expect(events).toMatchObject([{}, { type: 'request-end', status: 'cancelled' }]), {
      timeout: 5000,
    });
  });

  it('tells a hook of its end before the hook is closed', async () => {
    const told: string[] = [];
    const hook = {
      onEvent: ({ type }: ClientEvent) => void told.push(type),
      close: async () => void told.push('close'),
    };
    const client = new TranscriptionClient({ apiKey: 'key', metrics: [hook] });
    const controller = new AbortController();
    const call = client.transcribe(URL, { signal: controller.signal });
    controller.abort();
    await Promise.all([expect(call).rejects.toMatchObject({ code: 'aborted' }), client.close()]);
    expect(told).toEqual(['request-start', 'request-end', 'close']);
  });

  it.each(['enqueue', 'submit'] as const)('ends %s() at once', async (method) => {
    await using client = new TranscriptionClient({ apiKey: 'key', queue: { autoStart: false } });
    const controller = new AbortController();
    const call = client[method](URL, { signal: controller.signal });
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
    expect((await client.jobs.list()).items).toEqual([]);
  });
});
