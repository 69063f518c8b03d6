import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Bundler {
  build(options: object): Promise<{
    metafile: { inputs: Record<string, { imports: { path: string; external?: boolean }[] }> };
    outputFiles: { contents: Uint8Array }[];
  }>;
}

/** The bundler that tsup brings along. */
const require = createRequire(createRequire(import.meta.url).resolve('tsup'));
const { build } = require('esbuild') as Bundler;

describe('verifyWebhook()', () => {
  it('loads node:crypto, our errors and small tools, and no more', async () => {
    const { metafile, outputFiles } = await build({
      absWorkingDir: root,
      stdin: { contents: "export { verifyWebhook } from './src/webhooks/verify.js';", resolveDir: root },
      bundle: true,
      minify: true,
      metafile: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
    });
    const inputs = Object.entries(metafile.inputs);
    const outside = inputs.flatMap(([, { imports }]) => imports.filter(({ external }) => external));
    expect([...new Set(outside.map(({ path }) => path))]).toEqual(['node:crypto']);
    const files = inputs.map(([path]) => path).filter((path) => path !== '<stdin>');
    expect(files.filter((path) => !/^src\/(webhooks|errors|internal)\//.test(path))).toEqual([]);
    expect(files.filter((path) => /deliver|target|payload|schedule/.test(path))).toEqual([]);
    const [{ contents }] = outputFiles as [{ contents: Uint8Array }];
    expect(gzipSync(contents).byteLength).toBeLessThan(4000);
  });
});
