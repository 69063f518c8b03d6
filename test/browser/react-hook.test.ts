import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { encodeWav, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { createWebSocketBridge } from '../../src/server/websocket/index.js';
import { hasChromium, startChromium } from '../support/chromium.js';
import { clientOf } from '../support/client.js';
import { allOf, KEEP_SENT_AUDIO, sentAudio, wordsIn } from '../support/delivered-audio.js';
import { startPageServer } from '../support/page-server.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

const PAGE = `
import { createElement as h, StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { useLiveCaptions } from './examples/03-live-captions/use-live-captions.tsx';

function Captions() {
  const live = useLiveCaptions({ url: '/stream' });
  window.hook = live;
  return h('p', {}, live.captions.join(' ') + '|' + live.partial);
}

function Page() {
  const [isShown, show] = useState(true);
  window.show = show;
  return isShown ? h(Captions) : null;
}

createRoot(document.body.appendChild(document.createElement('main'))).render(h(StrictMode, {}, h(Page)));
`;

/** For the words to come as one whole pass. On a busy machine the fake device leaves out sound in some. */
const LISTEN_MS = 90_000;

describe.skipIf(!hasChromium)('the React hook of the example', { timeout: 2 * LISTEN_MS }, () => {
  const open: { close(): Promise<void> }[] = [];

  afterEach(async () => {
    for (const part of open.splice(0).reverse()) await part.close();
  });

  it('shows captions, waits for the last words, and lets go of the microphone with the page', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hook-'));
    open.push({ close: () => rm(folder, { recursive: true, force: true }) });
    const words = 'the hook hears all of it';
    const speech = synthesizeSpeech(words, { sampleRate: 48_000, leadSeconds: 1, trailSeconds: 1 });
    const microphone = join(folder, 'speech.wav');
    await writeFile(microphone, encodeWav(speech.pcm, { sampleRate: 48_000, channels: 1 }));
    const emulator = await startDeepgramEmulator();
    open.push(emulator);
    const client = clientOf(emulator.url);
    open.push(client);
    const server = await startPageServer({ files: await bundlePage(), initial: [] });
    open.push(server);
    const bridge = createWebSocketBridge(client, { authorize: () => ({ userId: 'ann' }) });
    bridge.attach(server.server);
    open.push(bridge);
    const page = await startChromium({ microphone });
    open.push(page);
    await page.open(server.url);
    await page.evaluate(`(async () => {
      const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async () => (window.stream = await open({
        audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
      }));
      ${KEEP_SENT_AUDIO}
      await import('/index.js');
    })()`);
    await page.waitFor("window.hook?.state === 'idle'");
    await page.evaluate('hook.start()');
    await page.waitFor("hook.partial !== ''");
    await page.waitFor(`hook.captions.join(' ').includes('${words}')`, LISTEN_MS);
    // In the middle of the next pass.
    await page.waitFor("hook.partial !== ''");
    await page.evaluate('hook.stop()');
    await page.waitFor("hook.state === 'closed'");
    const [captions, partial] = (
      await page.evaluate<string>("document.querySelector('p').textContent")
    ).split('|');
    expect(captions).toMatch(allOf(wordsIn(await sentAudio(page))));
    expect(partial).toBe('');
    await page.evaluate('hook.start()');
    await page.waitFor("hook.state === 'open'");
    await page.evaluate('show(false)');
    await page.waitFor("stream.getTracks().every(({ readyState }) => readyState === 'ended')");
    expect(page.errors).toEqual([]);
  });
});

async function bundlePage(): Promise<ReadonlyMap<string, Uint8Array>> {
  const { outputFiles } = await build({
    stdin: { contents: PAGE, resolveDir: root, loader: 'tsx' },
    alias: { 'transcription-client/browser': `${root}src/browser/index.ts` },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    define: { 'process.env.NODE_ENV': '"production"' },
    write: false,
    logLevel: 'silent',
  });
  return new Map(outputFiles.map(({ contents }) => ['index.js', contents]));
}
