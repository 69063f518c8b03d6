// @ts-check
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually as within } from './eventually.mjs';
import { freePort } from './free-port.mjs';

/** @import { ChildProcess } from 'node:child_process' */

/**
 * A Redis behind Sentinels of our own, on loopback and ports of its own: a master, a replica, three Sentinels.
 *
 * @typedef {object} RedisSentinel
 * @property {readonly { host: string, port: number }[]} sentinels
 * @property {string} name Of the master, as the Sentinels know it.
 * @property {() => Promise<number>} master The port of the master that the first Sentinel names.
 * @property {() => Promise<void>} untilReplicated Resolves when the replica has all that the master had.
 * @property {(port: number) => Promise<void>} kill Ends a node or a Sentinel at once (SIGKILL).
 * @property {(port: number) => void} freeze Stops one without closing its connections (SIGSTOP).
 * @property {(port: number) => void} thaw
 * @property {(ms: number) => Promise<void>} setDownAfter How long a master may be silent until it is replaced. At first 500.
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
 * @param {{ settings?: Readonly<Record<string, string>> }} [options] `settings`: of the nodes, as in redis.conf.
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
 * @param {{ settings?: Readonly<Record<string, string>> }} options
 * @returns {Promise<RedisSentinel>}
 */
async function start({ settings = {} }) {
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
sentinel down-after-milliseconds ${NAME} 500
sentinel failover-timeout ${NAME} 2000
`,
    );
    await startProcess(port, [file, '--sentinel']);
    return port;
  }

  try {
    const first = await startNode();
    await startNode(first);
    await eventually(async () => (await replication(first)).includes('state=online'));
    const ports = await Promise.all(Array.from({ length: SENTINELS }, () => startSentinel(first)));
    await eventually(async () => (await Promise.all(ports.map(knowsAll))).every(Boolean));
    const mastersNamed = () => Promise.all(ports.map(masterAt));
    return {
      sentinels: ports.map((port) => ({ host: HOST, port })),
      name: NAME,
      master: () => masterAt(ports[0] ?? 0),
      async untilReplicated() {
        const port = await masterAt(ports[0] ?? 0);
        await untilReplicated(port);
      },
      kill,
      freeze: (port) => void children.get(port)?.kill('SIGSTOP'),
      thaw: (port) => void children.get(port)?.kill('SIGCONT'),
      async setDownAfter(ms) {
        const setting = ['SET', NAME, 'down-after-milliseconds', String(ms)];
        await Promise.all(
          ports.map((port) => ask(port, (sentinel) => sentinel.call('SENTINEL', ...setting))),
        );
      },
      async untilReplaced(port) {
        await eventually(async () => (await mastersNamed()).every((named) => named !== port));
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Whether the Sentinel knows the replica and both others. Without them it could not elect anybody.
 *
 * @param {number} port
 */
async function knowsAll(port) {
  const answer = await ask(port, (sentinel) => sentinel.call('SENTINEL', 'MASTER', NAME));
  const fields = /** @type {string[]} */ (answer);
  const field = (/** @type {string} */ name) => Number(fields[fields.indexOf(name) + 1]);
  return field('num-slaves') === 1 && field('num-other-sentinels') === SENTINELS - 1;
}

/** @param {number} port */
async function masterAt(port) {
  const address = await ask(port, (sentinel) => sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME));
  return Number(/** @type {string[]} */ (address)[1]);
}

/** @param {number} port Of a master. */
async function untilReplicated(port) {
  const written = Number(/master_repl_offset:(\d+)/.exec(await replication(port))?.[1]);
  // What the replica has said that it has.
  await eventually(async () => Number(/offset=(\d+)/.exec(await replication(port))?.[1]) >= written);
}

/** @param {number} port Of a master. */
function replication(port) {
  return ask(port, (node) => node.info('replication'), SENTINEL_PASSWORD);
}

/**
 * @template Answer
 * @param {number} port
 * @param {(client: Redis) => Promise<Answer>} question
 * @param {string} [password]
 */
async function ask(port, question, password) {
  const client = new Redis({
    host: HOST,
    port,
    ...(password === undefined ? {} : { password }),
    lazyConnect: true,
    enableReadyCheck: false,
    commandTimeout: 1000,
    retryStrategy: () => null,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await question(client);
  } finally {
    client.disconnect();
  }
}

/** @param {() => Promise<boolean>} condition What it rejects with counts as false. */
function eventually(condition) {
  return within(condition, START_TIMEOUT_MS, 'It never came true.');
}
