import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Chromium, startChromium } from '../support/chromium.js';
import { freePort } from '../support/free-port.mjs';
import type { ExampleApp, ExampleBuild } from './nextjs-app.js';
import { checkLooks, click } from './nextjs-page.js';

const STATE = `document.querySelector('.state').textContent`;
const ALERT = `document.querySelector('[role=alert]')?.textContent`;
const FINALS = `[...document.querySelectorAll('#finals .text')].map(({ textContent }) => textContent)`;

const OFFERS_RECORDING = `document.querySelector('#save-recording[download][href^="blob:"]') !== null`;

/** In the page: seconds of the recording that it offers, which are 16,000 samples of 2 bytes each. */
const SECONDS_OFFERED = `fetch(document.querySelector('#save-recording').href)
  .then((answer) => answer.arrayBuffer())
  .then(({ byteLength }) => (byteLength - 44) / 32_000)`;

/** What a page with live captions says and keeps where its server goes. */
export function outageTests(build: () => ExampleBuild): void {
  describe('captions whose server goes', { timeout: 120_000 }, () => {
    let folder: string;
    let env: Record<string, string>;
    let app: ExampleApp;
    let page: Chromium;

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'nextjs-outage-'));
      const microphone = join(folder, 'microphone.wav');
      const { audio } = synthesizeSpeech([{ text: 'what was said stays', pauseAfterSeconds: 1 }], {
        sampleRate: 48_000,
      });
      writeFileSync(microphone, audio);
      const [port, bridgePort] = await Promise.all([freePort(), freePort()]);
      env = { DATA_FOLDER: join(folder, 'data'), PORT: String(port), BRIDGE_PORT: String(bridgePort) };
      app = await build().start({ env });
      page = await startChromium({ microphone });
      await page.open(`${app.url}/captions`);
      await page.waitFor(`document.querySelector('#start:not(:disabled)') !== null`);
      await click(page, '#start');
      await page.waitFor(`${FINALS}.length > 0`);
    });
    afterEach(async () => {
      await page?.close();
      await app?.kill();
      rmSync(folder, { recursive: true, force: true });
    });

    it('promise nothing after a crash, and keep what the page has', async () => {
      const finals = await page.evaluate<string[]>(FINALS);
      await app.kill();
      app = await build().start({ env });
      await page.waitFor(`${STATE} === 'Ended'`);
      expect(await page.evaluate(ALERT)).toMatch(
        /the server was started anew\. What was said may not be among your transcripts\.$/,
      );
      expect((await page.evaluate<string[]>(FINALS)).slice(0, finals.length)).toEqual(finals);
      await page.waitFor(OFFERS_RECORDING);
      expect(await page.evaluate<number>(SECONDS_OFFERED)).toBeGreaterThan(1);
      expect(await page.evaluate(`document.querySelector('#to-transcript')`)).toBeNull();
      await checkLooks(page, (scheme) => join(process.env.SHOTS ?? folder, `crash-${scheme}.png`));
    });

    it('say that they are stopping, and can be given up at once', async () => {
      await app.kill();
      await page.waitFor(`${STATE}.startsWith('Connecting again')`);
      await page.evaluate(`document.querySelector('#stop').focus()`);
      await click(page, '#stop');
      await page.waitFor(`document.querySelector('#stop').textContent === 'Stopping…'`);
      expect(await page.evaluate(STATE)).toBe('Connecting again');
      expect(await page.evaluate('document.activeElement.id')).toBe('stop');
      await checkLooks(page, (scheme) => join(process.env.SHOTS ?? folder, `stopping-${scheme}.png`));
      // By somebody who presses it once more.
      await click(page, '#stop');
      expect(await page.evaluate(STATE)).toBe('Connecting again');

      await click(page, '#give-up');
      await page.waitFor(`${STATE} === 'Ended'`);
      expect(await page.evaluate(ALERT)).toMatch(/^The last words were not waited for\./);
      expect(await page.evaluate('document.activeElement.id')).toBe('start');
      await page.waitFor(OFFERS_RECORDING);
      expect(await page.evaluate<number>(SECONDS_OFFERED)).toBeGreaterThan(1);
      await checkLooks(page, (scheme) => join(process.env.SHOTS ?? folder, `given-up-${scheme}.png`));
    });

    it('lead to their transcript, and play it, where the server ends them by itself', async () => {
      expect(await app.stop()).toEqual({ code: 0, signal: null });
      await page.waitFor(`document.querySelector('#to-transcript') !== null`);
      expect(await page.evaluate(STATE)).toBe('Ended');
      expect(await page.evaluate(ALERT)).toMatch(/^The server has ended the captions\./);
      expect(await page.evaluate(`document.querySelector('#save-recording')`)).toBeNull();
      await checkLooks(page, (scheme) => join(process.env.SHOTS ?? folder, `server-ended-${scheme}.png`));

      app = await build().start({ env });
      await click(page, '#to-transcript');
      await page.waitFor(`location.pathname.startsWith('/transcripts/tr_')`);
      await page.waitFor(`document.querySelector('audio')?.readyState >= 1`);
      expect(await page.evaluate<number>(`document.querySelector('audio').duration`)).toBeGreaterThan(1);
    });
  });
}
