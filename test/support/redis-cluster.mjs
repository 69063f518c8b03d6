// @ts-check
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, Redis } from 'ioredis';
import { eventually as within } from './eventually.mjs';
import { freePort } from './free-port.mjs';

/** @import { ChildProcess } from 'node:child_process' */

/**
 * A Redis Cluster of our own, on loopback and ports of its own: three masters with one replica each.
 *
 * @typedef {object} RedisCluster
 * @property {readonly { host: string, port: number }[]} nodes
 * @property {Cluster} client For the test itself. It connects again by itself.
 * @property {(key: string) => Promise<number>} masterOf The port of the master that has the key.
 * @property {(port: number) => Promise<void>} kill Ends a node at once (SIGKILL), and resolves when the cluster has
 *   a master for all slots again.
 * @property {() => Promise<void>} close Ends all nodes, and takes their files away.
 */

export const CLUSTER_PASSWORD = 'canary-cluster-password';
const MASTERS = 3;
const START_TIMEOUT_MS = 30_000;
const SLOTS = 16_384;
/** Between finding a free port and taking it, somebody else may. */
const START_ATTEMPTS = 5;

/**
 * @param {{ replicas?: boolean, settings?: Readonly<Record<string, string>> }} [options]
 * @returns {Promise<RedisCluster>}
 */
export async function startRedisCluster(options = {}) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(options);
    } catch (error) {
      if (attempt === START_ATTEMPTS) throw error;
    }
  }
}

/**
 * @param {{ replicas?: boolean, settings?: Readonly<Record<string, string>> }} options
 * @returns {Promise<RedisCluster>}
 */
async function start({ replicas = true, settings = {} }) {
  const folder = mkdtempSync(join(tmpdir(), 'redis-cluster-'));
  /** @type {Map<number, ChildProcess>} */
  const children = new Map();

  async function close() {
    await Promise.all([...children.keys()].map(end));
    rmSync(folder, { recursive: true, force: true });
  }

  /** @param {number} port */
  async function end(port) {
    const child = children.get(port);
    children.delete(port);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
  }

  async function startNode() {
    const port = await freePort();
    const flags = Object.entries({
      port: String(port),
      bind: '127.0.0.1',
      dir: folder,
      save: '',
      requirepass: CLUSTER_PASSWORD,
      masterauth: CLUSTER_PASSWORD,
      'cluster-enabled': 'yes',
      'cluster-config-file': `nodes-${port}.conf`,
      'cluster-port': String(await freePort()),
      'cluster-node-timeout': '1000',
      'cluster-replica-validity-factor': '0',
      'repl-ping-replica-period': '1',
      'repl-diskless-sync-delay': '0',
      dbfilename: `dump-${port}.rdb`,
      appenddirname: `append-${port}`,
      ...settings,
    }).flatMap(([name, value]) => [`--${name}`, value]);
    const child = spawn('redis-server', flags, { cwd: folder, stdio: 'ignore' });
    children.set(port, child);
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`The node at port ${port} has ended.`);
      return (await ask(port, (client) => client.ping())) === 'PONG';
    });
    return port;
  }

  try {
    const ports = await Promise.all(Array.from({ length: replicas ? 2 * MASTERS : MASTERS }, startNode));
    await formCluster(ports);
    const nodes = ports.map((port) => ({ host: '127.0.0.1', port }));
    const client = new Cluster(nodes, {
      redisOptions: { password: CLUSTER_PASSWORD },
      clusterRetryStrategy: () => 100,
    });
    client.on('error', () => undefined);
    return {
      nodes,
      client,
      async masterOf(key) {
        const slot = await client.cluster('KEYSLOT', key);
        const [living = 0] = children.keys();
        const range = (await slotsAt(living)).find(({ from, to }) => from <= slot && slot <= to);
        if (range === undefined) throw new Error(`Nobody has the slot ${slot}.`);
        return range.master;
      },
      async kill(port) {
        await end(port);
        await eventually(async () => isWhole([...children.keys()], port));
      },
      async close() {
        client.disconnect();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @param {readonly number[]} ports Masters first. */
async function formCluster(ports) {
  const masters = ports.slice(0, MASTERS);
  const replicas = ports.slice(MASTERS);
  const [first = 0] = masters;
  await Promise.all(
    masters.map((port, index) => {
      const from = Math.floor((index * SLOTS) / MASTERS);
      const to = Math.floor(((index + 1) * SLOTS) / MASTERS) - 1;
      return ask(port, (node) => node.cluster('ADDSLOTSRANGE', from, to));
    }),
  );
  // Two nodes with the same number could not tell who is right.
  await Promise.all(
    ports.map((port, index) =>
      ask(port, (node) => node.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))),
    ),
  );
  for (const port of ports.slice(1)) {
    const bus = await busOf(first);
    await ask(port, (node) => node.call('CLUSTER', 'MEET', '127.0.0.1', String(first), String(bus)));
  }
  await eventually(async () =>
    (await Promise.all(ports.map(known))).every((count) => count === ports.length),
  );
  await Promise.all(
    replicas.map(async (port, index) => {
      const id = await ask(masters[index] ?? 0, (node) => node.cluster('MYID'));
      await eventually(async () => {
        await ask(port, (node) => node.cluster('REPLICATE', String(id)));
        return true;
      });
    }),
  );
  await eventually(async () => {
    const synced = await Promise.all(replicas.map((port) => ask(port, (node) => node.info('replication'))));
    const isSynced = synced.every((info) => info.includes('master_link_status:up'));
    return isSynced && (await isWhole(ports));
  });
}

/** @param {number} port */
async function known(port) {
  return String(await ask(port, (node) => node.cluster('NODES')))
    .trim()
    .split('\n').length;
}

/** @param {number} port */
async function busOf(port) {
  return /@(\d+)/.exec(String(await ask(port, (node) => node.cluster('NODES'))))?.[1];
}

/**
 * Whether all nodes agree that there is a living master for every slot.
 *
 * @param {readonly number[]} ports
 * @param {number} [dead]
 */
async function isWhole(ports, dead) {
  const states = await Promise.all(
    ports.map(async (port) => {
      const info = String(await ask(port, (node) => node.cluster('INFO')));
      const slots = await slotsAt(port);
      return info.includes('cluster_state:ok') && slots.every(({ master }) => master !== dead);
    }),
  );
  return states.every(Boolean);
}

/** @param {number} port */
async function slotsAt(port) {
  const slots = await ask(port, (node) => node.cluster('SLOTS'));
  return slots.map(([from, to, master]) => ({
    from: Number(from),
    to: Number(to),
    master: Number(master?.[1]),
  }));
}

/**
 * @template Answer
 * @param {number} port
 * @param {(client: Redis) => Promise<Answer>} question
 */
async function ask(port, question) {
  const client = new Redis({
    host: '127.0.0.1',
    port,
    password: CLUSTER_PASSWORD,
    lazyConnect: true,
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
  return within(condition, START_TIMEOUT_MS, 'The cluster does not come up.');
}
