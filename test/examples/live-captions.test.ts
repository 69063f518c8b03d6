import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Chromium, type ChromiumOptions, startChromium } from '../support/chromium.js';
import { allOf, KEEP_SENT_AUDIO, sentAudio, wordsIn } from '../support/delivered-audio.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const example = join(root, 'examples/03-live-captions');
const COMMAND = 'node examples/03-live-captions/server.mjs';

const PHRASES = [
  'every word of this is played again and again',
  'while the first connection breaks it goes on',
  'and while the second one breaks it goes on too',
  'nothing is missing here and nothing comes twice',
];
const WORDS = PHRASES.join(' ').split(' ');

let server: Running;
let folder: string;
let browser: Chromium | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'live-captions-'));
  const phrases = PHRASES.map((text) => ({ text, pauseAfterSeconds: 0.8 }));
  const { audio } = synthesizeSpeech(phrases, { sampleRate: 48_000, leadSeconds: 4 });
  writeFileSync(join(folder, 'microphone.wav'), audio);
  server = await start();
});

afterEach(async () => {
  await browser?.close();
  browser = undefined;
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('the live captions', { timeout: 120_000 }, () => {
  it('show every word of a microphone once, through both cuts, with the keyboard alone', async () => {
    const page = await open({ microphone: join(folder, 'microphone.wav') });
    await page.evaluate(RECORD_STATES);
    await page.evaluate(KEEP_SENT_AUDIO);
    await press(page, 'Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the captions');
    await walkTo(page, '[name=source]');
    await press(page, 'ArrowRight');
    await walkTo(page, '#start');
    await press(page, 'Enter');

    await page.waitFor(`${words('#finals')} >= 3`, 30_000);
    await walkTo(page, '#cut-deepgram');
    await press(page, 'Enter');
    await page.waitFor(`states.deepgram.join().startsWith('connecting,open,reconnecting,open')`, 30_000);
    await walkTo(page, '#cut-bridge', 'backwards');
    await press(page, 'Enter');
    await page.waitFor(`states.bridge.join().startsWith('connecting,open,reconnecting,open')`, 30_000);
    await page.waitFor(`${words('#finals')} >= ${WORDS.length}`, 60_000);
    await walkTo(page, '#start', 'backwards');
    await press(page, 'Enter');
    await page.waitFor(`!document.querySelector('#outcome').hidden`, 30_000);

    const delivered = wordsIn(await sentAudio(page));
    expect(delivered.filter((word) => WORDS.includes(word)).length).toBeGreaterThan(WORDS.length / 2);
    const captions = await captionsOf(page);
    expect(captions.join(' ')).toMatch(allOf(delivered));
    for (const name of ['bridge', 'deepgram']) {
      expect(await page.evaluate(`states.${name}.join()`)).toMatch(/reconnecting,open,closed$/);
    }
    expect(Number(await text(page, '#cuts'))).toBeGreaterThanOrEqual(2);
    expect(await text(page, '#words')).toBe(String(captions.length));
    expect(await text(page, '#behind')).toMatch(/^(< 0\.1|\d+\.\d) s$/);
    expect(await text(page, '#round-trip')).toMatch(/^\d+(\.\d)? ms$/);
    expect(await text(page, '#finals .mark')).toMatch(/^\d+\.\d s without Deepgram$/);

    await page.send('Page.setDownloadBehavior', { behavior: 'allow', downloadPath: folder });
    await walkTo(page, '[data-format=srt]');
    await press(page, 'Enter');
    await vi.waitFor(() => expect(existsSync(join(folder, 'captions.srt'))).toBe(true), 10_000);
    const srt = readFileSync(join(folder, 'captions.srt'), 'utf8');
    expect(srt).toMatch(/^1\n00:00:0\d,\d{3} --> 00:00:\d\d,\d{3}\n/);
    expect(wordsOf(srt.replaceAll(/^(\d+|.* --> .*)$/gm, ''))).toEqual(captions);
    const vtt = await download(page, 'vtt');
    expect(vtt).toMatch(/^WEBVTT\n/);
    expect(wordsOf(vtt.replaceAll(/^(WEBVTT|.* --> .*)$/gm, ''))).toEqual(captions);
    expect(wordsOf(await download(page, 'txt'))).toEqual(captions);
    expect(page.errors).toEqual([]);
  });

  it('show who speaks, and that the whole sample arrived, in light and dark', async () => {
    const images = process.env.UPDATE_SCREENSHOTS ? join(root, 'docs/images') : folder;
    const page = await open();
    await page.send('Emulation.setDeviceMetricsOverride', {
      width: 1280,
      height: 800,
      deviceScaleFactor: 2,
      mobile: false,
    });
    await page.evaluate(`document.querySelector('#start').click()`);
    await page.waitFor(`document.querySelectorAll('#finals .line').length >= 3`, 30_000);
    await page.evaluate(`document.querySelector('#cut-deepgram').click()`);
    await page.waitFor(`document.querySelector('#finals .mark.healed')`, 30_000);
    await page.waitFor(`document.querySelectorAll('#finals .line').length >= 7`, 30_000);
    await page.waitFor(`${words('#interims')} >= 4`, 30_000);
    await page.evaluate(`document.querySelector('#cut-bridge').click()`);
    await page.waitFor(`document.querySelector('#link-bridge').dataset.state === 'reconnecting'`);
    // What the recorder draws, at its brightest.
    await page.evaluate(`document.getAnimations().forEach((animation) => { animation.currentTime = 0 })`);
    for (const scheme of ['light', 'dark']) {
      await look(page, { 'prefers-color-scheme': scheme });
      await page.screenshot(
        join(images, scheme === 'light' ? 'live-captions.png' : 'live-captions-dark.png'),
      );
      expect(await page.evaluate(LOW_CONTRASTS), scheme).toEqual([]);
    }
    await look(page, { 'prefers-reduced-motion': 'reduce' });
    expect(await page.evaluate(`document.getAnimations().length`)).toBe(0);
    await page.waitFor(`!document.querySelector('#outcome').hidden`, 60_000);

    expect(await text(page, '#outcome')).toMatch(
      /^All \d+ words of the sample arrived, through \d cuts: in order, and none twice\.$/,
    );
    expect(await page.evaluate(`document.querySelector('#outcome').dataset.kind`)).toBe('good');
    const voices = await page.evaluate<string[]>(
      `[...document.querySelectorAll('.voice')].map((voice) => voice.textContent)`,
    );
    expect([...new Set(voices)]).toEqual(['Ada', 'Grace']);
    expect(sizeOf(join(images, 'live-captions.png'))).toEqual({ width: 2560, height: 1600 });
    expect(
      readFileSync(join(images, 'live-captions.png')).equals(
        readFileSync(join(images, 'live-captions-dark.png')),
      ),
    ).toBe(false);
    expect(page.errors).toEqual([]);
  });

  it('mark the turns of a conversation', async () => {
    const page = await open();
    await page.evaluate(`document.querySelector('[value=turns]').click()`);
    await page.evaluate(`document.querySelector('#start').click()`);
    await page.waitFor(`document.querySelectorAll('#finals .voice').length >= 2`, 30_000);
    await page.evaluate(`document.querySelector('#start').click()`);
    await page.waitFor(`!document.querySelector('#outcome').hidden`, 30_000);
    expect(await text(page, '#finals .line:nth-child(2) .voice')).toBe('Turn 2');
    expect(await text(page, '#outcome')).toMatch(
      /^\d+ words of the sample arrived: in order, none missing and none twice\.$/,
    );
    expect(page.errors).toEqual([]);
  });

  it('caption a recording, whatever its rate and channels', async () => {
    const recording = join(folder, 'recording.wav');
    writeFileSync(recording, synthesizeSpeech('read from a file', { sampleRate: 44_100 }).audio);
    const page = await open();
    await page.evaluate(`document.querySelector('[value=file]').click()`);
    await page.evaluate(`document.querySelector('#start').click()`);
    expect(await text(page, '#alert')).toBe('Choose a recording first.');
    const { root: document } = (await page.send('DOM.getDocument')) as { root: { nodeId: number } };
    const { nodeId } = await page.send('DOM.querySelector', { nodeId: document.nodeId, selector: '#file' });
    await page.send('DOM.setFileInputFiles', { nodeId, files: [recording] });
    await page.evaluate(`document.querySelector('#start').click()`);
    await page.waitFor(`!document.querySelector('#outcome').hidden`, 30_000);
    expect(await captionsOf(page)).toEqual(['read', 'from', 'a', 'file']);
    expect(page.errors).toEqual([]);
  });

  it('say why there is no sound where the microphone is refused', async () => {
    const page = await open({ allowMicrophone: false });
    await page.evaluate(`document.querySelector('[value=microphone]').click()`);
    await page.evaluate(`document.querySelector('#start').click()`);
    await page.waitFor(`!document.querySelector('#alert').hidden`, 30_000);
    expect(await text(page, '#alert')).toContain('may not use the microphone');
    await page.waitFor(`document.querySelector('#start').textContent === 'Start'`);
  });

  it('tell assistive technology what there is, and read out what is final alone', async () => {
    const page = await open({ width: 390, height: 844 });
    const roles = await rolesOf(page);
    expect(roles.filter(({ name }) => name === '')).toEqual([]);
    expect(roles).toEqual(
      expect.arrayContaining([
        { role: 'banner', name: undefined },
        { role: 'main', name: undefined },
        { role: 'form', name: 'What to caption' },
        { role: 'region', name: 'Captions' },
        { role: 'region', name: 'Connections' },
        { role: 'log', name: 'Captions' },
        { role: 'radio', name: 'Microphone' },
        { role: 'button', name: 'Start' },
        { role: 'button', name: 'Cut the connection of the server to Deepgram' },
      ]),
    );
    const loud = `[...document.querySelectorAll('[aria-live=polite]')].map(({ id }) => id)`;
    expect(await page.evaluate(loud)).toEqual(['finals']);
    // Nothing is cut off on a telephone.
    const cutOff = `[...document.querySelectorAll('.card *')].filter((element) =>
      !element.matches('.unseen, .choice input') &&
      element.getBoundingClientRect().right > element.closest('.card').getBoundingClientRect().right)
      .map((element) => element.outerHTML)`;
    expect(await page.evaluate(cutOff)).toEqual([]);
  });

  it('belong to who made them', async () => {
    const page = await open();
    await page.evaluate(`document.querySelector('#start').click()`);
    await page.waitFor(`${words('#finals')} >= 1`, 30_000);
    await page.evaluate(`document.querySelector('#start').click()`);
    await page.waitFor(`!document.querySelector('#downloads').hidden`, 30_000);
    const href = await page.evaluate<string>(`document.querySelector('[data-format=txt]').href`);
    const stranger = (await fetch(server.url)).headers.getSetCookie()[0]?.split(';')[0] ?? '';
    expect(stranger).toMatch(/^visitor=/);
    expect((await fetch(href, { headers: { cookie: stranger } })).status).toBe(404);
    expect((await fetch(href)).status).toBe(401);
    expect((await fetch(`${server.url}/cut`, { method: 'POST' })).status).toBe(401);
    expect(await statusOfUpgrade('/captions', {})).toBe(401);
    expect(await statusOfUpgrade('/captions', { cookie: stranger, origin: 'https://evil.example' })).toBe(
      403,
    );
    expect(await statusOfUpgrade('/captions', { cookie: stranger })).toBe(101);
    expect(await statusOfUpgrade('/other', { cookie: stranger })).toBeUndefined();
  });

  it('start as the README says, and end in order on SIGTERM', async () => {
    expect(readFileSync(join(example, 'README.md'), 'utf8')).toContain(`\n${COMMAND}\n`);
    const other = await start();
    await vi.waitFor(() => expect(other.output()).toContain('this uses the Deepgram emulator'));
    expect(await other.stop()).toEqual({ code: 0, signal: null });
    expect(other.output()).toContain('Closed');
  });
});

/** In the page: every state that a connection has been in. */
const RECORD_STATES = `
  window.states = { bridge: [], deepgram: [] };
  for (const name of ['bridge', 'deepgram']) {
    const item = document.querySelector('#link-' + name);
    new MutationObserver((changes) => {
      for (const change of changes) {
        const state = item.dataset.state;
        if (states[name].at(-1) !== state) states[name].push(state);
      }
    }).observe(item, { attributeFilter: ['data-state'] });
  }
`;

/** In the page: texts whose contrast to what is behind them is below 4.5, those of disabled controls aside. */
const LOW_CONTRASTS = `(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [red, green, blue] = channels(colour).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    for (let one = element; one !== null; one = one.parentElement) {
      const { backgroundColor } = getComputedStyle(one);
      if (channels(backgroundColor)[3] !== 0) return backgroundColor;
    }
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
    if (!hasText || element.closest(':disabled, [aria-disabled=true], [hidden]') !== null) continue;
    const [low, high] = [getComputedStyle(element).color, behind(element)].map(luminance).sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) found.push(element.textContent + ' ' + contrast.toFixed(2));
  }
  return found;
})()`;

async function open(options: ChromiumOptions = {}): Promise<Chromium> {
  browser = await startChromium(options);
  await browser.open(server.url);
  await browser.waitFor(`!document.querySelector('#start').disabled`);
  return browser;
}

const KEY_CODES = { Tab: 9, Enter: 13, ArrowRight: 39 };

async function press(page: Chromium, key: keyof typeof KEY_CODES, modifiers = 0): Promise<void> {
  const event = { key, code: key, windowsVirtualKeyCode: KEY_CODES[key], modifiers };
  await page.send('Input.dispatchKeyEvent', {
    type: 'keyDown',
    ...event,
    ...(key === 'Enter' && { text: '\r' }),
  });
  await page.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
}

/** With Tab, until the focus is there. */
async function walkTo(page: Chromium, selector: string, direction?: 'backwards'): Promise<void> {
  for (let steps = 0; steps < 30; steps += 1) {
    await press(page, 'Tab', direction === undefined ? 0 : 8);
    if (await page.evaluate(`document.activeElement.matches('${selector}')`)) {
      expect(
        await page.evaluate(`getComputedStyle(document.activeElement.matches('input')
        ? document.activeElement.nextElementSibling : document.activeElement).outlineWidth`),
      ).toBe('3px');
      return;
    }
  }
  throw new Error(`The keyboard does not reach ${selector}.`);
}

async function look(page: Chromium, features: Readonly<Record<string, string>>): Promise<void> {
  const list = Object.entries(features).map(([name, value]) => ({ name, value }));
  await page.send('Emulation.setEmulatedMedia', { features: list });
}

/** How many words are shown there. */
function words(selector: string): string {
  return `(document.querySelector('${selector}').innerText === '' ? 0 : [...document.querySelectorAll('${selector} .text')]
    .flatMap((line) => line.textContent.split(' ')).length)`;
}

async function captionsOf(page: Chromium): Promise<string[]> {
  return wordsOf(
    await page.evaluate<string>(
      `[...document.querySelectorAll('#finals .text')].map((line) => line.textContent).join(' ')`,
    ),
  );
}

/** As they were spoken. */
function wordsOf(captions: string): string[] {
  return captions
    .toLowerCase()
    .replaceAll(/[.,!?]/g, '')
    .split(/\s+/)
    .filter(Boolean);
}

function text(page: Chromium, selector: string): Promise<string> {
  return page.evaluate(`document.querySelector('${selector}').textContent`);
}

function download(page: Chromium, format: string): Promise<string> {
  return page.evaluate(
    `fetch(document.querySelector('[data-format=${format}]').href).then((answer) => answer.text())`,
  );
}

/** What a screen reader is told of. */
async function rolesOf(page: Chromium): Promise<{ role: string; name: string | undefined }[]> {
  await page.send('Accessibility.enable');
  const { nodes } = (await page.send('Accessibility.getFullAXTree')) as {
    nodes: { ignored: boolean; role?: { value: string }; name?: { value: string } }[];
  };
  const needsName = ['form', 'region', 'log', 'radio', 'radiogroup', 'button', 'link', 'group'];
  return nodes
    .filter(({ ignored, role }) => !ignored && role !== undefined)
    .map(({ role, name }) => ({ role: role?.value ?? '', name: name?.value }))
    .filter(({ role }) => [...needsName, 'banner', 'main'].includes(role))
    .map(({ role, name }) => ({ role, name: needsName.includes(role) ? (name ?? '') : undefined }));
}

/** Undefined where the connection is closed without an answer. */
function statusOfUpgrade(path: string, headers: Record<string, string>): Promise<number | undefined> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, 'transcription.v1', {
    headers: { origin: server.url, ...headers },
  });
  return new Promise((resolve) => {
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
    socket.on('open', () => resolve(101));
    socket.on('error', () => resolve(undefined));
  }).finally(() => socket.terminate()) as Promise<number | undefined>;
}

/** From the head of a PNG. */
function sizeOf(path: string): { width: number; height: number } {
  expect(statSync(path).size).toBeGreaterThan(20_000);
  const file = readFileSync(path);
  return { width: file.readUInt32BE(16), height: file.readUInt32BE(20) };
}

interface Running {
  readonly url: string;
  output(): string;
  stop(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

async function start(): Promise<Running> {
  const { PATH } = process.env;
  const [, script = ''] = COMMAND.split(' ');
  const child = spawn(process.execPath, [script], {
    cwd: root,
    env: { ...(PATH === undefined ? {} : { PATH }), PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => {
    output += `${line}\n`;
  });
  const ended = once(child, 'exit');
  await Promise.race([once(lines, 'line'), ended]);
  const url = /http:\S+/.exec(output)?.[0];
  if (url === undefined) throw new Error(`The example did not start: ${output}`);
  return { url, output: () => output, stop: () => end(child, ended) };
}

async function end(child: ChildProcess, ended: Promise<unknown[]>): ReturnType<Running['stop']> {
  if (child.exitCode === null) child.kill('SIGTERM');
  await ended;
  return { code: child.exitCode, signal: child.signalCode };
}
