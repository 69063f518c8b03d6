// @ts-check
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { postgresFolder } from '../setup/system-packages.mjs';
import { freePort } from './free-port.mjs';

/** @import { ChildProcess } from 'node:child_process' */

/**
 * A PostgreSQL of our own, on loopback and a port of its own.
 *
 * @typedef {object} PostgresServer
 * @property {number} port
 * @property {() => Promise<string>} createDatabase A new, empty database. Resolves to its connection string.
 * @property {(text: string) => Promise<readonly Record<string, unknown>[]>} query Runs a statement as the owner of
 *   everything.
 * @property {() => Promise<void>} crash Ends all of its processes at once, as a crash of the machine would, and
 *   starts it again.
 * @property {() => Promise<void>} stop Ends it, without starting it again.
 * @property {() => Promise<void>} start
 * @property {() => Promise<void>} close Ends it, and takes its files away.
 */

const PASSWORD = 'canary-postgres-password';
const START_TIMEOUT_MS = 30_000;
/** Between finding a free port and taking it, somebody else may. */
const PORT_ATTEMPTS = 5;

/**
 * @param {Readonly<Record<string, string>>} [settings]
 * @returns {Promise<PostgresServer>}
 */
export async function startPostgres(settings = {}) {
  const bin = postgresFolder();
  if (bin === undefined) throw new Error('There is no PostgreSQL on this machine. Run npm run setup.');
  const user = account();
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const initialise = `-D ${data} -U owner --auth=trust --no-sync --encoding=UTF8 --locale=C`.split(' ');
  execFileSync(join(bin, 'initdb'), initialise, { ...user, cwd: folder, stdio: 'pipe' });
  const flags = Object.entries({
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '60',
    ...settings,
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  let port = 0;
  let databases = 0;
  /** @type {ChildProcess | undefined} */
  let child;

  /** @param {string} database */
  const urlOf = (database) => `postgres://owner:${PASSWORD}@127.0.0.1:${port}/${database}`;

  async function start() {
    const parameters = ['-D', data, '-p', String(port), ...flags];
    child = spawn(join(bin ?? '', 'postgres'), parameters, { ...user, cwd: folder, stdio: 'ignore' });
    await untilReady(() => query('SELECT 1'), child);
  }

  /** @param {string} text */
  async function query(text) {
    const client = new pg.Client({ connectionString: urlOf('postgres') });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query(text)).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /** @param {NodeJS.Signals} signal */
  async function end(signal) {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null) return;
    const exited = new Promise((resolve) => ending.once('exit', resolve));
    ending.kill(signal);
    await exited;
  }

  async function startOnFreePort() {
    for (let attempt = 1; ; attempt += 1) {
      port = await freePort();
      try {
        return await start();
      } catch (error) {
        if (attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  await startOnFreePort();
  return {
    get port() {
      return port;
    },
    query,
    start,
    async createDatabase() {
      databases += 1;
      const name = `test_${databases}`;
      await query(`CREATE DATABASE ${name}`);
      return urlOf(name);
    },
    async crash() {
      await end('SIGKILL');
      // Its children end by themselves as soon as they see that it is gone; until then no other one may start.
      const deadline = performance.now() + START_TIMEOUT_MS;
      for (;;) {
        try {
          return await start();
        } catch (error) {
          if (performance.now() > deadline) throw error;
        }
      }
    },
    stop: () => end('SIGQUIT'),
    async close() {
      await end('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root. */
function account() {
  if (process.getuid?.() !== 0) return undefined;
  /** @param {string} flag */
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/**
 * @param {() => Promise<unknown>} ask
 * @param {ChildProcess} child
 */
async function untilReady(ask, child) {
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
