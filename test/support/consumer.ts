import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** A fresh folder into which the packed tarball was installed, as its users get it. */
export interface Consumer {
  readonly folder: string;
  write(name: string, content: string | Uint8Array): string;
  /** Runs a file of the folder with Node. Ends it after 30 s. */
  run(name: string, environment?: Readonly<Record<string, string>>): Promise<Finished>;
  dispose(): void;
}

export function createConsumer(): Consumer {
  if (!existsSync(join(root, 'dist/index.js'))) throw new Error('Nothing is built. Run: npm run build');
  const folder = mkdtempSync(join(tmpdir(), 'transcription-client-consumer-'));
  const modules = join(folder, 'node_modules');
  const own = join(modules, 'transcription-client');
  mkdirSync(own, { recursive: true });
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  });
  execFileSync('tar', [
    '-xzf',
    join(folder, packed.trim().split('\n').at(-1) ?? ''),
    '-C',
    own,
    '--strip-components=1',
  ]);
  linkDependencies(modules);
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true }\n');
  return {
    folder,
    write(name, content) {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    },
    run: (name, environment = {}) => runNode(folder, name, environment),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The dependencies are taken from this project, so that no registry is needed. */
function linkDependencies(modules: string): void {
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name.startsWith('.') || name === 'transcription-client') continue;
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
}

async function runNode(
  folder: string,
  name: string,
  environment: Readonly<Record<string, string>>,
): Promise<Finished> {
  const {
    DEEPGRAM_API_KEY: _key,
    DEEPGRAM_ACCESS_TOKEN: _token,
    NODE_OPTIONS: _options,
    ...inherited
  } = process.env;
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(folder, name)], {
      cwd: folder,
      env: { ...inherited, ...environment },
      timeout: 30_000,
    });
    return { stdout, stderr, exitCode: 0 };
  } catch (error) {
    const { stdout = '', stderr = '', code } = error as { stdout?: string; stderr?: string; code?: unknown };
    return { stdout, stderr, exitCode: typeof code === 'number' ? code : -1 };
  }
}
