import { afterEach, describe, expect, it } from 'vitest';
import type { ResolvedSource } from '../../src/contracts/audio-source.js';
import {
  createHarness,
  type Harness,
  type HarnessOptions,
  URL_SOURCE,
  upload,
  urlSource,
} from './harness.js';

const open: Harness[] = [];

function harness(options: HarnessOptions = {}): Harness {
  const created = createHarness({ whole: true, ...options });
  open.push(created);
  return created;
}

afterEach(async () => {
  for (const { jobs } of open.splice(0)) await jobs.close({ timeoutMs: 0 });
});

/** Audio in memory that says so. */
function bytes(text: string): ResolvedSource {
  return { ...upload('bytes'), open: async () => opened(text) };
}

function opened(text: string) {
  const chunks = (async function* () {
    yield new TextEncoder().encode(text);
  })();
  return { chunks, close: async () => undefined };
}

describe('enqueue() with an idempotencyKey', () => {
  it('returns the job of the first call, in whatever state it is', async () => {
    const { jobs, call, calls } = harness();
    const options = { idempotencyKey: 'order-7', userId: 'u1' };
    const first = await jobs.enqueue(URL_SOURCE, options);
    expect((await jobs.enqueue(URL_SOURCE, options)).id).toBe(first.id);
    (await call(0)).resolve();
    await first.result();
    const later = await jobs.enqueue(URL_SOURCE, options);
    expect(await later.status()).toMatchObject({ id: first.id, state: 'completed' });
    expect(calls).toHaveLength(1);
  });

  it('makes one job of many calls at once', async () => {
    const { jobs, storage } = harness({ settings: { autoStart: false } });
    const made = await Promise.all(
      Array.from({ length: 50 }, () => jobs.enqueue(URL_SOURCE, { idempotencyKey: 'k' })),
    );
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect((await storage.list('jobs', {})).items).toHaveLength(1);
  });

  it.each<[string, ResolvedSource, ResolvedSource]>([
    ['another URL', URL_SOURCE, urlSource('other.wav')],
    ['other audio', bytes('a'), bytes('b')],
    ['audio instead of a URL', URL_SOURCE, bytes('a')],
  ])('refuses %s', async (_, before, after) => {
    const { jobs, storage } = harness({ settings: { autoStart: false } });
    await jobs.enqueue(before, { idempotencyKey: 'k' });
    await expect(jobs.enqueue(after, { idempotencyKey: 'k' })).rejects.toMatchObject({
      name: 'BadRequestError',
      code: 'idempotency_conflict',
    });
    expect((await storage.list('jobs', {})).items).toHaveLength(1);
  });

  it.each([
    ['user', { userId: 'u2' }],
    ['region', { region: 'eu' }],
    ['Deepgram option', { punctuate: true }],
    ['key', { idempotencyKey: 'other' }],
  ])('makes another job for another %s', async (_, other) => {
    const { jobs } = harness({ settings: { autoStart: false } });
    const options = { idempotencyKey: 'k', userId: 'u1' };
    const first = await jobs.enqueue(URL_SOURCE, options);
    expect((await jobs.enqueue(URL_SOURCE, { ...options, ...other })).id).not.toBe(first.id);
  });

  it('takes the same options in any order for the same', async () => {
    const { jobs } = harness({ settings: { autoStart: false } });
    const first = await jobs.enqueue(URL_SOURCE, { idempotencyKey: 'k', punctuate: true, model: 'nova-3' });
    const second = await jobs.enqueue(URL_SOURCE, { model: 'nova-3', punctuate: true, idempotencyKey: 'k' });
    expect(second.id).toBe(first.id);
  });

  it('makes a new job where that of the key is gone, or its time is over', async () => {
    const { jobs, clock, call } = harness();
    const options = { idempotencyKey: 'k' };
    const first = await jobs.enqueue(URL_SOURCE, options);
    (await call(0)).resolve();
    await first.result();
    await jobs.remove(first.id);
    const second = await jobs.enqueue(URL_SOURCE, options);
    expect(second.id).not.toBe(first.id);
    await clock.advance(24 * 3_600_000 + 1);
    expect((await jobs.enqueue(URL_SOURCE, options)).id).not.toBe(second.id);
  });

  it('makes one job of two items with one key, and none where their audio differs', async () => {
    const { jobs, storage } = harness({ settings: { autoStart: false } });
    const options = { idempotencyKey: 'k' };
    const [first, second, third] = await jobs.enqueueMany([
      { source: URL_SOURCE, options },
      { source: URL_SOURCE, options: {} },
      { source: URL_SOURCE, options },
    ]);
    expect(third?.id).toBe(first?.id);
    expect(second?.id).not.toBe(first?.id);
    const other = { idempotencyKey: 'k2' };
    await expect(
      jobs.enqueueMany([
        { source: URL_SOURCE, options: other },
        { source: urlSource('b'), options: other },
      ]),
    ).rejects.toMatchObject({ code: 'idempotency_conflict' });
    expect((await storage.list('jobs', {})).items).toHaveLength(2);
  });

  it('makes the missing ones of a batch that was half done before', async () => {
    const { jobs } = harness({ settings: { autoStart: false } });
    const before = await jobs.enqueue(URL_SOURCE, { idempotencyKey: 'a' });
    const batch = await jobs.enqueueMany([
      { source: URL_SOURCE, options: { idempotencyKey: 'a' } },
      { source: URL_SOURCE, options: { idempotencyKey: 'b' } },
    ]);
    expect(batch[0]?.id).toBe(before.id);
    expect(batch[1]?.id).not.toBe(before.id);
    expect((await jobs.list()).items).toHaveLength(2);
  });

  it('lets go of a stream whose job is there already, without reading it', async () => {
    const { jobs } = harness({ settings: { autoStart: false } });
    const { audioStore, put, dropped } = countingAudioStore();
    const other = harness({ audioStore, settings: { autoStart: false } });
    const stream = (): ResolvedSource & { discarded?: boolean } => ({
      ...upload('stream', false),
      discard() {
        this.discarded = true;
      },
    });
    await jobs.enqueue(URL_SOURCE);
    const first = await other.jobs.enqueue(stream(), { idempotencyKey: 'k' });
    const again = stream();
    expect((await other.jobs.enqueue(again, { idempotencyKey: 'k' })).id).toBe(first.id);
    expect(again.discarded).toBe(true);
    expect(put()).toBe(1);
    expect(dropped()).toBe(0);
  });

  it.each([[''], ['x'.repeat(256)], [7]])('refuses %j, which is no key', async (key) => {
    const { jobs } = harness();
    await expect(jobs.enqueue(URL_SOURCE, { idempotencyKey: key as string })).rejects.toMatchObject({
      code: 'invalid_option',
    });
  });
});

function countingAudioStore() {
  let puts = 0;
  let deletes = 0;
  return {
    put: () => puts,
    dropped: () => deletes,
    audioStore: {
      capabilities: { shared: true, durable: true },
      async put(audio: AsyncIterable<Uint8Array>) {
        puts += 1;
        let sizeBytes = 0;
        for await (const chunk of audio) sizeBytes += chunk.byteLength;
        return { ref: `aud_${puts}`, sizeBytes };
      },
      open: async () => opened('a'),
      async delete() {
        deletes += 1;
        return true;
      },
    },
  };
}
