import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Consumer, createConsumer } from '../support/consumer.js';

const LAYOUT = `
export default function Layout({ children }) {
  return <html lang="en"><body>{children}</body></html>;
}
`;

export interface NextApp extends AsyncDisposable {
  readonly url: string;
}

/** Builds a Next.js app with the packed library in it, and starts it on a port that the system chooses. */
export async function startNextApp(
  files: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>>,
): Promise<NextApp> {
  const consumer = createConsumer();
  try {
    write(consumer, { 'app/layout.jsx': LAYOUT, ...files });
    // No key: a build must never need one.
    const { DEEPGRAM_API_KEY: _key, DEEPGRAM_ACCESS_TOKEN: _token, ...inherited } = process.env;
    const env = { ...inherited, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' } as NodeJS.ProcessEnv;
    const next = join(consumer.folder, 'node_modules/next/dist/bin/next');
    // Turbopack follows no links out of the folder, and the dependencies are links here.
    await promisify(execFile)(process.execPath, [next, 'build', '--webpack'], { cwd: consumer.folder, env });
    const server = spawn(process.execPath, [next, 'start', '--port', '0', '--hostname', '127.0.0.1'], {
      cwd: consumer.folder,
      env: { ...env, ...environment },
    });
    return { url: await urlOf(server), [Symbol.asyncDispose]: () => stop(server, consumer) };
  } catch (error) {
    consumer.dispose();
    throw error;
  }
}

function write({ folder }: Consumer, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

function urlOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (text: Buffer): void => {
      output += text;
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
      if (url !== undefined && output.includes('Ready')) resolve(url);
    };
    server.stdout?.on('data', read);
    server.stderr?.on('data', read);
    server.once('exit', () => reject(new Error(`Next.js ended: ${output}`)));
  });
}

function stop(server: ChildProcess, consumer: Consumer): Promise<void> {
  return new Promise((resolve) => {
    server.once('exit', () => {
      consumer.dispose();
      resolve();
    });
    server.kill();
  });
}
