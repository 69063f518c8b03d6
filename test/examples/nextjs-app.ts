import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../support/free-port.mjs';
import { packLibrary } from './nextjs-library.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What is installed, built or stored in the example's own folder. */
const NOT_COPIED = /[\\/](?:node_modules|\.next|data|[^\\/]+\.tgz|next-env\.d\.ts|tsconfig\.tsbuildinfo)$/;

export interface ExampleApp {
  readonly url: string;
  /** Of the WebSocket bridge. */
  readonly bridgeUrl: string;
  output(): string;
  /** Sends SIGTERM. */
  stop(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Deletes the copy. */
  dispose(): void;
}

/** Copies the example, installs the packed library into it as a user does, builds it, and starts it. */
export async function startExampleApp(settings: Readonly<Record<string, string>>): Promise<ExampleApp> {
  const folder = mkdtempSync(join(tmpdir(), 'nextjs-example-'));
  const dispose = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    cpSync(join(root, 'examples/05-nextjs'), folder, {
      recursive: true,
      filter: (path) => !NOT_COPIED.test(path),
    });
    await packLibrary(join(folder, 'transcription-client.tgz'));
    await run(folder, 'npm', ['install', '--prefer-offline', '--no-audit', '--no-fund']);
    await run(folder, 'npm', ['run', 'build']);
    return { ...(await start(folder, settings)), dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** No key, and nothing of what this process is told by vitest: a build must need none of it. */
function environment(): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME, NEXT_TELEMETRY_DISABLED: '1' };
}

async function run(folder: string, command: string, args: readonly string[]): Promise<void> {
  try {
    const env = environment() as NodeJS.ProcessEnv;
    await promisify(execFile)(command, args, { cwd: folder, env, maxBuffer: 1 << 24 });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} has failed:\n${stdout}\n${stderr}`);
  }
}

async function start(
  folder: string,
  settings: Readonly<Record<string, string>>,
): Promise<Omit<ExampleApp, 'dispose'>> {
  const port = await freePort();
  const bridgePort = await freePort();
  // What `npm start` runs; npm itself is left out, so that a signal reaches it.
  const child = spawn(process.execPath, ['run.mjs', 'start'], {
    cwd: folder,
    env: { ...environment(), ...settings, PORT: String(port), BRIDGE_PORT: String(bridgePort) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  const output = await untilReady(child);
  return {
    url: `http://127.0.0.1:${port}`,
    bridgeUrl: `ws://127.0.0.1:${bridgePort}/stream`,
    output,
    async stop() {
      if (child.exitCode === null) child.kill('SIGTERM');
      await ended;
      return { code: child.exitCode, signal: child.signalCode };
    },
  };
}

function untilReady(child: ChildProcess): Promise<() => string> {
  let output = '';
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text) => {
        output += text;
        if (output.includes('Ready')) resolve(() => output);
      });
    }
    child.once('exit', () => reject(new Error(`The example did not start: ${output}`)));
  });
}
