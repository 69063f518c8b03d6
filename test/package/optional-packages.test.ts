import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { peerDependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  readonly peerDependencies: Readonly<Record<string, string>>;
};
const NOT_INSTALLED = Object.fromEntries(
  Object.keys(peerDependencies).map((name) => [name, `not-installed-${name.replace(/\W/g, '-')}`]),
);

/** An application's bundler that finds none of the packages that need not be installed. */
async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${root}dist/${entry}`],
    alias: NOT_INSTALLED,
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles.map(({ text }) => text).join('\n');
}

describe('a bundler of an application', () => {
  it('takes the library without the packages that are optional', async () => {
    // What warns of them is in it, and so is what imports them.
    expect(await bundle('index.js')).toContain('probe-unavailable');
  });
});
