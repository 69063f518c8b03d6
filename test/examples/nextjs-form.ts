import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Chromium } from '../support/chromium.js';
import { chooseFile, click, resize } from './nextjs-page.js';

/** Longer than a telephone is wide. */
const LONG_WORD = 'W'.repeat(58);

/** In the page: how often it asks for a transcript. */
const COUNT_POSTS = `
  window.posts = 0;
  const plainFetch = fetch;
  window.fetch = (url, init) => {
    if (String(url).includes('/transcribe')) posts += 1;
    return plainFetch(url, init);
  };
`;

/** What happens between the click on Transcribe and the words, where somebody does not only wait. */
export function formTests(open: (path: string) => Promise<Chromium>, url: () => string): void {
  describe('the form of the Next.js example', { timeout: 120_000 }, () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'nextjs-form-'));
      const { audio } = synthesizeSpeech(`short ${LONG_WORD} end`);
      writeFileSync(join(folder, 'word.wav'), audio);
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it.each(['#file', '#url'])('says that it was cancelled, and gives the focus to %s', async (given) => {
      const page = await open('/');
      if (given === '#file') await chooseFile(page, '#file', join(folder, 'word.wav'));
      else await click(page, '#sample');
      await page.evaluate(`document.querySelector('[value=sync]').click()`);
      await click(page, '#submit');
      await page.waitFor(`document.querySelector('#cancel-upload') !== null`);
      await page.evaluate(`document.querySelector('#cancel-upload').focus()`);
      await click(page, '#cancel-upload');
      await page.waitFor(`document.querySelector('[role=status]').textContent === 'It was cancelled.'`);
      expect(await page.evaluate(`document.activeElement.matches('${given}')`)).toBe(true);
      expect(await page.evaluate(`document.querySelector('.error, [aria-invalid=true]')`)).toBeNull();
    });

    it('gives the focus of a job that is cancelled to what became of it', async () => {
      const page = await open('/');
      await click(page, '#sample');
      await page.evaluate(`document.querySelector('[value=async]').click()`);
      await click(page, '#submit');
      await page.waitFor(
        `location.pathname.startsWith('/jobs/') && document.querySelector('#cancel') !== null`,
      );
      await page.evaluate(`document.querySelector('#cancel').focus()`);
      await click(page, '#cancel');
      await page.waitFor(`document.activeElement.matches('[role=alert] h2')`);
      expect(await page.evaluate('document.activeElement.textContent')).toBe('It was cancelled');
    });

    it('sends once what is submitted twice before the page is drawn again', async () => {
      const page = await open('/');
      await click(page, '#sample');
      await page.evaluate(COUNT_POSTS);
      await page.evaluate(`{
        const form = document.querySelector('form');
        form.requestSubmit();
        form.requestSubmit();
      }`);
      await page.waitFor(`location.pathname.startsWith('/transcripts/')`);
      expect(await page.evaluate('posts')).toBe(1);
    });

    it('shows a long word within a telephone', async () => {
      const page = await open('/');
      await chooseFile(page, '#file', join(folder, 'word.wav'));
      await click(page, '#submit');
      await page.waitFor(`document.querySelectorAll('.word').length === 3`);
      expect(await page.evaluate(`document.querySelectorAll('.word')[1].textContent`)).toMatch(/^w{58}$/i);
      await expectToFit(page, '.words');
      await page.open(`${url()}/transcripts`);
      await expectToFit(page, '.transcripts');
      await page.open(`${url()}/captions`);
      await page.evaluate(`document.querySelector('.scroller .note').textContent = '${LONG_WORD}'`);
      await expectToFit(page, '.scroller');
    });
  });
}

async function expectToFit(page: Chromium, selector: string): Promise<void> {
  for (const width of [360, 320]) {
    await resize(page, width, 740);
    expect(await page.evaluate('document.documentElement.scrollWidth'), selector).toBeLessThanOrEqual(width);
    const excess = `(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('${selector}'))`;
    expect(await page.evaluate(excess), `${selector} at ${width}`).toBe(0);
  }
  await resize(page, 1280, 800);
}
