import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Chromium, type ChromiumOptions, startChromium } from '../support/chromium.js';
import { allOf, KEEP_SENT_AUDIO, sentAudio, wordsIn } from '../support/delivered-audio.js';
import { buildExample, type ExampleApp, type ExampleBuild } from './nextjs-app.js';
import { captionTests } from './nextjs-captions.js';
import { formTests } from './nextjs-form.js';
import { outageTests } from './nextjs-outages.js';
import { checkLooks, chooseFile, click, dropFile, namesOf, press, walkTo } from './nextjs-page.js';
import { processTests } from './nextjs-processes.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

const SENTENCES = ['every word of this file is played', 'and lights up while it is'];
const WORDS = SENTENCES.join(' ').split(' ');
const SPOKEN = 'what the microphone hears is written down';

let build: ExampleBuild;
let app: ExampleApp;
let folder: string;
let browser: Chromium | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nextjs-test-'));
  const phrases = SENTENCES.map((text) => ({ text, pauseAfterSeconds: 1.2 }));
  writeFileSync(join(folder, 'speech.wav'), synthesizeSpeech(phrases).audio);
  writeFileSync(join(folder, 'notes.txt'), 'These are no sounds.');
  writeFileSync(join(folder, 'broken.wav'), 'These are none either.');
  const microphone = synthesizeSpeech([{ text: SPOKEN, pauseAfterSeconds: 1 }], { sampleRate: 48_000 });
  writeFileSync(join(folder, 'microphone.wav'), microphone.audio);
  // Long enough to see a job wait, and to cancel it.
  build = await buildExample();
  app = await build.start({ env: { EMULATOR_MS: '2000' } });
}, 300_000);

afterEach(async () => {
  await browser?.close();
  browser = undefined;
});

