import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { encodeWav, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createWebSocketBridge } from '../../src/server/websocket/index.js';
import { type Chromium, type ChromiumOptions, hasChromium, startChromium } from '../support/chromium.js';
import { clientOf } from '../support/client.js';
import { allOf, wordsIn } from '../support/delivered-audio.js';
import {
  type BrowserBundle,
  bundleForBrowser,
  type PageServer,
  startPageServer,
} from '../support/page-server.js';

const WORDS = 'nothing of what was said gets lost on its way';
/** In the page: what was heard so far. */
const FINALS = "told.flatMap(({ type, text }) => (type === 'final' && text ? [text] : [])).join(' ')";
/** The browser's own would take the tones of the synthetic voice for noise. */
const CONSTRAINTS = '{ echoCancellation: false, noiseSuppression: false, autoGainControl: false }';

/** For the words to come as one whole pass. On a busy machine the fake device leaves out sound in some. */
const LISTEN_MS = 90_000;

describe.skipIf(!hasChromium)('in Chromium, a microphone', { timeout: 2 * LISTEN_MS }, () => {
  let bundle: BrowserBundle;
  let folder: string;
  let wav: string;
  const open: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    bundle = await bundleForBrowser();
    folder = await mkdtemp(join(tmpdir(), 'microphone-'));
    wav = join(folder, 'speech.wav');
    const speech = synthesizeSpeech(WORDS, { sampleRate: 48_000, leadSeconds: 1, trailSeconds: 1 });
    await writeFile(wav, encodeWav(speech.pcm, { sampleRate: 48_000, channels: 1 }));
  });

  afterEach(async () => {
    for (const part of open.splice(0).reverse()) await part.close();
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function openPage(
    browserOptions: ChromiumOptions = {},
    serverOptions: Parameters<typeof startPageServer>[1] = {},
  ): Promise<{ page: Chromium; server: PageServer }> {
    const server = await startPageServer(bundle, serverOptions);
    open.push(server);
    const page = await startChromium({ microphone: wav, ...browserOptions });
    open.push(page);
    await page.open(server.url);
    await page.evaluate(`(async () => {
      window.lib = await import('/index.js');
      window.chunks = [];
      window.told = [];
      window.listen = (target, ...types) => {
        for (const type of types) target.on(type, (event) => told.push(event));
      };
      window.isSilent = (chunk) => chunk.every((byte) => byte === 0);
      window.record = (options) => {
        window.microphone = lib.createMicrophone({ constraints: ${CONSTRAINTS}, onAudio: (chunk) => chunks.push(chunk), ...options });
        return microphone;
      };
    })()`);
    return { page, server };
  }

  /** The words in what the microphone has handed out. */
  async function recordedWords(page: Chromium): Promise<string[]> {
    const chunks = await page.evaluate<string[]>('chunks.map((chunk) => chunk.toBase64())');
    return wordsIn(Buffer.concat(chunks.map((chunk) => Buffer.from(chunk, 'base64'))));
  }

  it('records raw audio at 16 kHz, and lets go of the device', async () => {
    const { page } = await openPage();
    await page.evaluate(`(async () => {
      record();
      listen(microphone, 'state', 'device', 'level');
      const track = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wishes) => (window.stream = await track(wishes));
      await microphone.start();
    })()`);
    expect(await page.evaluate('microphone.format')).toEqual({
      encoding: 'linear16',
      sample_rate: 16_000,
      channels: 1,
    });
    const heard = async () => (await recordedWords(page)).join(' ');
    await expect.poll(heard, { timeout: LISTEN_MS, interval: 500 }).toContain(WORDS);
    const live = await page.evaluate('stream.getTracks().map(({ readyState }) => readyState)');
    await page.evaluate('microphone.stop()');
    const ended = await page.evaluate('stream.getTracks().map(({ readyState }) => readyState)');
    expect([live, ended]).toEqual([['live'], ['ended']]);
    expect(await page.evaluate('chunks[3].length')).toBe(2560);
    const told = await page.evaluate<{ type: string; state?: string; peak: number; rms: number }[]>('told');
    expect(told.flatMap(({ type, state }) => (type === 'state' ? [state] : [])).at(-1)).toBe('stopped');
    const levels = told.filter(({ type }) => type === 'level');
    const seconds = (await page.evaluate<number>('chunks.length')) * 0.08;
    expect(levels.length / seconds).toBeGreaterThan(15);
    expect(levels.length / seconds).toBeLessThan(25);
    expect(Math.max(...levels.map(({ peak }) => peak))).toBeGreaterThan(0.2);
    expect(levels.every(({ rms, peak }) => rms <= peak && peak <= 1)).toBe(true);
    expect(page.errors).toEqual([]);
  });

  it('sends silence while it is muted, so that time goes on', async () => {
    const { page } = await openPage();
    await page.evaluate('record().mute()');
    await page.evaluate('microphone.start()');
    await page.waitFor('chunks.length > 40');
    expect(await page.evaluate('chunks.every(isSilent)')).toBe(true);
    await page.evaluate('microphone.unmute()');
    await page.waitFor('!chunks.every(isSilent)');
    await page.evaluate('microphone.mute()');
    // The words pause for two seconds, and these are longer.
    await page.waitFor('chunks.slice(-40).every(isSilent)');
  });

  it('changes its device while it records, and falls over to the default one where it is lost', async () => {
    const { page } = await openPage();
    await page.evaluate(`(async () => {
      listen(record(), 'device');
      const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      window.streams = [];
      navigator.mediaDevices.getUserMedia = async (wishes) => {
        streams.push(await open(wishes));
        return streams.at(-1);
      };
      await microphone.start();
    })()`);
    const devices = await page.evaluate<{ id: string; label: string }[]>('microphone.devices()');
    const other = devices.find(({ label }) => /Input 1/.test(label));
    await page.evaluate(`microphone.setDevice('${other?.id}')`);
    const before = await page.evaluate<number>('chunks.length');
    await page.waitFor(`chunks.length > ${before + 10}`);
    await page.evaluate(`(() => {
      const [track] = streams.at(-1).getTracks();
      track.stop();
      track.dispatchEvent(new Event('ended'));
    })()`);
    await page.waitFor("told.at(-1).reason === 'lost'");
    const after = await page.evaluate<number>('chunks.length');
    await page.waitFor(`chunks.length > ${after + 10}`);
    const told = await page.evaluate<{ reason: string; device: { label: string } }[]>('told');
    expect(told.map(({ reason }) => reason)).toEqual(['started', 'chosen', 'lost']);
    expect(told[1]?.device).toEqual(other);
    expect(told[2]?.device.label).toBe(told[0]?.device.label);
    expect(await page.evaluate('streams.map((stream) => stream.getTracks()[0].readyState)')).toEqual([
      'ended',
      'ended',
      'live',
    ]);
    const unknown = page.evaluate("microphone.setDevice('nobody').catch(({ code }) => code)");
    expect(await unknown).toBe('microphone_missing');
    expect(await page.evaluate('streams.at(-1).getTracks()[0].readyState')).toBe('live');
  });

  it('records compressed audio where it is asked to, and says nothing of its encoding', async () => {
    const { page } = await openPage();
    await page.evaluate("record({ capture: 'recorder' }).start()");
    await page.waitFor('chunks.length > 20');
    await page.waitFor('microphone.level.peak > 0.2');
    expect(await page.evaluate('microphone.format')).toEqual({});
    await page.evaluate('microphone.stop()');
    expect(await page.evaluate('[...chunks[0].slice(0, 4)]')).toEqual([0x1a, 0x45, 0xdf, 0xa3]);
    expect(await page.evaluate('microphone.state')).toBe('stopped');
  });

  it('can be read in a loop, stopped while it starts, and started again', async () => {
    const { page } = await openPage();
    const result = await page.evaluate(`(async () => {
      record();
      const failed = microphone.start().catch(({ code }) => code);
      await microphone.stop();
      const code = await failed;
      const loop = (async () => {
        let bytes = 0;
        for await (const chunk of microphone) bytes += chunk.length;
        return bytes;
      })();
      await microphone.start();
      const again = microphone.state;
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await microphone.stop();
      return [code, again, (await loop) === chunks.reduce((sum, { length }) => sum + length, 0), chunks.length > 8];
    })()`);
    expect(result).toEqual(['aborted', expect.stringMatching(/recording|suspended/), true, true]);
  });

  it('tells why it cannot start', async () => {
    const { page } = await openPage({ allowMicrophone: false });
    const start = 'record().start().catch(({ name, code, message }) => ({ name, code, message }))';
    expect(await page.evaluate(start)).toMatchObject({
      name: 'TranscriptionError',
      code: 'microphone_denied',
      message: /site settings/,
    });
    await page.evaluate(
      `navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'))`,
    );
    expect(await page.evaluate(start)).toMatchObject({ code: 'microphone_missing' });
    await page.evaluate(
      `navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotReadableError'))`,
    );
    expect(await page.evaluate(start)).toMatchObject({ code: 'microphone_busy' });
    expect(await page.evaluate('microphone.state')).toBe('stopped');
    // As in a page that was served neither over https nor from localhost.
    await page.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })");
    expect(await page.evaluate(start)).toMatchObject({ code: 'microphone_unsupported', message: /https/ });
    expect(await page.evaluate('microphone.devices()')).toEqual([]);
  });

  it('works under a strict Content-Security-Policy with workletUrl, and says so without it', async () => {
    const { page } = await openPage(
      {},
      {
        policy: "script-src 'self'",
        scripts: { 'worklet.js': (await import('../../src/browser/index.js')).MICROPHONE_WORKLET },
      },
    );
    expect(await page.evaluate('record().start().catch(({ code, message }) => [code, message])')).toEqual([
      'microphone_unsupported',
      expect.stringContaining('workletUrl'),
    ]);
    await page.evaluate("record({ workletUrl: '/worklet.js' }).start()");
    await page.waitFor('chunks.length > 10');
  });

  it('is heard through the bridge, also where the connection breaks in the middle', async () => {
    const emulator = await startDeepgramEmulator();
    open.push(emulator);
    const client = clientOf(emulator.url);
    open.push(client);
    const { page, server } = await openPage();
    const asked: (string | undefined)[] = [];
    const bridge = createWebSocketBridge(client, {
      authorize: ({ headers }) => {
        asked.push(headers['sec-websocket-protocol']);
        return { userId: 'ann' };
      },
    });
    bridge.attach(server.server);
    open.push(bridge);
    const sockets = new Set<Duplex>();
    server.server.on('upgrade', (_request, socket) => sockets.add(socket));
    await page.evaluate(`(() => {
      record({
        onAudio: (chunk) => {
          chunks.push(chunk);
          void live.send(chunk);
        },
      });
      window.live = lib.createLiveClient({
        url: '/stream',
        token: () => 'short-lived',
        options: { ...microphone.format, interim_results: true },
      });
      listen(live, 'state', 'latency', 'interim', 'final', 'error');
      return microphone.start();
    })()`);
    await page.waitFor("told.some(({ type, words }) => type === 'interim' && words.length > 2)", LISTEN_MS);
    for (const socket of sockets) socket.destroy();
    await page.waitFor("told.some(({ state }) => state === 'reconnecting')");
    await page.waitFor("told.findLast(({ type }) => type === 'state').state === 'open'");
    await page.waitFor(`${FINALS}.includes('${WORDS}')`, LISTEN_MS);
    const text = await page.evaluate('microphone.stop().then(() => live.finish()).then(({ text }) => text)');
    expect(text).toMatch(allOf(await recordedWords(page)));
    expect(await page.evaluate(FINALS)).toBe(text);
    expect(asked).toEqual(Array(2).fill('transcription.v1, bearer.short-lived'));
    expect(await page.evaluate("told.filter(({ type }) => type === 'latency').length > 0")).toBe(true);
  });

  it('is heard by Deepgram itself, over a connection of its own', async () => {
    const emulator = await startDeepgramEmulator();
    open.push(emulator);
    emulator.faults.live.next({ kind: 'drop', at: 'midWord' });
    const { page } = await openPage();
    await page.evaluate(`(() => {
      record({
        onAudio: (chunk) => {
          chunks.push(chunk);
          void live.send(chunk);
        },
      });
      window.tokens = 0;
      window.live = lib.createDirectClient({
        endpoint: '${emulator.url}',
        token: async () => 'token-' + ++tokens,
        options: { ...microphone.format, interim_results: true },
      });
      listen(live, 'final', 'reconnected');
      return microphone.start();
    })()`);
    await page.waitFor(`${FINALS}.includes('${WORDS}')`, LISTEN_MS);
    const text = await page.evaluate('microphone.stop().then(() => live.finish()).then(({ text }) => text)');
    expect(text).toMatch(allOf(await recordedWords(page)));
    expect(await page.evaluate('tokens')).toBe(2);
    expect(await page.evaluate("told.some(({ type }) => type === 'reconnected')")).toBe(true);
    expect(emulator.requests[0]?.credential?.scheme).toBe('bearer');
  });
});
