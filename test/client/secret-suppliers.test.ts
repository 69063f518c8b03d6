import { type ClientOptions, TranscriptionClient, TranscriptionError } from 'transcription-client';
import {
  type DeepgramEmulator,
  type FaultProxy,
  startDeepgramEmulator,
  startFaultProxy,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureOf } from '../support/client.js';
import { collect, RAW_16K } from '../support/live.js';

const RETRY = { attempts: 3, minDelayMs: 1, maxDelayMs: 1 };

let emulator: DeepgramEmulator;
let proxy: FaultProxy;

beforeAll(async () => {
  emulator = await startDeepgramEmulator();
  proxy = await startFaultProxy({ target: emulator.url });
});

afterAll(async () => {
  await proxy.close();
  await emulator.close();
});

/** A client whose token function fails in the calls named, counted from 1. */
function clientFailing(inCalls: (call: number) => boolean, failure: () => unknown, more: ClientOptions = {}) {
  let calls = 0;
  const client = new TranscriptionClient({
    regions: [{ name: 'here', endpoint: proxy.url }],
    retry: RETRY,
    accessToken: async () => {
      calls += 1;
      if (inCalls(calls)) throw failure();
      return `token-${calls}`;
    },
    ...more,
  });
  return { client, calls: () => calls };
}

const fetchFailed = (): Error => new TypeError('fetch failed');
const refused = (): Error => new TranscriptionError('The user may not.', { code: 'forbidden' });
const unavailable = (): Error =>
  new TranscriptionError('The vault restarts.', { code: 'network', retryable: true });

describe('a token function that fails', () => {
  it.each([
    ['with an error of its own', fetchFailed],
    ['with a retryable error of ours', unavailable],
    ['with something that is no error', () => 'down'],
  ])('%s at reconnects does not end a stream', async (_name, failure) => {
    const { client, calls } = clientFailing((call) => call === 2 || call === 3, failure);
    const live = client.stream({ ...RAW_16K, model: 'nova-3' });
    await live.opened;
    await live.send(synthesizeSpeech('hello big world', { container: 'raw' }).audio);
    const reconnected = new Promise((resolve) => live.on('reconnected', resolve));
    proxy.reset();
    await reconnected;
    expect(calls()).toBe(4);
    expect((await live.finish()).text).toBe('hello big world');
    expect((await collect(live)).map(({ type }) => type)).not.toContain('error');
    await client.close();
  });

  it('with an error of ours that no retry helps ends a stream at once', async () => {
    const { client, calls } = clientFailing((call) => call > 1, refused);
    const live = client.stream({ ...RAW_16K, model: 'nova-3' });
    await live.opened;
    await live.send(new Uint8Array(640));
    const failed = new Promise<Error>((resolve) => live.on('error', ({ error }) => resolve(error)));
    proxy.reset();
    expect(await failed).toMatchObject({ code: 'forbidden' });
    expect(calls()).toBe(2);
    await client.close();
  });

  it('at the first connection of a stream fails it with that error, after the time of a first connection', async () => {
    const { client, calls } = clientFailing(() => true, fetchFailed);
    const live = client.stream({ ...RAW_16K, model: 'nova-3', reconnect: { giveUpAfterMs: 600 } });
    const error = await failureOf(live.opened);
    expect(error).toMatchObject({
      name: 'AuthError',
      code: 'missing_credentials',
      cause: { message: 'fetch failed' },
    });
    expect(calls()).toBeGreaterThan(1);
    await client.close();
  });

  it('once is asked again by transcribe(), as often as retry says', async () => {
    const { audio } = synthesizeSpeech('hello');
    const once = clientFailing((call) => call === 1, fetchFailed);
    expect((await once.client.transcribe(audio)).text).toBe('hello');
    const always = clientFailing(() => true, fetchFailed);
    expect(await failureOf(always.client.transcribe(audio))).toMatchObject({
      name: 'AuthError',
      code: 'missing_credentials',
      retryable: true,
      ambiguous: false,
      attempt: 3,
      cause: { message: 'fetch failed' },
    });
    expect(always.calls()).toBe(3);
    await once.client.close();
    await always.client.close();
  });
});

it.each([
  ['nothing', () => '', 'missing_credentials'],
  ['what no header can carry', () => 'to\nken', 'invalid_credentials'],
])('a token function that returns %s is not asked again', async (_name, value, code) => {
  let calls = 0;
  const { client } = clientFailing(() => false, fetchFailed, {
    accessToken: () => {
      calls += 1;
      return value();
    },
  });
  expect(await failureOf(client.transcribe(synthesizeSpeech('hello').audio))).toMatchObject({ code });
  expect(await failureOf(client.stream({ ...RAW_16K, model: 'nova-3' }).opened)).toMatchObject({ code });
  expect(calls).toBe(2);
  await client.close();
});
