// @ts-check
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.mjs';

/** @import { ChildProcess } from 'node:child_process' */

/**
 * A Redis behind Sentinels of our own, on loopback and ports of its own: a master, a replica, three Sentinels.
 *
 * @typedef {object} RedisSentinel
 * @property {readonly { host: string, port: number }[]} sentinels
 * @property {string} name Of the master, as the Sentinels know it.
 * @property {() => Promise<number>} master The port of the master that most Sentinels name.
 * @property {() => Promise<void>} untilReplicated Resolves when a replica has all that the master has.
 * @property {(port: number) => Promise<void>} kill Ends a node or a Sentinel at once (SIGKILL).
 * @property {(port: number) => void} freeze Stops one without closing its connections (SIGSTOP).
 * @property {(port: number) => void} thaw
 * @property {(port: number) => Promise<void>} untilReplaced Resolves when all Sentinels name another master.
 * @property {() => Promise<void>} close Ends all of them, and takes their files away.
 */

export const SENTINEL_PASSWORD = 'canary-sentinel-password';
const NAME = 'main';
const HOST = '127.0.0.1';
const SENTINELS = 3;
const START_TIMEOUT_MS = 30_000;
/** Between finding a free port and taking it, somebody else may. */
const START_ATTEMPTS = 5;

/**
 * @param {{ downAfterMs?: number, settings?: Readonly<Record<string, string>> }} [options] `downAfterMs`: how long the
 *   master may be silent before the Sentinels replace it. Default 500.
 * @returns {Promise<RedisSentinel>}
 */
export async function startRedisSentinel(options = {}) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(options);
    } catch (error) {
      if (attempt === START_ATTEMPTS) throw error;
    }
  }
}

/**
 * @param {{ downAfterMs?: number, settings?: Readonly<Record<string, string>> }} options
 * @returns {Promise<RedisSentinel>}
 */
async function start({ downAfterMs = 500, settings = {} }) {
  const folder = mkdtempSync(join(tmpdir(), 'redis-sentinel-'));
  /** @type {Map<number, ChildProcess>} */
  const children = new Map();

  /** @param {number} port */
  async function kill(port) {
    const child = children.get(port);
    children.delete(port);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
  }

  async function close() {
    await Promise.all([...children.keys()].map(kill));
    rmSync(folder, { recursive: true, force: true });
  }

  /**
   * @param {number} port
   * @param {readonly string[]} parameters
   * @param {string} [password]
   */
  async function startProcess(port, parameters, password) {
    const child = spawn('redis-server', parameters, { cwd: folder, stdio: 'ignore' });
    children.set(port, child);
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`The server at port ${port} has ended.`);
      return (await ask(port, (client) => client.ping(), password)) === 'PONG';
    });
  }

  /** @param {number} [masterPort] That of which it is a replica. */
  async function startNode(masterPort) {
    const port = await freePort();
    const flags = Object.entries({
      port: String(port),
      bind: HOST,
      dir: folder,
      save: '',
      requirepass: SENTINEL_PASSWORD,
      masterauth: SENTINEL_PASSWORD,
      'repl-ping-replica-period': '1',
      'repl-diskless-sync-delay': '0',
      dbfilename: `dump-${port}.rdb`,
      appenddirname: `append-${port}`,
      ...(masterPort === undefined ? {} : { replicaof: `${HOST} ${masterPort}` }),
      ...settings,
    }).flatMap(([name, value]) => [`--${name}`, value]);
    await startProcess(port, flags, SENTINEL_PASSWORD);
    return port;
  }

  /** @param {number} masterPort */
  async function startSentinel(masterPort) {
    const port = await freePort();
    const file = join(folder, `sentinel-${port}.conf`);
    // The Sentinel writes into it what it learns.
    writeFileSync(
      file,
      `port ${port}
bind ${HOST}
dir "${folder}"
sentinel monitor ${NAME} ${HOST} ${masterPort} 2
sentinel auth-pass ${NAME} ${SENTINEL_PASSWORD}
sentinel down-after-milliseconds ${NAME} ${downAfterMs}
sentinel failover-timeout ${NAME} 2000
`,
    );
    await startProcess(port, [file, '--sentinel']);
    return port;
  }

  try {
    const first = await startNode();
    const nodes = [first, await startNode(first)];
    await eventually(async () => (await waitForReplica(first)) === 1);
    const ports = await Promise.all(Array.from({ length: SENTINELS }, () => startSentinel(first)));
    await eventually(async () => (await Promise.all(ports.map(knowsAll))).every(Boolean));
    const namedMasters = () =>
      Promise.all(ports.filter((port) => children.has(port)).map((port) => masterAt(port)));
    const master = async () => {
      const [named = 0] = await namedMasters();
      return named;
    };
    return {
      sentinels: ports.map((port) => ({ host: HOST, port })),
      name: NAME,
      master,
      async untilReplicated() {
        const port = await master();
        await eventually(async () => isReplicated(port, nodes));
      },
      kill,
      freeze: (port) => void children.get(port)?.kill('SIGSTOP'),
      thaw: (port) => void children.get(port)?.kill('SIGCONT'),
      async untilReplaced(port) {
        await eventually(async () => (await namedMasters()).every((named) => named !== port));
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
