import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A TypeScript file that runs in processes of its own, with the code of `src`. */
export interface Script {
  start(...args: readonly string[]): ScriptProcess;
  dispose(): void;
}

export interface ScriptOptions {
  /** False: it finds no package, as if none was installed. Default true. */
  readonly packages?: boolean;
  /** As one of the two builds of the package. Default `esm`. */
  readonly format?: 'esm' | 'cjs';
}

export interface ScriptProcess {
  /** The whole lines that it has printed. */
  readonly lines: readonly string[];
  /** Resolves once it has printed this line. Rejects where it ends without. */
  printed(line: string): Promise<void>;
  tell(line: string): void;
  /** Sends it a signal, such as SIGSTOP. */
  signal(signal: NodeJS.Signals): void;
  /** Resolves to its exit code, or the signal that ended it. */
  ended(): Promise<number | string>;
  /** Ends it with SIGKILL. Resolves when the last of its lines is there. */
  kill(): Promise<void>;
  /** Resolves to its lines when it has ended well. Rejects otherwise. */
  finished(): Promise<readonly string[]>;
}

export async function buildScript(
  source: URL,
  { packages = true, format = 'esm' }: ScriptOptions = {},
): Promise<Script> {
  const folder = mkdtempSync(join(tmpdir(), 'script-'));
  if (packages) symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  await build({
    config: false,
    silent: true,
    entry: { script: fileURLToPath(source) },
    outDir: folder,
    format,
    target: 'node20.19',
    skipNodeModulesBundle: true,
    removeNodeProtocol: false,
    outExtension: () => ({ js: '.js' }),
    esbuildOptions(options) {
      options.supported = { ...options.supported, 'dynamic-import': format === 'esm' };
    },
  });
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ type: format === 'esm' ? 'module' : 'commonjs' }),
  );
  return {
    start: (...args) => watch(spawn(process.execPath, [join(folder, 'script.js'), ...args])),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function watch(child: ChildProcess): ScriptProcess {
  let unfinished = '';
  let errors = '';
  let isClosed = false;
  const lines: string[] = [];
  const changes = new EventEmitter();
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (unfinished + chunk).split('\n');
    unfinished = parts.pop() ?? '';
    lines.push(...parts);
    changes.emit('change');
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  // It may be killed while it is told something.
  child.stdin?.on('error', () => undefined);
  const closed = once(child, 'close').then(() => {
    isClosed = true;
    changes.emit('change');
  });
  const outcome = (): Error =>
    new Error(`The script ended with ${child.exitCode ?? child.signalCode}: ${lines.join('\n')} ${errors}`);
  return {
    lines,
    async printed(line) {
      while (!lines.includes(line)) {
        if (isClosed) throw outcome();
        await once(changes, 'change');
      }
    },
    tell: (line) => void child.stdin?.write(`${line}\n`),
    signal: (signal) => void child.kill(signal),
    async ended() {
      await closed;
      return child.exitCode ?? child.signalCode ?? 'unknown';
    },
    async kill() {
      child.kill('SIGKILL');
      await closed;
    },
    async finished() {
      await closed;
      if (child.exitCode !== 0) throw outcome();
      return lines;
    },
  };
}
