import { createServer } from 'node:http';
import express from 'express';
import { createMemoryStorage, type StorageAdapter, TranscriptionClient } from 'transcription-client';
import {
  type DeepgramEmulator,
  type DeepgramEmulatorOptions,
  startDeepgramEmulator,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { expect, onTestFinished, test } from 'vitest';
import type { BridgeEvent } from '../../../src/contracts/index.js';
import type { WebSocketBridgeOptions } from '../../../src/server/websocket/index.js';
import { deferred } from '../../../src/streaming/deferred.js';
import { createRandom } from '../../../src/testing/emulator/faults-random.js';
import { type Browser, type Rig, startRigOf, until } from './bridge-rig.js';

const KEY = 'canary-api-key-0123456789';
const TEXT =
  'the quick brown fox jumps over the lazy dog while seven wizards quietly mix strong potions for a very long winter night';
const OPTIONS = { encoding: 'linear16', sample_rate: 16_000, interim_results: true };
const FRAME_BYTES = 3200;

async function start(
  options: Partial<WebSocketBridgeOptions> = {},
  emulatorOptions: DeepgramEmulatorOptions = {},
  storage: StorageAdapter = createMemoryStorage(),
): Promise<Rig<TranscriptionClient> & { emulator: DeepgramEmulator }> {
  const emulator = await startDeepgramEmulator(emulatorOptions);
  const client = new TranscriptionClient({
    apiKey: KEY,
    regions: [{ name: 'here', endpoint: emulator.url }],
    storage,
  });
  const rig = await startRigOf(client, options);
  onTestFinished(async () => {
    await rig.bridge.close({ timeoutMs: 0 });
    await client.close({ timeoutMs: 0 });
    await emulator.close();
  });
  return { ...rig, emulator };
}

/** Sends audio from where the bridge is, a stretch of it. */
async function speak(browser: Browser, audio: Uint8Array, until_: number): Promise<void> {
  while (browser.position < until_) {
    const end = Math.min(until_, browser.position + FRAME_BYTES);
    browser.audio(audio.subarray(browser.position, end));
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
}

function wordsOf(events: readonly BridgeEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'final' ? event.words.map(({ word }) => word) : []));
}

test("every word of a browser arrives, is stored as its user's, and no key leaves", async () => {
  const rig = await start();
  const { audio, words } = synthesizeSpeech(TEXT, { container: 'raw', sampleRate: 16_000 });
  const browser = await rig.browser();
  await browser.start({ options: OPTIONS });
  await speak(browser, audio, audio.length);
  browser.say({ type: 'finish' });
  expect((await browser.closed).code).toBe(1000);

  expect(wordsOf(browser.events())).toEqual(words.map(({ word }) => word));
  expect(browser.events().some(({ type }) => type === 'interim')).toBe(true);
  const end = browser.events().at(-1);
  expect(end).toMatchObject({ type: 'end', transcript: { text: TEXT, mode: 'stream' } });
  const { items } = await rig.client.transcripts.list({ userId: 'anna' });
  expect(items.map(({ text }) => text)).toEqual([TEXT]);
  expect((await rig.client.transcripts.list({ userId: 'ben' })).items).toEqual([]);
  expect(browser.texts.join('\n')).not.toContain(KEY);
});

test('the end comes when the transcript is stored, however long that takes', async () => {
  const storage = createMemoryStorage();
  const { put } = storage;
  const opened = deferred<void>();
  let isAsked = false;
  storage.put = async (...parameters) => {
    isAsked = true;
    await opened.promise;
    return put.apply(storage, parameters);
  };
  const rig = await start({}, {}, storage);
  const browser = await rig.browser();
  await browser.start({ options: OPTIONS });
  const { audio } = synthesizeSpeech('kept first', { container: 'raw', sampleRate: 16_000 });
  await speak(browser, audio, audio.length);
  browser.say({ type: 'finish' });
  await until(() => isAsked, 'the storage');
  browser.say({ type: 'ping', id: 1 });
  await browser.next('pong');
  expect(browser.events().map(({ type }) => type)).not.toContain('end');
  const stored = until(() => browser.events().at(-1)?.type === 'end', 'the end').then(() =>
    rig.client.transcripts.list({ userId: 'anna' }),
  );
  opened.resolve();
  expect((await stored).items.map(({ text }) => text)).toEqual(['kept first']);
  expect((await browser.closed).code).toBe(1000);
  expect(browser.events().map(({ type }) => type)).toContain('final');
});

test('a storage that fails costs no end', async () => {
  const storage = createMemoryStorage();
  storage.put = () => Promise.reject(new Error('no room'));
  const rig = await start({}, {}, storage);
  const browser = await rig.browser();
  await browser.start({ options: OPTIONS });
  browser.say({ type: 'finish' });
  expect((await browser.closed).code).toBe(1000);
  expect(browser.events().at(-1)).toMatchObject({ type: 'end', transcript: { text: '' } });
});

