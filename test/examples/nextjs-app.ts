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

export interface ExampleBuild {
  start(settings?: Settings): Promise<ExampleApp>;
  /** Runs it until it ends by itself. */
  run(settings: Settings): Promise<{ code: number | null; output: string }>;
  /** Ends what still runs, and deletes the copy. */
  dispose(): void;
}

export interface ExampleApp {
  readonly url: string;
  /** Of the WebSocket bridge. */
  readonly bridgeUrl: string;
  output(): string;
  signal(signal: NodeJS.Signals): void;
  /** Resolves when all of it has ended, and nobody holds its output any more. */
  ended(): Promise<Ending>;
  /** Sends SIGTERM. */
  stop(): Promise<Ending>;
  /** Kills all of its processes, as a machine that loses its power. */
  kill(): Promise<Ending>;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Settings {
  readonly env?: Readonly<Record<string, string>>;
  /** True: by `npm start`, and signals go to npm alone. */
  readonly byNpm?: boolean;
}

/** Copies the example, installs the packed library into it as a user does, and builds it. */
export async function buildExample(): Promise<ExampleBuild> {
  const folder = mkdtempSync(join(tmpdir(), 'nextjs-example-'));
  const started: ChildProcess[] = [];
  const dispose = (): void => {
    started.forEach(killGroup);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    cpSync(join(root, 'examples/05-nextjs'), folder, {
      recursive: true,
      filter: (path) => !NOT_COPIED.test(path),
    });
    await packLibrary(join(folder, 'transcription-client.tgz'));
    await run(folder, 'npm', ['install', '--prefer-offline', '--no-audit', '--no-fund']);
    await run(folder, 'npm', ['run', 'build']);
  } catch (error) {
    dispose();
    throw error;
  }
  async function launch({ env = {}, byNpm = false }: Settings) {
    const [PORT = '', BRIDGE_PORT = ''] = (await Promise.all([freePort(), freePort()])).map(String);
    const all = { ...environment(), PORT, BRIDGE_PORT, EMULATOR_PORT: '0', ...env };
    const [command, args] = byNpm ? ['npm', ['start']] : [process.execPath, ['run.mjs', 'start']];
    const child = spawn(command, args, {
      cwd: folder,
      env: all,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Of its own group, all of which can be killed.
      detached: true,
    });
    started.push(child);
    return { child, ports: all };
  }
  return {
    dispose,
    async start(settings = {}) {
      const { child, ports } = await launch(settings);
      return appOf(child, ports);
    },
    async run(settings) {
      const { child } = await launch(settings);
      const output = outputOf(child);
      await once(child, 'close');
      return { code: child.exitCode, output: output() };
    },
  };
}

function killGroup({ pid = 0 }: ChildProcess): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
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

async function appOf(
  child: ChildProcess,
  { PORT, BRIDGE_PORT }: { readonly PORT: string; readonly BRIDGE_PORT: string },
): Promise<ExampleApp> {
  const closed = once(child, 'close');
  const output = outputOf(child);
  const ended = async (): Promise<Ending> => {
    await closed;
    return { code: child.exitCode, signal: child.signalCode };
  };
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', () => output().includes('Ready') && resolve());
    void closed.then(() => reject(new Error(`The example did not start: ${output()}`)));
  });
  return {
    url: `http://127.0.0.1:${PORT}`,
    bridgeUrl: `ws://127.0.0.1:${BRIDGE_PORT}/stream`,
    output,
    ended,
    signal: (signal) => void child.kill(signal),
    stop() {
      child.kill('SIGTERM');
      return ended();
    },
    kill() {
      killGroup(child);
      return ended();
    },
  };
}

function outputOf(child: ChildProcess): () => string {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return () => output;
}
