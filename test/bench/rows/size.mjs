// @ts-check
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { figure } from '../figure.mjs';

/** @import { Row } from '../figure.mjs' */

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Loaded later, when they are used. */
const LOADED_LATER = ['@deepgram/sdk', 'isomorphic-ws', 'music-metadata', '@tokenizer/range', 'ws'];

const PARTS_SHOWN = 6;

/** @type {Row} */
export const bundleSize = {
  id: 'P10',
  async run() {
    const kilobytes = gzippedKilobytes(await bundle('dist/index.js'));
    const inBrowser = gzippedKilobytes(
      await bundle('dist/browser.js', { platform: 'neutral', target: 'es2022' }),
    );
    // The build keeps no file names, so the parts are those of the sources.
    const parts = biggestParts(await bundle('src/index.ts'));
    return [
      figure({
        name: 'P10',
        title: 'Everything that an import of the root loads, minified and gzipped',
        value: kilobytes,
        unit: 'kB',
        rival: 'none',
        bar: '<= 20',
        ours: `${kilobytes.toFixed(1)} kB`,
        note: `Biggest parts, minified: ${parts}.`,
      }),
      figure({
        name: 'P10 browser',
        title: '/browser, minified and gzipped',
        value: inBrowser,
        unit: 'kB',
        rival: 'none',
        bar: '<= 8',
        ours: `${inBrowser.toFixed(1)} kB`,
        note: 'The microphone and the session of the direct client are loaded when they are used.',
      }),
    ];
  },
};

/**
 * @typedef {object} Chunk
 * @property {Uint8Array} contents
 * @property {Record<string, { bytesInOutput: number }>} inputs
 */

/**
 * The entry's chunk and those that it imports statically.
 *
 * @param {string} entry
 * @param {object} [more]
 * @returns {Promise<Chunk[]>}
 */
async function bundle(entry, more = {}) {
  // The bundler that tsup brings along.
  const { build } = createRequire(createRequire(import.meta.url).resolve('tsup'))('esbuild');
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outdir: 'bundle',
    bundle: true,
    splitting: true,
    minify: true,
    metafile: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external: LOADED_LATER,
    legalComments: 'none',
    logLevel: 'error',
    ...more,
  });
  /** @type {Set<string>} */
  const loaded = new Set();
  const visit = (/** @type {string} */ path) => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const { path: next, kind, external } of metafile.outputs[path].imports) {
      if (kind === 'import-statement' && !external) visit(next);
    }
  };
  for (const [path, { entryPoint }] of Object.entries(metafile.outputs)) {
    // Dynamic imports are entry points of the bundle too.
    if (entryPoint === entry) visit(path);
  }
  return [...loaded].map((path) => ({
    contents: outputFiles.find((/** @type {{ path: string }} */ file) => file.path.endsWith(`/${path}`))
      .contents,
    inputs: metafile.outputs[path].inputs,
  }));
}

/** @param {readonly Chunk[]} chunks */
function gzippedKilobytes(chunks) {
  return chunks.reduce((sum, { contents }) => sum + gzipSync(contents).length, 0) / 1000;
}

/** @param {readonly Chunk[]} chunks */
function biggestParts(chunks) {
  /** @type {Map<string, number>} */
  const sizes = new Map();
  for (const { inputs } of chunks) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const part = partOf(path);
      sizes.set(part, (sizes.get(part) ?? 0) + bytesInOutput);
    }
  }
  return [...sizes]
    .sort(([, a], [, b]) => b - a)
    .slice(0, PARTS_SHOWN)
    .map(([part, bytes]) => `${part} ${(bytes / 1000).toFixed(1)} kB`)
    .join(', ');
}

/**
 * A package, a folder of the sources, or a file at their root.
 *
 * @param {string} path
 */
function partOf(path) {
  const inPackage = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path);
  if (inPackage?.[1] !== undefined) return inPackage[1];
  return path.split('/').slice(0, 2).join('/');
}