test.each([
  ['alone', 0],
  ['and that of Deepgram too', 2],
])(
  'the connection of a browser breaks in mid-word again and again, %s: no word is lost, and none comes twice',
  {
    timeout: 60_000,
  },
  async (_what, deepgramDrops) => {
    const seed = Number(process.env.BRIDGE_SEED ?? Math.floor(Math.random() * 1e9));
    console.log(`BRIDGE_SEED=${seed}`);
    const random = createRandom(seed);
    const rig = await start();
    if (deepgramDrops > 0) rig.emulator.faults.live.next({ kind: 'drop', at: 'midWord' }, deepgramDrops);
    const { audio, words } = synthesizeSpeech(deepgramDrops > 0 ? TEXT : `${TEXT} ${TEXT}`, {
      container: 'raw',
      sampleRate: 16_000,
    });
    const events: { seq: number; event: BridgeEvent }[] = [];
    let session: string | undefined;
    const drops = 8;
    for (let i = 0; i <= drops; i++) {
      const browser = await rig.browser();
      const received = events.at(-1)?.seq ?? 0;
      const ready = await browser.start(session === undefined ? { options: OPTIONS } : { session, received });
      session = ready.session;
      if (i === drops) {
        await speak(browser, audio, audio.length);
        browser.say({ type: 'finish' });
        expect((await browser.closed).code).toBe(1000);
      } else {
        const word = words[Math.floor(((i + random()) / drops) * words.length)] ?? words[0];
        const middle = Math.round((((word?.start ?? 0) + (word?.end ?? 0)) / 2) * 16_000) * 2;
        await speak(browser, audio, Math.max(middle, browser.position));
        // What has not left is gone, and the bridge hears nothing of it.
        browser.socket.terminate();
        await browser.closed;
        if (random() < 0.5) await until(() => rig.bridge.connections === 0, 'the end of the connection');
      }
      events.push(...browser.of('event'));
    }
    expect(wordsOf(events.map(({ event }) => event))).toEqual(words.map(({ word }) => word));
    const seqs = events.map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    expect(rig.emulator.requests.filter(({ live }) => live !== undefined)).toHaveLength(1 + deepgramDrops);
  },
);

test('a refused key is an error as data, with no key in it', async () => {
  const rig = await start({}, { apiKeys: ['another'] });
  const browser = await rig.browser();
  await browser.start({ options: OPTIONS });
  expect((await browser.closed).code).toBe(1000);
  expect(browser.events()).toContainEqual({
    type: 'error',
    error: expect.objectContaining({ name: 'AuthError', code: 'invalid_credentials', retryable: false }),
  });
  expect(browser.texts.join('\n')).not.toContain(KEY);
  expect(JSON.stringify(rig.activity)).not.toContain(KEY);
});

test('options that are wrong together are told by the client', async () => {
  const rig = await start();
  const browser = await rig.browser();
  browser.say({ type: 'start', options: { encoding: 'linear16', sample_rate: 'fast' } });
  expect(await browser.closed).toMatchObject({ code: 4400, reason: expect.stringContaining('sample_rate') });
  expect(rig.bridge.sessions).toBe(0);
});

test('a client that is closed ends its sessions', async () => {
  const rig = await start();
  const browser = await rig.browser();
  await browser.start({ options: OPTIONS });
  await rig.client.close();
  expect((await browser.closed).code).toBe(1000);
  const late = await rig.browser();
  late.say({ type: 'start', options: OPTIONS });
  expect((await late.closed).code).toBe(1011);
});

test('it stands beside the routes of Express', async () => {
  const emulator = await startDeepgramEmulator();
  const client = new TranscriptionClient({
    apiKey: KEY,
    regions: [{ name: 'here', endpoint: emulator.url }],
  });
  onTestFinished(async () => {
    await client.close({ timeoutMs: 0 });
    await emulator.close();
  });
  const app = express();
  app.get('/hello', (_request, response) => void response.send('hello'));
  const rig = await startRigOf(client, { path: '/live/stream' }, createServer(app));
  expect(await (await fetch(`http://127.0.0.1:${rig.port}/hello`)).text()).toBe('hello');
  const browser = await rig.browser({ path: '/live/stream' });
  await browser.start({ options: OPTIONS });
  const { audio } = synthesizeSpeech('beside express', { container: 'raw', sampleRate: 16_000 });
  await speak(browser, audio, audio.length);
  browser.say({ type: 'finish' });
  await browser.closed;
  expect(browser.events().at(-1)).toMatchObject({ type: 'end', transcript: { text: 'beside express' } });
});
