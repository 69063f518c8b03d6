import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { type BrowserBundle, bundleForBrowser } from '../support/page-server.js';

const MAX_BYTES = 8000;

describe('what a browser loads', () => {
  let bundle: BrowserBundle;

  beforeAll(async () => {
    bundle = await bundleForBrowser();
  });

  it('is at most 8 kB, minified and gzipped', () => {
    const sizes = bundle.initial.map((name) => gzipSync(bundle.files.get(name) ?? '').length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MAX_BYTES);
    expect(sizes[0]).toBeGreaterThan(1000);
  });

  it('knows nothing of API keys, the SDK and Node', () => {
    expect(bundle.files.size).toBeGreaterThan(1);
    for (const [name, bytes] of bundle.files) {
      const text = Buffer.from(bytes).toString();
      expect(text, name).not.toMatch(/DEEPGRAM_API_KEY|\bToken \$|apiKey|["'`]node:|process\.env/);
    }
  });
});
