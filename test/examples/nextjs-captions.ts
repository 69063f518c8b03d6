import { describe, expect, it } from 'vitest';
import type { Chromium, ChromiumOptions } from '../support/chromium.js';
import { click } from './nextjs-page.js';

/**
 * In the page: what it asks for waits until it is let through, which is what `held` names: `microphone`, or `offer`, the
 * server's way to the bridge. Keeps the tracks that were given out, and the URLs of WebSockets.
 */
const WATCH = (held: string): string => `
  window.tracks = [];
  window.sockets = [];
  window.asked = [];
  const gate = new Promise((resolve) => { window.letThrough = resolve; });
  const pass = (name) => {
    asked.push(name);
    return name === '${held}' ? gate : undefined;
  };
  const devices = navigator.mediaDevices;
  const getUserMedia = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    await pass('microphone');
    const stream = await getUserMedia(constraints);
    tracks.push(...stream.getTracks());
    return stream;
  };
  const plainFetch = fetch;
  window.fetch = async (url, init) => {
    if (String(url).endsWith('/transcribe')) await pass('offer');
    return plainFetch(url, init);
  };
  window.WebSocket = class extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols);
      sockets.push(url);
    }
  };
`;

const ALL_ENDED = `tracks.every(({ readyState }) => readyState === 'ended')`;

export function captionTests(
  open: (path: string, options?: ChromiumOptions) => Promise<Chromium>,
  url: () => string,
): void {
  describe('captions that are not open yet', { timeout: 120_000 }, () => {
    it.each(['microphone', 'offer'])(
      'let go of the microphone by Stop while the %s is on its way',
      async (held) => {
        const page = await open('/captions');
        await page.evaluate(WATCH(held));
        await click(page, '#start');
        await page.waitFor(`asked.includes('${held}')`);
        expect(await page.evaluate('tracks.length')).toBe(held === 'offer' ? 1 : 0);
        await click(page, '#stop');
        await page.waitFor(`document.querySelector('.state').textContent === 'Not connected'`);
        await page.evaluate('letThrough()');
        // Whoever is let through by now has been so before, and does what comes next.
        await page.waitFor(`tracks.length === 1 && ${ALL_ENDED}`);
        expect(await page.evaluate('sockets')).toEqual([]);
        expect(await page.evaluate(`document.querySelector('[role=alert]')`)).toBeNull();

        await click(page, '#start');
        await page.waitFor(`document.querySelector('.state').textContent === 'Live'`);
        expect(await page.evaluate('sockets.length')).toBe(1);
        await click(page, '#stop');
        await page.waitFor(`document.querySelector('#to-transcript') !== null && ${ALL_ENDED}`);
        expect(page.errors).toEqual([]);
      },
    );

    it.each(['microphone', 'offer'])(
      'let go of it where the page is left while the %s is on its way',
      async (held) => {
        const page = await open('/captions');
        await page.evaluate(WATCH(held));
        await click(page, '#start');
        await page.waitFor(`asked.includes('${held}')`);
        expect(await page.evaluate('tracks.length')).toBe(held === 'offer' ? 1 : 0);
        await click(page, 'nav a[href="/transcripts"]');
        await page.waitFor(
          `location.pathname === '/transcripts' && document.querySelector('#stop') === null`,
        );
        await page.evaluate('letThrough()');
        await page.waitFor(`tracks.length === 1 && ${ALL_ENDED}`);
        expect(await page.evaluate('sockets')).toEqual([]);
        expect(page.errors).toEqual([]);
      },
    );

    it('ask the server for nothing, and leave no transcript, where the microphone is refused', async () => {
      const page = await open('/captions', { allowMicrophone: false });
      await page.evaluate(WATCH('nothing'));
      await click(page, '#start');
      await page.waitFor(
        `document.querySelector('[role=alert]')?.textContent.startsWith('This page may not use')`,
      );
      expect(await page.evaluate(`document.querySelector('.state').textContent`)).toBe('Not connected');
      expect(await page.evaluate('asked')).toEqual(['microphone']);
      expect(await page.evaluate('sockets')).toEqual([]);
      await page.open(`${url()}/transcripts`);
      expect(await page.evaluate(`document.querySelector('main').textContent`)).toContain(
        'There are none yet',
      );
    });

    it('say so where there is no microphone', async () => {
      const page = await open('/captions');
      await page.evaluate(`navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException('Requested device not found', 'NotFoundError');
      }`);
      await page.evaluate(WATCH('nothing'));
      await click(page, '#start');
      await page.waitFor(
        `document.querySelector('[role=alert]')?.textContent.startsWith('There is no microphone')`,
      );
      expect(await page.evaluate('asked')).toEqual(['microphone']);
    });
  });
}
