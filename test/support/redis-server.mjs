// @ts-check
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.mjs';

/** @import { ChildProcess } from 'node:child_process' */

/**
 * A Redis of our own, on loopback and a port of its own.
 *
 * @typedef {object} RedisServer
 * @property {number} port The same after every start.
 * @property {string} url With a password in it.
 * @property {Redis} client For the test itself. It connects again by itself.
 * @property {() => Promise<void>} crash Ends the process at once (SIGKILL), and does not start it again.
 * @property {() => Promise<void>} start Starts it again, with what was on its disk.
 * @property {() => void} freeze Stops the process without closing its connections (SIGSTOP).
 * @property {() => void} thaw
 * @property {() => Promise<void>} close Ends it, and takes its files away.
 */

export const REDIS_PASSWORD = 'canary-redis-password';
const START_TIMEOUT_MS = 20_000;
/** Between finding a free port and taking it, somebody else may. */
const PORT_ATTEMPTS = 5;

/**
 * @param {Readonly<Record<string, string>>} [settings] As in redis.conf, such as `{ appendonly: 'yes' }`.
 * @returns {Promise<RedisServer>}
 */
export async function startRedis(settings = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  let port = 0;
  /** @type {ChildProcess | undefined} */
  let child;

  async function start() {
    const flags = Object.entries({
      port: String(port),
      bind: '127.0.0.1',
      dir: folder,
      save: '',
      requirepass: REDIS_PASSWORD,
      masterauth: REDIS_PASSWORD,
      ...settings,
    }).flatMap(([name, value]) => [`--${name}`, value]);
    child = spawn('redis-server', flags, { cwd: folder, stdio: 'ignore' });
    await untilReady(port, child);
  }

  /** @param {NodeJS.Signals} signal */
  async function end(signal) {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = new Promise((resolve) => ending.once('exit', resolve));
    // A process that is stopped takes no other signal.
    ending.kill('SIGCONT');
    ending.kill(signal);
    await exited;
  }

  for (let attempt = 1; ; attempt += 1) {
    port = await freePort();
    try {
      await start();
      break;
    } catch (error) {
      if (attempt === PORT_ATTEMPTS) throw error;
    }
  }
  const url = `redis://:${REDIS_PASSWORD}@127.0.0.1:${port}`;
  const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
  client.on('error', () => undefined);
  return {
    port,
    url,
    client,
    start,
    crash: () => end('SIGKILL'),
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async close() {
      client.disconnect();
      await end('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * @param {number} port
 * @param {ChildProcess} child
 */
async function untilReady(port, child) {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const client = new Redis({
      host: '127.0.0.1',
      port,
      password: REDIS_PASSWORD,
      lazyConnect: true,
      retryStrategy: () => null,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      // Until its data is loaded, it answers with an error.
      await client.ping();
      return;
    } catch (error) {
      if (child.exitCode !== null || performance.now() > deadline) throw error;
    } finally {
      client.disconnect();
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
