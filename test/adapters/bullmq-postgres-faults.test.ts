import type { QueueAdapter } from 'transcription-client';
import { createBullmqPostgresQueue } from 'transcription-client/bullmq';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { failureOf } from '../support/client.js';
import { shown } from '../support/leaks.js';
import { type PostgresServer, startPostgres } from '../support/postgres-server.mjs';
import { DONE, entries, entry, recorder, succeeds, until } from './bullmq-rig.js';
import { openPool } from './postgres-rig.js';

let server: PostgresServer;
let url: string;
const queues: QueueAdapter[] = [];

beforeAll(async () => {
  server = await startPostgres({ fsync: 'off' });
}, 60_000);

beforeEach(async () => {
  url = await server.createDatabase();
});

afterEach(async () => {
  for (const queue of queues.splice(0)) await queue.close();
});

afterAll(() => server.close(), 60_000);

function open(options: Partial<Parameters<typeof createBullmqPostgresQueue>[0]> = {}): QueueAdapter {
  const where = options.pool === undefined ? { connectionString: url } : {};
  const queue = createBullmqPostgresQueue({
    ...where,
    lockDurationMs: 3000,
    stalledIntervalMs: 1000,
    ...options,
  });
  queues.push(queue);
  return queue;
}

describe('a queue on PostgreSQL', () => {
  it('goes on after a crash of the server, and tells of it', { timeout: 60_000 }, async () => {
    const queue = open();
    const ran = new Set<string>();
    const heard: string[] = [];
    await queue.channel?.subscribe({ message: (text) => heard.push(text), gap: () => heard.push('GAP') });
    queue.startWorker(
      async ({ id }) => {
        ran.add(id);
        return DONE;
      },
      { concurrency: 5, onError: () => undefined },
    );
    await queue.add(entries(20));
    await until(() => ran.size === 20);
    const before = await queue.epoch?.();
    await server.crash();
    await until(() => succeeds(queue.add(entries(20, 'after'))));
    await until(() => ran.size === 40);
    expect(await queue.epoch?.()).not.toBe(before);
    await until(() => heard.includes('GAP'));
    await queue.channel?.publish('after');
    await until(() => heard.includes('after'));
  });

  it('refuses in time what it cannot do, and tells no secret', async () => {
    const nobodyThere = url.replace(/:\d+\//, ':1/');
    for (const connectionString of [
      nobodyThere,
      url.replace('owner:', 'nobody:'),
      url.replace(/[^/]*$/, 'nowhere'),
    ]) {
      const queue = open({ connectionString, commandTimeoutMs: 1000 });
      const startedAt = performance.now();
      const error = await failureOf(queue.add([entry('canary-id')]));
      expect(performance.now() - startedAt).toBeLessThan(1100);
      expect(error).toMatchObject({ name: 'QueueError' });
      expect(error.code).toBe(connectionString === nobodyThere ? 'queue_unavailable' : 'queue_misconfigured');
      for (let each: unknown = error; each instanceof Error; each = each.cause) {
        expect(shown(each)).not.toContain('canary');
      }
      expect(shown(queue)).not.toContain('canary');
    }
  });

  it('uses a pool that was handed in, and leaves it open', async () => {
    const pool = openPool({ connectionString: url, options: '-c search_path=bullmq' });
    const queue = open({ pool });
    const { handler, options, run } = recorder();
    queue.startWorker(handler, options(1));
    await queue.add([entry('a')]);
    (await run(0)).end();
    await queue.close();
    expect((await pool.query('SELECT count(*)::int AS count FROM job')).rows).toEqual([{ count: 0 }]);
    await pool.end();
  });

  it('says what a pool needs that looks elsewhere for its tables', async () => {
    const pool = openPool({ connectionString: url });
    const error = await failureOf(open({ pool }).add([entry('a')]));
    expect(error).toMatchObject({ code: 'queue_misconfigured' });
    expect(error.message).toContain('search_path=bullmq');
    await pool.end();
  });

  it('carries long messages, in their order', async () => {
    const [queue, other] = [open(), open()];
    const heard: string[] = [];
    await other.channel?.subscribe({ message: (text) => heard.push(text), gap: () => undefined });
    const long = 'é😀"\\'.repeat(3000);
    await queue.channel?.publish(long);
    await queue.channel?.publish('');
    await until(() => heard.length === 2);
    expect(heard.map((text) => text.length)).toEqual([long.length, 0]);
    expect(heard[0] === long).toBe(true);
  });

  it('lets no long row of one group hold up another one', async () => {
    const queue = open();
    await queue.add(entries(2000, 'a', { group: 'a' }));
    const ended: string[] = [];
    queue.startWorker(
      async ({ id }) => {
        ended.push(id);
        return DONE;
      },
      { concurrency: 5, onError: () => undefined },
    );
    await until(() => ended.length > 20);
    const first = ended.length;
    await queue.add(entries(10, 'b', { group: 'b' }));
    await until(() => ended.includes('b9'));
    expect(ended.length).toBeLessThan(1000);
    expect(ended.indexOf('b9') - first).toBeLessThan(400);
  });
});
