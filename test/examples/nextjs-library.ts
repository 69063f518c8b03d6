import { execFile } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What a build and a package are made of. */
const PARTS = [
  'CHANGELOG.md',
  'docs',
  'LICENSE',
  'package.json',
  'README.md',
  'src',
  'tsconfig.json',
  'tsup.config.ts',
];

/**
 * Packs what npm would publish: `dist`, or where that is older than the source, what a build in another folder makes.
 * The environment's `LIBRARY_TARBALL` names one that is packed already.
 */
export async function packLibrary(tarball: string): Promise<void> {
  const given = process.env.LIBRARY_TARBALL;
  if (given !== undefined) return copyFileSync(given, tarball);
  const folder = mkdtempSync(join(tmpdir(), 'packed-library-'));
  try {
    const isFresh = builtMs('index.js') > newestMs('src') && builtMs('index.d.ts') > newestMs('src');
    const source = isFresh ? root : await build(folder);
    const args = ['pack', '--ignore-scripts', '--pack-destination', folder];
    await promisify(execFile)('npm', args, { cwd: source });
    const packed = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
    renameSync(join(folder, packed), tarball);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function build(folder: string): Promise<string> {
  for (const part of PARTS) cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const tsup = join(root, 'node_modules/tsup/dist/cli-default.js');
  await promisify(execFile)(process.execPath, [tsup, '--silent'], { cwd: folder, maxBuffer: 1 << 24 });
  return folder;
}

/** When it was built; before all times where it was not. */
function builtMs(name: string): number {
  return statSync(join(root, 'dist', name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function newestMs(name: string): number {
  const entries = readdirSync(join(root, name), { recursive: true, encoding: 'utf8' });
  return Math.max(...entries.map((entry) => statSync(join(root, name, entry)).mtimeMs));
}
