import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { postgresFolder } from '../setup/system-packages.mjs';

/** A PostgreSQL of our own, on loopback and a port of its own. */
export interface PostgresServer {
  readonly port: number;
  /** A new, empty database. */
  createDatabase(): Promise<string>;
  /** Runs a statement as the owner of everything. */
  query(text: string): Promise<readonly Record<string, unknown>[]>;
  /** Ends all of its processes at once, as a crash of the machine would, and starts it again. */
  crash(): Promise<void>;
  /** Ends it, without starting it again. */
  stop(): Promise<void>;
  start(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const PASSWORD = 'canary-postgres-password';
const START_TIMEOUT_MS = 30_000;

/** PostgreSQL refuses to run as root. */
function account(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresServer> {
  const bin = postgresFolder();
  if (bin === undefined) throw new Error('There is no PostgreSQL on this machine. Run npm run setup.');
  const user = account();
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const initialise = [
    '-D',
    data,
    '-U',
    'owner',
    '--auth=trust',
    '--no-sync',
    '--encoding=UTF8',
    '--locale=C',
  ];
  execFileSync(join(bin, 'initdb'), initialise, { ...user, cwd: folder, stdio: 'pipe' });
  const port = await freePort();
  let child: ChildProcess | undefined;
  let databases = 0;
  const urlOf = (database: string): string => `postgres://owner:${PASSWORD}@127.0.0.1:${port}/${database}`;

  async function start(): Promise<void> {
    const flags = Object.entries({
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '60',
      ...settings,
    }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const parameters = ['-D', data, '-p', String(port), ...flags];
    child = spawn(join(bin as string, 'postgres'), parameters, { ...user, cwd: folder, stdio: 'ignore' });
    await untilReady(() => query('SELECT 1'), child);
  }

  async function query(text: string): Promise<readonly Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: urlOf('postgres') });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query(text)).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null) return;
    const exited = new Promise((resolve) => ending.once('exit', resolve));
    ending.kill(signal);
    await exited;
  }

  await start();
  return {
    port,
    query,
    start,
    async createDatabase() {
      databases += 1;
      const name = `test_${databases}`;
      await query(`CREATE DATABASE ${name}`);
      return urlOf(name);
    },
    async crash() {
      // Its children end by themselves as soon as they see that it is gone.
      await end('SIGKILL');
      await start();
    },
    stop: () => end('SIGQUIT'),
    async [Symbol.asyncDispose]() {
      await end('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilReady(ask: () => Promise<unknown>, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (child.exitCode !== null || performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