afterAll(async () => {
  await app?.stop();
  build?.dispose();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

processTests(() => build);
outageTests(() => build);
captionTests(open, () => app.url);
formTests(open, () => app.url);

describe('the Next.js example', { timeout: 120_000 }, () => {
  it('transcribes a file at once with the keyboard, and lights up its words as they are played', async () => {
    const page = await open('/');
    await checkLooks(page, images('upload'));
    await walkTo(page, '.skip');
    await walkTo(page, '#file');
    await chooseFile(page, '#file', join(folder, 'speech.wav'));
    await page.waitFor(`document.querySelector('#chosen')?.textContent === 'speech.wav'`);
    await walkTo(page, '[name=mode]');
    await press(page, 'ArrowRight');
    expect(await page.evaluate(`document.querySelector('[name=mode]:checked').value`)).toBe('sync');
    await walkTo(page, '#submit');
    await press(page, 'Enter');
    await onTranscript(page);
    expect(await shownWords(page)).toEqual(WORDS);

    await page.evaluate(RECORD_WORDS);
    await click(page, '.word');
    await page.waitFor(`played.length > 3`, 30_000);
    await checkLooks(page, images('transcript'));
    await page.waitFor(`document.querySelector('audio').ended`, 30_000);
    const played = await page.evaluate<Played[]>('played');
    expect(plain(played.map((word) => word.text))).toEqual(WORDS);
    for (const { text, at, start, next } of played) {
      expect(at, text).toBeGreaterThan(start - 0.01);
      // A machine that is busy shows a word late, but never the one after it.
      expect(at, text).toBeLessThan(next + 0.5);
    }

    await page.evaluate(`document.querySelector('.line:last-of-type button').focus()`);
    await press(page, 'Enter');
    await page.waitFor(`played.at(-1).text === 'And'`);
    await page.evaluate(`document.querySelector('audio').pause()`);
    await press(page, 'ArrowRight');
    await page.waitFor(`played.at(-1).text === 'lights'`);
    expect(page.errors).toEqual([]);
  });

  it('follows a job of the queue over server-sent events, and keeps the recording in the browser', async () => {
    const page = await open('/');
    await dropFile(page, '.drop', join(folder, 'speech.wav'));
    await page.waitFor(`document.querySelector('#chosen')?.textContent === 'speech.wav'`);
    await page.evaluate(`document.querySelector('[value=async]').click()`);
    await page.evaluate(RECORD_STREAMS);
    await click(page, '#submit');
    await page.waitFor(`location.pathname.startsWith('/jobs/')`);
    await page.waitFor(`document.querySelector('[aria-current=step]')?.textContent === 'Listening'`);
    expect(await page.evaluate('followed')).toEqual([
      expect.stringMatching(/^\/api\/speech\/jobs\/job_\w+\/events$/),
    ]);
    await onTranscript(page);
    expect(await shownWords(page)).toEqual(WORDS);

    await page.open(await page.evaluate('location.href'));
    await onTranscript(page);
    expect(await page.evaluate(`document.querySelector('audio').src`)).toMatch(/^blob:/);
    for (const [format, content] of Object.entries(DOWNLOADS)) {
      expect(await download(page, format), format).toMatch(content);
    }
    await page.send('Page.setDownloadBehavior', { behavior: 'allow', downloadPath: folder });
    await click(page, 'a[href*=".vtt"]');
    const id = await page.evaluate<string>(`location.pathname.split('/').at(-1)`);
    await vi.waitFor(() => expect(existsSync(join(folder, `${id}.vtt`))).toBe(true), 10_000);
    expect(readFileSync(join(folder, `${id}.vtt`), 'utf8')).toMatch(DOWNLOADS.vtt);

    await page.open(`${app.url}/transcripts`);
    expect(await page.evaluate(`document.querySelector('.transcripts a').getAttribute('href')`)).toBe(
      `/transcripts/${id}`,
    );
    expect(page.errors).toEqual([]);
  });

  it('cancels a job', async () => {
    const page = await open('/');
    await chooseFile(page, '#file', join(folder, 'speech.wav'));
    await page.evaluate(`document.querySelector('[value=async]').click()`);
    await click(page, '#submit');
    await page.waitFor(`document.querySelector('#cancel') !== null`);
    await page.evaluate(`document.querySelector('#cancel').click()`);
    await page.waitFor(`document.querySelector('.job')?.textContent.includes('It was cancelled')`);
    expect(page.errors).toEqual([]);
  });

  it('transcribes a URL, and says at its field what is wrong with one', async () => {
    const page = await open('/');
    await page.evaluate(`document.querySelector('#submit').click()`);
    await page.waitFor(`document.querySelector('#file-error')?.textContent.includes('Choose a recording')`);
    expect(await page.evaluate('document.activeElement.id')).toBe('file');

    await type(page, '#url', 'interview.mp3');
    await press(page, 'Enter');
    await page.waitFor(`document.querySelector('#url-error')?.textContent.includes('URL')`);
    expect(await page.evaluate('document.activeElement.id')).toBe('url');
    expect(await page.evaluate(`document.querySelector('#url').getAttribute('aria-describedby')`)).toBe(
      'url-error',
    );
    expect(await page.evaluate(`document.querySelector('#url-error').textContent`)).not.toContain('fromFile');
    await checkLooks(page);
    await type(page, '#url', '?');
    await page.waitFor(`document.querySelector('#url-error') === null`);
    await press(page, 'Enter');
    await page.waitFor(`document.querySelector('#url-error') !== null`);

    await page.evaluate(`document.querySelector('#sample').click()`);
    await page.waitFor(`document.querySelector('#url-error, [aria-invalid=true]') === null`);
    const sample = await page.evaluate<string>(`document.querySelector('#url').value`);
    await page.evaluate(`document.querySelector('#submit').click()`);
    await onTranscript(page);
    expect((await shownWords(page)).slice(0, 4)).toEqual(['this', 'recording', 'was', 'made']);
    expect(await page.evaluate(`document.querySelector('audio').src`)).toBe(sample);
    await page.evaluate(RECORD_WORDS);
    await click(page, '.line:last-of-type .word');
    await page.waitFor(`played.length > 0`);
    const [first] = await page.evaluate<Played[]>('played');
    expect(first?.text).toBe('And');
    expect(first?.at).toBeGreaterThan(5);
    // What the browser itself writes of answers that are errors.
    expect(page.errors.filter((text) => !/status of 4\d\d/.test(text))).toEqual([]);
  });

  it('says at the field of the file what is wrong with it', async () => {
    const page = await open('/');
    await chooseFile(page, '#file', join(folder, 'notes.txt'));
    await page.evaluate(`document.querySelector('#submit').click()`);
    await page.waitFor(`document.querySelector('#file-error')?.textContent.includes('is no recording')`);
    expect(await page.evaluate(`document.querySelector('#file').getAttribute('aria-invalid')`)).toBe('true');
    expect(await page.evaluate(`document.querySelector('#submit').disabled`)).toBe(false);

    await chooseFile(page, '#file', join(folder, 'broken.wav'));
    await page.waitFor(`document.querySelector('#file-error') === null`);
    await page.evaluate(`document.querySelector('#submit').click()`);
    await page.waitFor(`document.querySelector('#file-error')?.textContent.includes('cannot be read')`);
  });

  it('asks somebody whose cookie has gone to load the page again', async () => {
    const page = await open('/');
    await page.evaluate(`document.querySelector('#sample').click()`);
    // Next.js loads pages in advance, each of which would bring a new cookie.
    await page.send('Network.enable');
    await page.send('Network.setBlockedURLs', { urls: ['*_rsc=*'] });
    await page.send('Network.clearBrowserCookies');
    await page.evaluate(`document.querySelector('#submit').click()`);
    await page.waitFor(`document.querySelector('#url-error')?.textContent.includes('Load this page again')`);
  });

  it('says on the page of a job that has failed why, in words of its own', async () => {
    const page = await open('/');
    await type(page, '#url', 'http://127.0.0.1:1/nothing.wav');
    await page.evaluate(`document.querySelector('[value=async]').click()`);
    await page.evaluate(`document.querySelector('#submit').click()`);
    await page.waitFor(`document.querySelector('.job h2')?.textContent === 'It has failed'`);
    expect(await page.evaluate(`document.querySelector('.job p').textContent`)).toMatch(/^At this URL/);
  });

  it('captions the microphone over the bridge, and plays it again', async () => {
    const page = await open('/captions', { microphone: join(folder, 'microphone.wav') });
    await page.evaluate(KEEP_SENT_AUDIO);
    await page.evaluate(RECORD_PARTIALS);
    await walkTo(page, '#start');
    await press(page, 'Enter');
    await page.waitFor(`document.querySelectorAll('#finals .text').length >= 2`, 40_000);
    const words = JSON.stringify(SPOKEN.split(' '));
    await page.waitFor(
      `${words}.some((word) => document.querySelector('#finals').textContent.includes(word))`,
    );
    await checkLooks(page);
    await click(page, '#stop');
    await page.waitFor(`document.querySelector('#to-transcript') !== null`, 30_000);
    const finals = await page.evaluate<string[]>(
      `[...document.querySelectorAll('#finals .text')].map(({ textContent }) => textContent)`,
    );
    const heard = plain(finals.join(' ').split(' '));
    // A machine that is busy leaves out sound: what counts is what the page has sent.
    const sent = await sentAudio(page);
    expect(heard.join(' ')).toMatch(allOf(wordsIn(sent)));
    const partials = await page.evaluate<string[]>('partials');
    expect(partials.filter((text) => text !== '').length).toBeGreaterThan(0);
    expect(await namesOf(page)).toContainEqual({ role: 'log', name: 'What was said' });

    await page.evaluate(`document.querySelector('#to-transcript').click()`);
    await onTranscript(page);
    expect(await shownWords(page)).toEqual(heard);
    expect(await page.evaluate(`document.querySelector('audio').src`)).toMatch(/^blob:/);
    const seconds = await page.evaluate<number>(`document.querySelector('audio').duration`);
    expect(seconds).toBeCloseTo(sent.length / 32_000, 1);
    expect(page.errors).toEqual([]);
  });

  it('takes an upload of more than 10 MB whole, past what Next.js keeps of a body for its proxy', async () => {
    const phrases = [{ text: 'first', pauseAfterSeconds: 130 }, { text: 'last' }];
    const { audio } = synthesizeSpeech(phrases, { sampleRate: 48_000 });
    expect(audio.length).toBeGreaterThan(12_000_000);
    const response = await ask('/api/speech/transcribe?mode=sync', await visitor(), {
      method: 'POST',
      body: new Uint8Array(audio),
      headers: { 'content-type': 'audio/wav' },
    });
    const { transcript } = (await response.json()) as { transcript: { text: string } };
    expect(plain(transcript.text.split(' '))).toEqual(['first', 'last']);
  });

  it('shows nobody what belongs to somebody else', async () => {
    const owner = await visitor();
    const stranger = await visitor();
    const answer = await ask('/api/speech/transcribe?mode=sync', owner, {
      method: 'POST',
      body: readFileSync(join(folder, 'speech.wav')),
      headers: { 'content-type': 'audio/wav' },
    });
    const { transcript } = (await answer.json()) as { transcript: { id: string } };
    for (const path of [`/transcripts/${transcript.id}`, `/api/speech/transcripts/${transcript.id}.txt`]) {
      expect((await ask(path, owner)).status, path).toBe(200);
      expect((await ask(path, stranger)).status, path).toBe(404);
    }
    expect((await ask(`/transcripts/${transcript.id}`)).status).toBe(404);
    expect((await ask(`/api/speech/transcripts/${transcript.id}.txt`)).status).toBe(401);
  });

  it('lets nobody on the bridge without a token, or from a foreign page', async () => {
    const answer = await ask('/api/speech/transcribe', await visitor(), {
      method: 'POST',
      body: JSON.stringify({ mode: 'stream' }),
      headers: { 'content-type': 'application/json' },
    });
    const offer = (await answer.json()) as { url: string; token: string };
    expect(offer.url).toBe(app.bridgeUrl);
    expect(await statusOfUpgrade(offer.token)).toBe(101);
    expect(await statusOfUpgrade(undefined)).toBe(401);
    expect(await statusOfUpgrade(`${offer.token.slice(0, -4)}AAAA`)).toBe(401);
    expect(await statusOfUpgrade(offer.token, 'https://evil.example')).toBe(403);
  });

  it('needs no key, and ends in order on SIGTERM', async () => {
    expect(app.output()).toContain('this uses the Deepgram emulator');
    expect(await app.stop()).toEqual({ code: 0, signal: null });
    expect(app.output()).toMatch(/Closed\n$/);
    expect(app.output()).not.toMatch(/internal|Error/);
  });
});

const DOWNLOADS = {
  txt: /every word of this file is played/i,
  srt: /^1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\nEvery word/,
  vtt: /^WEBVTT\n\n00:00:0\d\.\d{3} --> 00:00:0\d\.\d{3}\nEvery word/,
  json: /"text":"Every word of this file is played/,
};

interface Played {
  readonly text: string;
  readonly at: number;
  readonly start: number;
  readonly next: number;
}

/** In the page: each word that lights up, when it did, and when it is spoken. */
const RECORD_WORDS = `
  window.played = [];
  const all = [...document.querySelectorAll('.word')];
  const audio = document.querySelector('audio');
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      if (!target.hasAttribute('data-playing')) continue;
      const next = all[all.indexOf(target) + 1];
      played.push({
        text: target.textContent,
        at: audio.currentTime,
        start: Number(target.dataset.start),
        next: next === undefined ? audio.duration : Number(next.dataset.start),
      });
    }
  }).observe(document.querySelector('.words'), { subtree: true, attributeFilter: ['data-playing'] });
`;

/** In the page: which streams of events it opens. */
const RECORD_STREAMS = `
  window.followed = [];
  window.fetch = new Proxy(fetch, {
    apply(fetch, self, [url, init]) {
      const answer = Reflect.apply(fetch, self, [url, init]);
      void answer.then(({ headers }) => {
        if (headers.get('content-type') === 'text/event-stream') followed.push(url);
      }, () => undefined);
      return answer;
    },
  });
`;

/** In the page: what was shown and might still change. */
const RECORD_PARTIALS = `
  window.partials = [];
  const partial = document.querySelector('#partial');
  new MutationObserver(() => partials.push(partial.textContent))
    .observe(partial, { childList: true, characterData: true, subtree: true });
`;

async function open(path: string, options: ChromiumOptions = {}): Promise<Chromium> {
  browser = await startChromium(options);
  await browser.open(app.url + path);
  await browser.waitFor(`document.querySelector('button.primary:not(:disabled)') !== null`);
  return browser;
}

/** With its recording. */
async function onTranscript(page: Chromium): Promise<void> {
  await page.waitFor(`location.pathname.startsWith('/transcripts/')`);
  await page.waitFor(`document.querySelector('audio')?.readyState >= 1`);
}

async function shownWords(page: Chromium): Promise<string[]> {
  return plain(
    await page.evaluate<string[]>(`[...document.querySelectorAll('.word')].map((word) => word.textContent)`),
  );
}

/** As they were spoken. */
function plain(words: readonly string[]): string[] {
  return words.map((word) => word.toLowerCase().replaceAll(/[.,!?]/g, '')).filter(Boolean);
}

async function type(page: Chromium, selector: string, text: string): Promise<void> {
  await page.evaluate(`document.querySelector('${selector}').focus()`);
  await page.send('Input.insertText', { text });
}

function download(page: Chromium, format: string): Promise<string> {
  return page.evaluate(
    `fetch(document.querySelector('a[href*=".${format}"]').href).then((answer) => answer.text())`,
  );
}

/** Kept in docs/images with UPDATE_SCREENSHOTS. */
function images(name: string): (scheme: string) => string {
  const place = process.env.UPDATE_SCREENSHOTS ? join(root, 'docs/images') : folder;
  return (scheme) => join(place, scheme === 'light' ? `nextjs-${name}.png` : `nextjs-${name}-dark.png`);
}

/** The cookie of somebody new. */
async function visitor(): Promise<string> {
  const [cookie = ''] = (await ask('/')).headers.getSetCookie();
  expect(cookie).toMatch(/^visitor=[0-9a-f-]{36}; .*HttpOnly; SameSite=strict/i);
  return cookie.split(';')[0] ?? '';
}

function ask(path: string, cookie?: string, init: RequestInit = {}): Promise<Response> {
  const headers = { ...(init.headers as Record<string, string>), ...(cookie && { cookie }) };
  return fetch(app.url + path, { ...init, headers });
}

/** Undefined where the connection is closed without an answer. */
function statusOfUpgrade(token: string | undefined, origin = app.url): Promise<number | undefined> {
  const protocols = ['transcription.v1', ...(token === undefined ? [] : [`bearer.${token}`])];
  const socket = new WebSocket(app.bridgeUrl, protocols, { headers: { origin } });
  return new Promise<number | undefined>((resolve) => {
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
    socket.on('open', () => resolve(101));
    socket.on('error', () => resolve(undefined));
  }).finally(() => socket.terminate());
}
