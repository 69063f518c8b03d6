import { Cluster, Redis } from 'ioredis';
import { BadRequestError } from 'transcription-client';
import { createBullmqPostgresQueue, createBullmqQueue } from 'transcription-client/bullmq';
import { describe, expect, it } from 'vitest';
import { toJob, toJobId } from '../../src/adapters/bullmq/entry.js';
import { shardOf, shardPrefixes } from '../../src/adapters/bullmq/shards.js';
import { entries, redisRig, until } from './bullmq-rig.js';

const rig = redisRig();
const URL_OF_NOBODY = 'redis://127.0.0.1:1';
const PREFIXED = new Redis({ lazyConnect: true, keyPrefix: 'x:' });
const PREFIXED_CLUSTER = new Cluster([], { lazyConnect: true, redisOptions: { keyPrefix: 'x:' } });

/** It looks like a client of ioredis. */
class Bare {
  duplicate(): void {}
  disconnect(): void {}
  connect(): void {}
}

const BAD: readonly (readonly [string, object, RegExp])[] = [
  ['neither', {}, /connection or a cluster/],
  ['both', { connection: URL_OF_NOBODY, cluster: { nodes: [URL_OF_NOBODY] } }, /connection or a cluster/],
  ['an unknown option', { connection: URL_OF_NOBODY, conection: 1 }, /Did you mean connection/],
  ['a URL of something else', { connection: 'http://127.0.0.1' }, /redis:/],
  ['a connection that is none', { connection: 6379 }, /connection/],
  ['a connection with a keyPrefix', { connection: { keyPrefix: 'x:' } }, /prefix/],
  ['a URL with a keyPrefix', { connection: `${URL_OF_NOBODY}/0?keyPrefix=x:` }, /Use the option prefix/],
  ['an instance that has no options', { connection: new Bare() }, /no options/],
  ['an instance with a keyPrefix', { connection: PREFIXED }, /prefix/],
  ['a cluster with a keyPrefix', { connection: PREFIXED_CLUSTER }, /prefix/],
  ['a cluster without nodes', { cluster: { nodes: [] } }, /cluster.nodes/],
  ['an unknown option of a cluster', { cluster: { nodes: [URL_OF_NOBODY], node: 1 } }, /node/],
  ['a name with a colon', { connection: URL_OF_NOBODY, name: 'a:b' }, /name/],
  ['an empty name', { connection: URL_OF_NOBODY, name: '' }, /name/],
  ['a prefix with a space', { connection: URL_OF_NOBODY, prefix: 'a b' }, /prefix/],
  ['no shards', { connection: URL_OF_NOBODY, shards: 0 }, /shards/],
  ['a short lock', { connection: URL_OF_NOBODY, lockDurationMs: 1 }, /lockDurationMs/],
  ['a clock that is none', { connection: URL_OF_NOBODY, clock: {} }, /clock/],
];

const BAD_POSTGRES: readonly (readonly [string, object, RegExp])[] = [
  ['neither', {}, /connectionString or a pool/],
  ['a URL of something else', { connectionString: 'mysql://user:canary@host' }, /postgres:/],
  ['a pool that is none', { pool: {} }, /pool/],
  ['too few connections', { connectionString: 'postgres://host/db', maxConnections: 1 }, /maxConnections/],
];

describe('the options', () => {
  it.each(BAD)('of a queue on Redis: %s', (_what, options, message) => {
    expect(() => createBullmqQueue(options)).toThrow(BadRequestError);
    expect(() => createBullmqQueue(options)).toThrow(message);
  });

  it.each(BAD_POSTGRES)('of a queue on PostgreSQL: %s', (_what, options, message) => {
    expect(() => createBullmqPostgresQueue(options)).toThrow(BadRequestError);
    expect(() => createBullmqPostgresQueue(options)).toThrow(message);
  });

  it('are not needed where they have a default, and nothing is opened before the first call', async () => {
    const queue = createBullmqQueue({ connection: URL_OF_NOBODY });
    expect(() => queue.derive?.('Not a name')).toThrow(BadRequestError);
    await queue.close();
  });

  it('may be those of ioredis', async () => {
    const name = rig.name();
    const { port, url } = rig.server;
    const password = decodeURIComponent(new URL(url).password);
    const queue = rig.queue({ connection: { host: '127.0.0.1', port, password, commandTimeout: 1 }, name });
    await queue.add(entries(2));
    const seen: string[] = [];
    queue.startWorker(
      async ({ id }) => {
        seen.push(id);
        return { type: 'done' };
      },
      { concurrency: 1, onError: (error) => expect.fail(String(error)) },
    );
    await until(() => seen.length === 2);
  });
});

describe('a derived queue', () => {
  it('is none that can be opened by its name', async () => {
    const name = rig.name();
    const other = rig.queue({ name: `${name}-webhooks` });
    const derived = rig.queue({ name }).derive?.('webhooks');
    await derived?.add(entries(2));
    expect(await derived?.depth()).toMatchObject({ waiting: 2 });
    await derived?.close();
    expect(await other.depth()).toMatchObject({ waiting: 0 });
    expect(() => rig.queue({ name: `${name}~webhooks` })).toThrow(BadRequestError);
  });
});

describe('the id of a job', () => {
  it('is one that BullMQ takes, and tells all ids apart', () => {
    const ids = [
      'a',
      'A',
      '',
      '0',
      '12345',
      '0:1',
      'a:b:c',
      'é',
      ' ',
      '__proto__',
      'x'.repeat(126),
      'x'.repeat(200_000),
    ];
    const jobIds = ids.map(toJobId);
    expect(new Set(jobIds).size).toBe(ids.length);
    for (const id of jobIds) expect(id).toMatch(/^[eh]_[A-Za-z0-9_-]{0,126}$/);
  });

  it('and its shard are the same in every version', () => {
    expect(toJobId('job_1_0')).toBe('e_job_1_0');
    expect(toJobId('a b')).toBe('h_yGh6CKpdbtIEQyj6aml6uOltw0KR6MIDSujDjm_MbWU');
    expect([2, 3, 7, 64].map((shards) => shardOf('e_job_1_0', shards))).toEqual([1, 1, 3, 7]);
  });
});

describe('the priority of a job', () => {
  it.each([
    [0, undefined, 0],
    [0, 'g', 1],
    [1, undefined, 2],
    [1, 'g', 3],
    [-5, undefined, 0],
    [1e9, 'g', 2 ** 21 - 1],
  ])('for %s and the group %s is %s', (priority, group, expected) => {
    const job = toJob({ id: 'a', priority, delayMs: 0, ...(group === undefined ? {} : { group }) });
    expect(job.priority).toBe(expected);
  });
});

describe('shards', () => {
  it('have a hash tag each', () => {
    expect(shardPrefixes({ prefix: 'bull', shards: 1 })).toEqual(['bull']);
    for (const prefix of ['bull', '{bull}', 'a{bull}b']) {
      const prefixes = shardPrefixes({ prefix, shards: 5 });
      expect(new Set(prefixes).size).toBe(5);
      for (const each of prefixes)
        expect(each).toMatch(prefix.includes('a') ? /^a\{bull-\d+\}b$/ : /^\{bull-\d+\}$/);
    }
  });

  it('have about as many ids each', () => {
    const counts = [0, 0, 0];
    for (let id = 0; id < 3000; id += 1) {
      const shard = shardOf(`e_job_${id}_0`, 3);
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    for (const count of counts) expect(count).toBeGreaterThan(800);
  });
});
