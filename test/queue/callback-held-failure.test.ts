import { createMemoryStorage, type StorageAdapter } from 'transcription-client';
import { expect, it } from 'vitest';
import { eventually, resultOf, sentSecret, startCallbackRig } from '../client/callback-rig.js';

it('a transcript that comes while a failure is not stored yet is the result of the job', async () => {
  const memory = createMemoryStorage();
  const transact = memory.transact as NonNullable<StorageAdapter['transact']>;
  let isDown = false;
  const whileUp = <Value>(act: () => Promise<Value>): Promise<Value> =>
    isDown ? Promise.reject(new Error('down')) : act();
  const storage: StorageAdapter = {
    ...memory,
    put: (...args) => whileUp(() => memory.put(...args)),
    transact: (changes) => whileUp(() => transact(changes)),
  };
  await using rig = await startCallbackRig({ storage, processingMs: 10_000_000 });
  const source = 'https://example.com/a.wav';
  const job = await rig.client.enqueue(source, { delivery: 'callback', attempts: 1 });
  await rig.waits(job);
  isDown = true;
  await rig.clock.advance(60_000);
  await eventually(async () => {
    await rig.clock.advance(100);
    expect(await job.status()).toMatchObject({ state: 'failed' });
  });
  expect(await rig.data(job.id)).toMatchObject({ state: 'active' });
  isDown = false;
  const requestId = rig.submissions[0]?.requestId ?? '';
  const broken = { metadata: { request_id: requestId, extra: { callback_secret: sentSecret(rig) } } };
  expect(await rig.client.handleCallback({ body: broken })).toMatchObject({ outcome: 'stale' });
  const body = resultOf(sentSecret(rig), requestId);
  expect(await rig.client.handleCallback({ body })).toMatchObject({ outcome: 'completed' });
  await rig.clock.advance(60_000);
  expect(await job.status()).toMatchObject({ state: 'completed' });
  expect((await job.result()).text).toBe('taken from the callback');
});
