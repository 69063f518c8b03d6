import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A program that runs in a process of its own, with the code of `src`. */
export interface ChildProgram {
  /** Starts it by a command of the shell, such as `ulimit -n 40; exec "$0" "$@"`. Default: by itself. */
  start(args: readonly string[], command?: string, user?: number): ChildProcess;
  /** Runs it to its end. Rejects unless it ends well. */
  run(args: readonly string[], command?: string, user?: number): Promise<string>;
  dispose(): void;
}

/** @param text TypeScript, in which `@/` stands for the root of this project. */
export async function buildProgram(text: string): Promise<ChildProgram> {
  const folder = mkdtempSync(join(tmpdir(), 'transcription-client-child-'));
  // Other users run it too.
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'program.ts'), text.replaceAll('@/', root));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  await build({
    config: false,
    silent: true,
    entry: [join(folder, 'program.ts')],
    outDir: folder,
    format: 'esm',
    target: 'node20.19',
    outExtension: () => ({ js: '.mjs' }),
  });
  const start: ChildProgram['start'] = (args, command = 'exec "$0" "$@"', user) =>
    spawn('bash', ['-c', command, process.execPath, join(folder, 'program.mjs'), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      ...(user === undefined ? {} : { uid: user, gid: user }),
    });
  return {
    start,
    async run(...given) {
      const child = start(...given);
      const text: string[] = [];
      child.stdout?.setEncoding('utf8').on('data', (chunk: string) => text.push(chunk));
      const [code, signal] = await once(child, 'close');
      if (code === 0) return text.join('');
      throw new Error(`The program ended with ${code ?? signal}: ${text.join('')}`);
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}
