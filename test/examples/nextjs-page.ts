import { expect } from 'vitest';
import type { Chromium } from '../support/chromium.js';

/** In the page: texts whose contrast to what is behind them is below 4.5, those of disabled controls aside. */
const LOW_CONTRASTS = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const channels = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
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
      if (channels(backgroundColor)[3] === 255) return backgroundColor;
    }
    return 'white';
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
    if (!hasText || !element.checkVisibility() || element.closest(':disabled, .unseen, script') !== null) continue;
    const [low, high] = [getComputedStyle(element).color, behind(element)].map(luminance).sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) found.push(element.textContent + ' ' + contrast.toFixed(2));
  }
  return found;
})()`;

/** In the page: in how many lines the links to its pages are. */
const LINES_OF_LINKS = `new Set(
  [...document.querySelectorAll('[aria-label=Pages] a')].flatMap((link) => {
    const range = document.createRange();
    range.selectNodeContents(link);
    return [...range.getClientRects()].map(({ top }) => top);
  }),
).size`;

const NEED_A_NAME = ['form', 'region', 'log', 'radio', 'button', 'link', 'group', 'textbox', 'navigation'];

/** Readable in light and dark, nothing wider than a telephone, and everything has a name for a screen reader. */
export async function checkLooks(page: Chromium, screenshot?: (scheme: string) => string): Promise<void> {
  for (const scheme of ['light', 'dark']) {
    await emulate(page, { 'prefers-color-scheme': scheme });
    // The colours of a transition are those of neither.
    await page
      .evaluate('document.getAnimations().forEach((animation) => animation.finish?.call(animation))')
      .catch(() => undefined);
    if (screenshot !== undefined) await page.screenshot(screenshot(scheme));
    expect(await page.evaluate(LOW_CONTRASTS), scheme).toEqual([]);
  }
  await emulate(page, { 'prefers-reduced-motion': 'reduce' });
  expect(await page.evaluate('document.getAnimations().length')).toBe(0);
  await emulate(page, {});
  await resize(page, 360, 740);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  expect(await page.evaluate(LINES_OF_LINKS)).toBe(1);
  await resize(page, 1280, 800);
  const names = await namesOf(page);
  expect(names.filter(({ name }) => name === '')).toEqual([]);
}

/** What a screen reader is told of. */
export async function namesOf(page: Chromium): Promise<{ role: string; name: string }[]> {
  await page.send('Accessibility.enable');
  const { nodes } = (await page.send('Accessibility.getFullAXTree')) as {
    nodes: { ignored: boolean; role?: { value: string }; name?: { value: string } }[];
  };
  return nodes
    .filter(({ ignored, role }) => !ignored && NEED_A_NAME.includes(role?.value ?? ''))
    .map(({ role, name }) => ({ role: role?.value ?? '', name: name?.value ?? '' }));
}

async function emulate(page: Chromium, features: Readonly<Record<string, string>>): Promise<void> {
  const list = Object.entries(features).map(([name, value]) => ({ name, value }));
  await page.send('Emulation.setEmulatedMedia', { features: list });
}

export async function resize(page: Chromium, width: number, height: number): Promise<void> {
  await page.send('Emulation.setDeviceMetricsOverride', {
    width,
    height,
    deviceScaleFactor: 1,
    mobile: false,
  });
}

const KEY_CODES = { Tab: 9, Enter: 13, ArrowRight: 39 };

/** Presses and releases a key, as somebody does. */
export async function press(page: Chromium, key: keyof typeof KEY_CODES): Promise<void> {
  const event = { key, code: key, windowsVirtualKeyCode: KEY_CODES[key] };
  const text = key === 'Enter' ? { text: '\r' } : {};
  await page.send('Input.dispatchKeyEvent', { type: 'keyDown', ...event, ...text });
  await page.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
}

/** With Tab, until the focus is there and can be seen. */
export async function walkTo(page: Chromium, selector: string): Promise<void> {
  for (let steps = 0; steps < 40; steps += 1) {
    await press(page, 'Tab');
    if (await page.evaluate(`document.activeElement.matches('${selector}')`)) {
      const outline = `getComputedStyle(document.activeElement.matches('[type=radio]')
        ? document.activeElement.nextElementSibling
        : document.activeElement.closest('.drop') ?? document.activeElement).outlineWidth`;
      expect(await page.evaluate(outline)).toBe('3px');
      return;
    }
  }
  throw new Error(`The keyboard does not reach ${selector}.`);
}

/** With the mouse, in the middle of it. */
export async function click(page: Chromium, selector: string): Promise<void> {
  const { x, y } = await middleOf(page, selector);
  const event = { x, y, button: 'left', clickCount: 1 };
  await page.send('Input.dispatchMouseEvent', { type: 'mousePressed', ...event });
  await page.send('Input.dispatchMouseEvent', { type: 'mouseReleased', ...event });
}

/** As from the desktop. */
export async function dropFile(page: Chromium, selector: string, path: string): Promise<void> {
  const { x, y } = await middleOf(page, selector);
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop']) {
    await page.send('Input.dispatchDragEvent', { type, x, y, data });
  }
}

export async function chooseFile(page: Chromium, selector: string, path: string): Promise<void> {
  const { root } = (await page.send('DOM.getDocument')) as { root: { nodeId: number } };
  const { nodeId } = await page.send('DOM.querySelector', { nodeId: root.nodeId, selector });
  await page.send('DOM.setFileInputFiles', { nodeId, files: [path] });
}

function middleOf(page: Chromium, selector: string): Promise<{ x: number; y: number }> {
  return page.evaluate(`(() => {
    const element = document.querySelector(${JSON.stringify(selector)});
    element.scrollIntoView({ block: 'center' });
    const { x, y, width, height } = element.getBoundingClientRect();
    return { x: x + width / 2, y: y + height / 2 };
  })()`);
}
