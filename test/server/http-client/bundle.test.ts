import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';

const SOURCE = fileURLToPath(new URL('../../../src/server/http-client/index.ts', import.meta.url));
const MAX_BYTES = 6000;

describe('what a page loads for the HTTP client', () => {
  let text = '';
  let inputs: string[] = [];

  beforeAll(async () => {
    const { outputFiles, metafile } = await build({
      entryPoints: [SOURCE],
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      write: false,
      metafile: true,
      logLevel: 'silent',
    });
    text = outputFiles[0]?.text ?? '';
    inputs = Object.keys(metafile.inputs);
  });

  it('is small', () => {
    const size = gzipSync(text).length;
    console.log(`/http-client: ${size} bytes, minified and gzipped, ${text.length} before`);
    expect(size).toBeGreaterThan(1000);
    expect(size).toBeLessThanOrEqual(MAX_BYTES);
  });

  it('holds no package, nothing of the handlers and no schema', () => {
    expect(inputs.length).toBeGreaterThan(5);
    expect(inputs.filter((path) => /node_modules|zod|server\/http\//.test(path))).toEqual([]);
    expect(text).not.toMatch(/zod/i);
  });

  it('knows nothing of API keys and Node', () => {
    expect(text).not.toMatch(/DEEPGRAM_API_KEY|\bToken \$|apiKey|["'`]node:|process\.|\bBuffer\b|require\(/);
  });
});
